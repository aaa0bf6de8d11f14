"""Frames and pictures in the store, and windows of them as masks see them."""

from __future__ import annotations

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region, Window
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.stages.access import Access

#: Behind the path of the frames: where they have a picture.
COVERAGE = "-coverage"


@frozen
class StoredFrames:
    """The stack in the store, (planes, slices, y, x) in its own number type, and how masks see it."""

    path: str
    planes: int
    frame: Frame
    full: float
    resize: PrepResize | None = None
    key: str = ""
    #: Where slices have a picture, (slices, y, x) in 0..1; none: everywhere.
    coverage: str = ""

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample in the store."""
        return {255.0: 1, 65535.0: 2}.get(self.full, 4)

    def wider(self) -> float:
        """Float32 planes of a window that are read beside it where masks are made at another size."""
        if self.resize is None:
            return 0.0
        small = self.resize.size(self.frame)
        return 1.5 * self.planes * self.frame[0] * self.frame[1] / (small[0] * small[1])

    @property
    def dtype(self) -> str:
        """Number type of the samples in the store."""
        return {1: "uint8", 2: "uint16", 4: "float32"}[self.sample_bytes]

    def samples(self, access: Access, z: int, region: Region, keep: bool = False,
                out: np.ndarray | None = None) -> np.ndarray:  # fmt: skip
        """Samples (planes, y, x) of a slice as they were read; ``keep``: chunks are shared, row by row."""
        into = None if out is None else out[:, None]
        return access.read(self.path, [(0, self.planes), (z, z + 1)], region, keep, into)[:, 0]

    def covered(self, access: Access, z: int, region: Region) -> np.ndarray:
        """How much of each pixel of a slice is picture, (y, x) in 0..1, as it is in the store."""
        return access.read(self.coverage, [(z, z + 1)], region)[0]

    def mask_covered(self, access: Access, z: int, region: Region) -> np.ndarray | None:
        """Whether pixels of a mask are picture, bool (y, x), at the size that masks are made in; None: all."""
        if not self.coverage:
            return None
        if self.resize is None:
            return self.covered(access, z, region) > 0
        read = lambda part: self.covered(access, z, part)[None].astype(np.float32)  # noqa: E731
        shown: np.ndarray = self.resize.to_mask_size(read, self.frame, region).data[0] > 0.5
        return shown

    def window(self, access: Access, z: int, region: Region, keep: bool = False, codes: bool = False) -> Window:
        """A slice's window as float32 in 0..1, at the size that masks are made in.

        ``codes``: samples of 8 and 16 bits may stay the whole numbers that they are.
        """
        read = lambda part: kernels.codes.scale_to_unit(self.samples(access, z, part, keep), self.full)  # noqa: E731
        if self.resize is None:
            plain = codes and self.sample_bytes < 4
            return Window(self.samples(access, z, region, keep) if plain else read(region), region, self.frame)
        return self.resize.to_mask_size(read, self.frame, region)


@frozen
class StoredPicture(StoredFrames):
    """A picture in the store without slices, (planes, y, x) in its own number type."""

    def samples(self, access: Access, z: int, region: Region, keep: bool = False,
                out: np.ndarray | None = None) -> np.ndarray:  # fmt: skip
        return access.read(self.path, [(0, self.planes)], region, keep, out)
