"""A stage of a plan: one job over all blocks of a frame (and slices), from arrays to arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import field, replace
from typing import Any

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, tile_indices, tile_region
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.stages.access import RegionValues
from imfuse_tiles.stages.array_layout import DISK_BLOCK, Block, Layout, Output
from imfuse_tiles.stages.job import Job
from imfuse_tiles.storage.store import Store


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
