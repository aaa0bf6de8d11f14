"""Image files into the store: one band of one slice at a time, checked before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.reading import Header, open_frame
from imfuse_tiles.stages.frame_levels import FrameLevels, stack_levels
from imfuse_tiles.stages.stage import Access, Block, Job
from imfuse_tiles.storage.store import Store

BAND = 512


@frozen
class IngestJob(Job):
    """Files, front first, into an array (planes, slices, y, x) of their own number type."""

    kind: ClassVar[str] = "read"
    step: ClassVar[str] = ""

    headers: tuple[Header, ...]
    out: str
    #: Number of the slice that the first header belongs to.
    first: int = 0

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        header, region = self.headers[block.z0 - self.first], block.region
        step = access.array(self.out).chunks[-2] if self.out else BAND
        levels = FrameLevels(block.z0)
        with open_frame(header) as frame:
            for y0 in range(region.y0, region.y1, step):
                y1 = min(y0 + step, region.y1)
                rows = frame.rows(y0, y1)
                levels.add(rows, y0)
                access.bytes_read += rows.nbytes
                part = Region(y0, y1, 0, header.width)
                access.write(self.out, [(0, header.planes), (block.z0, block.z1)], part, rows[:, None])
        return levels.report()

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        (first, last), (z0, z1) = lead
        samples = [self.window(access, z, region)[first:last] for z in range(z0, z1)]
        return np.stack(samples, axis=1)

    def window(self, access: Access, z: int, region: Region) -> np.ndarray:
        """Samples (planes, y, x) of a slice's region, read from its file."""
        with open_frame(self.headers[z - self.first]) as frame:
            samples = frame.window(region.y0, region.y1, region.x0, region.x1)
        access.bytes_read += samples.nbytes
        return samples

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return stack_levels(reports)

    def for_block(self, block: Block) -> IngestJob:
        return replace(self, headers=self.headers[block.z0 : block.z1], first=block.z0)

    def memory(self, height: int, width: int) -> int:
        decoder = max(header.decode_bytes for header in self.headers)
        return decoder + 2 * min(height, BAND) * width * self.headers[0].planes * 4
