"""Image files into the store: one band of one slice at a time, checked before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.reading import FrameReader, Header, open_frame
from imfuse_tiles.stages.access import Access, chunk_factor
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.frame_levels import FrameLevels, stack_levels
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.source_windows import frame_of
from imfuse_tiles.storage.store import Store

BAND = 512


@frozen
class IngestJob(Job):
    """Files, front first, into an array (planes, slices, y, x) of their own number type.

    ``coverage``: the array (slices, y, x), uint8, that says by 1 where a slice has a picture; none if it is everywhere.
    """

    kind: ClassVar[str] = "read"
    step: ClassVar[str] = ""

    headers: tuple[Header, ...]
    out: str
    #: Number of the slice that the first header belongs to.
    first: int = 0
    coverage: str = ""

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        header, region = self.headers[block.z0 - self.first], block.region
        step = access.array(self.out).chunks[-2] if self.out else BAND
        levels = FrameLevels(block.z0)
        with open_frame(header, windows=True) as frame:  # where the samples of TIFFs lie is looked up once for a run
            for y0 in range(region.y0, region.y1, step):
                part = Region(y0, min(y0 + step, region.y1), region.x0, region.x1)
                rows, covered, size = self.rows(frame, block.z0 - self.first, part)
                access.bytes_read += size
                levels.add(rows, y0, covered=covered)
                self.write(access, (block.z0, block.z1), part, rows, covered)
        return levels.report()

    def rows(self, frame: FrameReader, number: int, part: Region) -> tuple[np.ndarray, np.ndarray | None, int]:
        """A band of a frame, (planes, y, x); where it has a picture, bool (y, x), None for everywhere; bytes read."""
        rows = frame.rows(part.y0, part.y1)
        if not frame.header.coverage:
            return rows, None, rows.nbytes
        return rows[:-1], rows[-1] > 0, rows.nbytes

    def write(self, access: Access, slices: tuple[int, int], part: Region, rows: np.ndarray,
              covered: np.ndarray | None) -> None:  # fmt: skip
        """Write a part of a slice and where it has a picture."""
        access.write(self.out, [(0, len(rows)), slices], part, rows[:, None])
        if self.coverage:
            seen = np.ones(part.shape, np.uint8) if covered is None else covered.astype(np.uint8)
            access.write(self.coverage, [slices], part, seen[None])

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        (first, last), (z0, z1) = lead
        samples = [self.window(access, z, region)[first:last] for z in range(z0, z1)]
        return samples[0][:, None] if len(samples) == 1 else np.stack(samples, axis=1)

    def window(self, access: Access, z: int, region: Region) -> np.ndarray:
        """Samples (planes, y, x) of a slice's region, read from its file."""
        with open_frame(self.headers[z - self.first], windows=True) as frame:
            samples = frame.window(region.y0, region.y1, region.x0, region.x1)
        access.bytes_read += samples.nbytes
        return samples

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return stack_levels(reports)

    def for_block(self, block: Block) -> IngestJob:
        return replace(self, headers=self.headers[block.z0 : block.z1], first=block.z0)

    def memory(self, height: int, width: int) -> int:
        decoder = max(header.decode_bytes for header in self.headers)
        rows = min(height, band_rows(frame_of(self.headers[0])))
        return decoder + 2 * rows * width * (self.headers[0].planes + bool(self.coverage)) * self._sample_bytes

    @property
    def _sample_bytes(self) -> int:
        """Bytes of a sample as memory is reckoned: of plain large ones what they take, else as much as any."""
        plain = not any(header.profiles or header.coverage or header.white for header in self.headers)
        return np.dtype(self.headers[0].dtype).itemsize + 1 if plain and self.headers[0].dtype != "float32" else 4


def band_rows(frame: Frame) -> int:
    """Rows that are read at once of a frame at most: those of a chunk."""
    return BAND * chunk_factor(frame)
