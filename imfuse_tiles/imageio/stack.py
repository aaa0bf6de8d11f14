"""The frames of a run."""

from __future__ import annotations

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading import Header

FULL = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


@frozen
class Stack:
    """The frames of a run, front first, all of one size."""

    headers: tuple[Header, ...]
    digest: str
    #: What the user is to know of how the files were taken, one line each.
    notices: tuple[str, ...] = ()
    #: The tags of the front frame's camera, and the colour profile of all frames.
    tags: Tags = Tags()

    @property
    def frame(self) -> Frame:
        return self.headers[0].height, self.headers[0].width

    @property
    def planes(self) -> int:
        return self.headers[0].channels

    @property
    def dtype(self) -> str:
        return self.headers[0].dtype

    def __len__(self) -> int:
        return len(self.headers)
