"""A stage of a plan: one job over all blocks of a frame (and slices), from arrays to arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, tile_indices, tile_region
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.stages.access import Access, RegionValues
from imfuse_tiles.storage.shards import CRC_BYTES, ShardGrid
from imfuse_tiles.storage.store import Store

#: How much lower than wide the chunks of the result are, which is exported in rows.
FLAT = 4
#: Bytes that file systems allocate at a time.
DISK_BLOCK = 4096


class Block(NamedTuple):
    """What one task computes: slices z0 <= z < z1 of one region; ``z_batch`` counts the batches of slices."""

    z_batch: int
    z0: int
    z1: int
    region: Region

    @property
    def name(self) -> str:
        return f"{self.z_batch}/{self.region.y0}/{self.region.x0}"


@frozen
class Layout:
    """How a stage is cut: chunk and block edge in pixels, slices to a block. Never part of a key."""

    chunk: int
    edge: int
    run: int

    def to_list(self) -> list[int]:
        """The layout as the metadata of arrays have it."""
        return [self.chunk, self.edge, self.run]

    @classmethod
    def of(cls, said: Any) -> Layout | None:
        """A layout as a journal has it; None when it is none."""
        if not isinstance(said, dict) or set(said) != {"chunk", "edge", "run"}:
            return None
        return cls(**said) if all(isinstance(each, int) and each > 0 for each in said.values()) else None


@frozen
class Output:
    """An array that a stage writes: ``lead`` dimensions before y and x, ``group`` their chunk lengths.

    ``by_run``: the array has one plane for each group of slices instead of ``lead``. ``level``: the array is
    smaller than the stage's frame, halved so many times, rounding up. ``folded``: each block writes all slices,
    though a chunk holds one. ``flat``: chunks have so many times fewer rows than columns, where that divides them:
    an array that is read in rows as wide as the frame then takes less memory. ``file_edge``: a file holds as many
    chunks as are at most so many pixels wide and high, where blocks do and they are not compressed; 0: one.
    """

    path: str
    lead: tuple[int, ...]
    group: tuple[int, ...]
    dtype: str
    by_run: bool = False
    level: int = 0
    folded: bool = False
    flat: int = 1
    file_edge: int = 0

    def halved(self, length: int) -> int:
        """A length or place in the frame as it is in the array."""
        return -(-length >> self.level)

    def shape(self, frame: Frame, runs: int) -> tuple[int, ...]:
        lead = (runs,) if self.by_run else self.lead
        return (*lead, *map(self.halved, frame))

    def chunks(self, frame: Frame, chunk: int) -> tuple[int, ...]:
        rows, columns = (self.halved(min(chunk, side)) for side in frame)
        return (*self.group, rows if rows % self.flat else rows // self.flat, columns)

    def per_file(self, frame: Frame, layout: Layout) -> tuple[int, int]:
        """How many chunks lie in a file, down and across."""
        wanted, within = self.file_edge // layout.chunk, layout.edge // layout.chunk
        count = next((count for count in range(wanted, 1, -1) if within % count == 0), 1)
        down, across = (min(count, -(-self.halved(side) // layout.chunk)) for side in frame)
        return down, across

    def grid(self, frame: Frame, runs: int, layout: Layout, compressed: bool = False) -> ShardGrid:
        """How the chunks of the array lie in files."""
        shape, chunks = self.shape(frame, runs), self.chunks(frame, layout.chunk)
        size = math.prod(chunks) * np.dtype(self.dtype).itemsize + CRC_BYTES
        counts = tuple(-(-a // b) for a, b in zip(shape, chunks, strict=True))
        return ShardGrid(counts, (1, 1) if compressed else self.per_file(frame, layout), size)

    def box(self, block: Block) -> list[tuple[int, int]]:
        """Start and stop in every dimension of what a block writes."""
        region, slices = Region(*map(self.halved, block.region)), (block.z0, block.z1)
        if self.by_run:
            lead = [(block.z_batch, block.z_batch + 1)]
        else:
            # One of length 1 may be that of the planes of a grey stack.
            lead = [
                slices if each == 1 < size and not self.folded else (0, size)
                for size, each in zip(self.lead, self.group, strict=True)
            ]
        return [*lead, (region.y0, region.y1), (region.x0, region.x1)]


@frozen
class Job:
    """What a stage does to a block. Frozen and small: it is sent to workers as it is."""

    kind: ClassVar[str] = "local"
    #: Raised when the values that the job computes change (those of an option have a version of their own), so that
    #: what was stored before is not reused. Versions of parent classes count too.
    version: ClassVar[int] = 1
    #: The step it belongs to; none: it is only computed again when the images change.
    step: ClassVar[str] = "mask"
    #: Whether it goes through a block part by part, so that a large one needs little more memory.
    parted: ClassVar[bool] = False

    @property
    def timed_as(self) -> Job:
        """The job under whose name its speed is noted: one that computes the same."""
        return self

    @classmethod
    def key(cls, *about: Any) -> str:
        """The key of a stage of this job: from its name, its version and what else decides its values, as JSON."""
        return digest([cls.__name__, cls.versions(), *about])

    @classmethod
    def versions(cls) -> list[int]:
        """The version of the job and those of its parent classes."""
        return [vars(kind)["version"] for kind in cls.__mro__ if "version" in vars(kind)]

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        """Read, compute and write one block; what it returns is kept in the journal."""
        raise NotImplementedError

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        """What it would write to an array, computed now: as :meth:`Access.read` gives it."""
        raise NotImplementedError

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """The numbers of the whole stage from what its blocks reported."""
        return {}

    def summary_pattern(self) -> Any:
        """What the summary looks like, for ``json_values.matches``: other numbers in a store are not those of a run."""
        return {}

    def for_block(self, block: Block) -> Job:
        """The job as far as one block needs it, so that little is sent to a worker."""
        return self

    def memory(self, height: int, width: int) -> int:
        """Bytes that a block needs whose window, halo included, is so large."""
        return int(4 * self.planes() * height * width)

    def planes(self) -> float:
        """Float32 planes of a block's window that are in memory at once, as the plan reckons memory."""
        return 8.0


def measured_key(key: str) -> str:
    """The key of the stage that measures what another one would store."""
    return digest(["measured", key])


def stage_numbers(store: Store, key: str) -> dict[str, Any]:
    """What a finished stage measured, whether what it computed is stored or not."""
    numbers = store.numbers.load(key) or store.numbers.load(measured_key(key))
    assert numbers is not None, f"{key} is not finished"
    return numbers


@frozen
class ComputedInput:
    """An array that is computed when it is read: its path, by what, and how far that looks beyond a region."""

    path: str
    job: RegionValues
    reach: int

    def farther(self, reach: int) -> ComputedInput:
        """The same for a stage that reads it through another one, which looks ``reach`` pixels beyond a region."""
        return replace(self, reach=self.reach + reach)

    def memory(self, height: int, width: int) -> int:
        """Bytes that computing a window takes, beside those of the stage that reads it."""
        return int(4 * self.job.planes() * (height + 2 * self.reach) * (width + 2 * self.reach))


@frozen
class Stage:
    """One line of a plan."""

    name: str
    key: str
    job: Job
    frame: Frame
    outputs: tuple[Output, ...]
    slices: int = 1
    halo: Halo = Halo()
    inputs: tuple[str, ...] = ()
    #: Blocks are bands as wide as the frame (reading files) instead of squares.
    banded: bool = False
    #: Each block is the whole frame of one slice.
    whole: bool = False
    #: Edges of blocks and chunks are multiples of this.
    grain: int = 1
    about: dict[str, Any] = field(default_factory=dict, compare=False)
    #: What it reads that is not stored.
    computed: tuple[ComputedInput, ...] = ()

    @property
    def computed_jobs(self) -> dict[str, RegionValues]:
        """What computes what it reads and is not stored, by its arrays' paths."""
        return {each.path: each.job for each in self.computed}

    @property
    def kind(self) -> str:
        return self.job.kind

    def z_batches(self, layout: Layout) -> int:
        return -(-self.slices // layout.run)

    def blocks(self, layout: Layout) -> Iterator[Block]:
        """Every block: all regions of the first group of slices, then of the next."""
        for z_batch in range(self.z_batches(layout)):
            z0, z1 = z_batch * layout.run, min((z_batch + 1) * layout.run, self.slices)
            for region in self.regions(layout):
                yield Block(z_batch, z0, z1, region)

    def named_block(self, layout: Layout, name: str) -> Block | None:
        """The block of a name, None when there is none."""
        numbers = name.split("/")
        if len(numbers) != 3 or not all(number.isdecimal() and len(number) < 19 for number in numbers):
            return None
        z_batch, y0, x0 = map(int, numbers)
        (height, width), edge = self.frame, layout.edge
        if (
            z_batch >= self.z_batches(layout)
            or y0 >= height
            or x0 >= (1 if self.banded else width)
            or y0 % edge
            or x0 % edge
        ):
            return None
        x1 = width if self.banded else min(x0 + edge, width)
        z0 = z_batch * layout.run
        return Block(z_batch, z0, min(z0 + layout.run, self.slices), Region(y0, min(y0 + edge, height), x0, x1))

    def regions(self, layout: Layout) -> Iterator[Region]:
        if self.banded:
            height, width = self.frame
            for y0 in range(0, height, layout.edge):
                yield Region(y0, min(y0 + layout.edge, height), 0, width)
            return
        for row, column in tile_indices(self.frame, layout.edge):
            yield tile_region(self.frame, layout.edge, row, column)

    def count(self, layout: Layout) -> int:
        """How many blocks there are."""
        across = 1 if self.banded else -(-self.frame[1] // layout.edge)
        return self.z_batches(layout) * -(-self.frame[0] // layout.edge) * across

    def bytes_on_disk(self, layout: Layout) -> int:
        """Bytes of all files, ragged chunks whole, each rounded up to the file system's blocks."""
        return sum(
            count * -(-size // DISK_BLOCK) * DISK_BLOCK
            for output in self.outputs
            for count, size in output.grid(self.frame, self.z_batches(layout), layout).file_sizes()
        )

    def file_count(self, output: Output, layout: Layout, compressed: bool = False) -> int:
        """In how many files an array of the stage lies."""
        grid = output.grid(self.frame, self.z_batches(layout), layout, compressed)
        return sum(count for count, _ in grid.file_sizes())

    def memory(self, layout: Layout) -> int:
        """Bytes one block needs while it is computed."""
        reach = self.halo.radius
        height = min(layout.edge, self.frame[0]) + 2 * reach
        width = self.frame[1] if self.banded else min(layout.edge, self.frame[1]) + 2 * reach
        computed = sum(each.memory(height, width) for each in self.computed)
        return self.job.memory(height, width) + computed + self.waiting_bytes(layout)

    def waiting_bytes(self, layout: Layout) -> int:
        """Bytes of chunks of a block that wait for the others of their files: a row of files of each array."""
        sides = [min(layout.edge, self.frame[0]), self.frame[1] if self.banded else min(layout.edge, self.frame[1])]
        return sum(
            math.prod(output.group) * max(sides) * rows * layout.chunk * np.dtype(output.dtype).itemsize
            for output in self.outputs
            if (rows := max(output.per_file(self.frame, layout))) > 1
        )
