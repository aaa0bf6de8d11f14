"""The frames of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame
from imfuse_tiles.imageio.alignment import Alignment
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.reading.normalise_samples import FULL

__all__ = ["FULL", "FrameWarp", "Stack"]


@frozen
class FrameWarp:
    """How a frame is resampled as it is read: ``matrix`` (3 x 3, row by row) maps a pixel of the stack to its place
    in the file; ``gains`` multiply its colours, none where empty."""

    matrix: tuple[float, ...]
    gains: tuple[float, ...] = ()


@frozen
class Stack:
    """The frames of a run, front first, all of one size."""

    headers: tuple[Header, ...]
    digest: str
    #: What the user is to know of how the files were taken, one line each.
    notices: tuple[str, ...] = ()
    #: The tags of the front frame's camera, and the colour profile of all frames.
    tags: Tags = Tags()
    #: One for each frame, or none: the files are read as they are.
    warps: tuple[FrameWarp, ...] = ()
    #: Height and width after warping and preparation.
    size: Frame | None = None
    #: Height and width after warping where frames are prepared as they are read; None: they are not.
    unprepared_size: Frame | None = None
    #: What was found of how the frames lie over each other.
    alignment: Alignment | None = None
    #: The same as it was estimated, before frames were left out or sorted, and the key that it is kept by in a store.
    estimate: Alignment | None = None
    alignment_key: str = ""
    #: Whether resampled frames show less than the frame of the stack.
    shows_less: bool = False
    #: The frames that masks are computed of, as many and of one size with these; None: these themselves.
    guide: Stack | None = None

    @property
    def frame(self) -> Frame:
        """Height and width of the frames as they are fused."""
        return self.size or self.file_frame

    @property
    def aligned_frame(self) -> Frame:
        """Height and width of the frames laid over each other, before they are prepared."""
        return self.unprepared_size or self.frame

    @property
    def file_frame(self) -> Frame:
        """Height and width of the frames in their files."""
        return self.headers[0].height, self.headers[0].width

    @property
    def files(self) -> set[Path]:
        """The image files that the frames lie in; none of frames in memory."""
        return {header.path for header in self.headers if header.format != "array"}

    @property
    def planes(self) -> int:
        return self.headers[0].channels

    @property
    def dtype(self) -> str:
        return self.headers[0].dtype

    @property
    def covered(self) -> bool:
        """Whether there are pixels where a frame has no picture: which ones is stored with the frames."""
        return self.shows_less or any(header.coverage for header in self.headers)

    def __len__(self) -> int:
        return len(self.headers)

    def warped(self, warps: Sequence[FrameWarp], size: Frame, shows_less: bool = False) -> Stack:
        """The stack with its frames resampled as they are read; another stack, with another digest.

        ``shows_less``: some pixels lie outside some frames, and are no picture there.
        """
        about = [self.digest, [(warp.matrix, warp.gains) for warp in warps], tuple(size), *["part"] * shows_less]
        digest = hashlib.sha256(repr(about).encode()).hexdigest()
        return replace(self, warps=tuple(warps), size=size, digest=digest, shows_less=shows_less)
