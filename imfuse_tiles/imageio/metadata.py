"""What a camera says about a picture, on its way from one file to another.

Values stay as they are, in little-endian order, so that nothing is lost that this program does not understand.
"""

from __future__ import annotations

from dataclasses import field

from imfuse_tiles.frozen import frozen

EXIF, PROFILE, GPS = 34665, 34675, 34853


@frozen
class Value:
    """A tag's value: number of its type, count, and its bytes in little-endian order."""

    kind: int
    count: int
    data: bytes


Directory = dict[int, Value]


@frozen
class Tags:
    """The descriptive tags of the main, the EXIF and the GPS directory, and the colour profile."""

    main: Directory = field(default_factory=dict)
    exif: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)
    profile: bytes = b""
    #: What is known of the colours that no profile tells, in words.
    colour_notice: str = ""

    def profile_for(self, planes: int) -> bytes:
        """The colour profile if it fits a picture of so many planes."""
        space = b"GRAY" if planes < 3 else b"RGB "
        return self.profile if self.profile[16:20] == space else b""
