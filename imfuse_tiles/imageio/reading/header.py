"""What is known about a frame before a pixel of it is decoded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.covered_rows import bytes_needed
from imfuse_tiles.imageio.reading.orientation import turned_size

#: The name of a format, as in formats.py.
Format = str
DType = Literal["uint8", "uint16", "float32"]

_SAMPLE_BYTES = {"uint8": 1, "uint16": 2, "float32": 4}
# A file may claim at most this many decoded bytes per byte on disk, beyond a free allowance. Deflate cannot
# exceed 1032, LZW about 2560, JPEG about 1000: a file above it is damaged or made to fill the memory.
LARGEST_EXPANSION = 4096
FREE_BYTES = 64 << 20


@frozen
class Header:
    """Geometry and type of one image file, as promised by its header and checked against its size.

    Alpha is not a colour plane: it is dropped when reading, unless the header is `veiled`. `orientation` is the
    camera's tag (1 = upright). Pixels are delivered as stored unless the header is `turned`: a camera that looks
    down tags frames of one stack at random while it stores all of them alike.
    """

    path: Path
    format: Format
    height: int
    width: int
    channels: Literal[1, 3]
    has_alpha: bool
    dtype: DType
    rows_per_segment: int  # rows that can only be decoded together; the height where there is no choice
    decode_bytes: int  # memory for decoding, beside the band that is returned
    size: int
    mtime_ns: int
    orientation: int = 1
    page: int = 0  # TIFF: the directory that holds the full image
    plane: int = 0  # TIFF: which of several planes behind that directory
    subpage: int = 0  # TIFF: which picture below that directory, from 1; 0: the directory's own
    series: int = 0  # files of several series: which one
    index: tuple[int, ...] = ()  # along the axes of the series; -1: the first three channels as colours
    level: int = 0  # files of several sizes: which one, 0 is the full size
    turn: int = 1  # orientation that is applied when reading; height and width are those after it
    profiles: tuple[bytes, bytes] | None = None  # colours are converted from one profile to another when read
    crop: tuple[int, int, int, int] | None = None  # top and left of what is read, height and width of the whole
    white: float = 0.0  # sample that becomes full scale when read; 0: full scale of the type, 1 for floats
    part: str = ""  # "page 3" or "plane 3" where the file holds several frames
    white_balance: tuple[float, ...] = ()  # raw: factors of the sensor's colours
    inverted: bool = False  # TIFF: 0 means white in the file; delivered with 0 as black
    premultiplied: bool = False  # TIFF: colours are stored times alpha
    with_alpha: bool = False  # alpha is read as the last plane
    ctime_ns: int = 0  # last change of any kind, which no program can set
    coverage: float = 0.0  # sample of alpha from which on a pixel is picture; 0: alpha does not say that
    windows: bool = False  # parts of rows can be read alone, for little more than their own bytes
    content: str = ""  # SHA-256 of the file, where frames are told apart by their content and not by their times

    @property
    def name(self) -> str:
        """The frame in a message: its file, and which page or plane of it."""
        return f"{shown(self.path)} {self.part}".rstrip()

    @property
    def planes(self) -> int:
        """Planes as read: the colours, and alpha if it is asked for."""
        return self.channels + self.with_alpha

    @property
    def treatment(self) -> str:
        """What is done to the pixels when they are read, for the stack's digest; empty for nothing."""
        turn = f"turn {self.turn}" if self.turn != 1 else ""
        profiles = [hashlib.sha256(profile).hexdigest() for profile in self.profiles or ()]
        white = f"white {self.white!r}" if self.white else ""
        crop = f"crop {self.crop} to {self.height} x {self.width}" if self.crop else ""
        balance = f"white balance {self.white_balance}" if self.white_balance else ""
        coverage = "coverage" if self.coverage else ""
        return " ".join(filter(None, [turn, *profiles, white, crop, balance, coverage]))

    def turned(self) -> Header:
        """The header of the same frame to be read upright, as its orientation tag says."""
        if self.orientation == 1:
            return self
        height, width = turned_size(self.height, self.width, self.orientation)
        across = (height, width) != (self.height, self.width) or self.orientation > 4
        more = self.planes * height * width * _SAMPLE_BYTES[self.dtype] if across else 0
        rows = height if across else self.rows_per_segment
        return replace(
            self, turn=self.orientation, height=height, width=width, rows_per_segment=rows,
            decode_bytes=self.decode_bytes + more,
        )  # fmt: skip

    @property
    def stored_shape(self) -> tuple[int, int, int]:
        """(planes, height, width) in the file, before it is turned."""
        height, width = self.crop[2:] if self.crop else (self.height, self.width)
        return self.planes, *turned_size(height, width, self.turn)

    def cropped(self, top: int, bottom: int, left: int, right: int) -> Header:
        """The header of a frame of which only a rectangle is read, after it is turned."""
        more = self.planes * 4 * self.width * min(self.height, 512)
        return replace(
            self, crop=(top, left, self.height, self.width), height=bottom - top, width=right - left,
            rows_per_segment=min(self.rows_per_segment, bottom - top), decode_bytes=self.decode_bytes + more,
        )  # fmt: skip

    def veiled(self) -> Header:
        """The header of the same file to be read with its alpha, if it has one."""
        if not self.has_alpha:
            return self
        more = self.rows_per_segment * self.width * 4
        return replace(self, with_alpha=True, decode_bytes=self.decode_bytes + more)

    def covering(self, level: float) -> Header:
        """The header of a frame that is read with its coverage as last plane: where its alpha reaches a level."""
        pixels, each = self.height * self.width, _SAMPLE_BYTES[self.dtype]
        more = bytes_needed(self.height, self.width, self.channels, each) + pixels * each
        return replace(self, with_alpha=True, coverage=level, rows_per_segment=self.height,
                       decode_bytes=self.decode_bytes + more)  # fmt: skip

    @property
    def random_access(self) -> bool:
        """Whether a band of rows can be read without decoding the whole frame."""
        return self.rows_per_segment < self.height

    @property
    def window_access(self) -> bool:
        """Whether parts of rows can be read alone, and upright as they lie in the file."""
        return self.windows and self.turn == 1 and not self.coverage

    @property
    def shape(self) -> tuple[int, int, int]:
        """(planes, height, width) as read."""
        return self.planes, self.height, self.width


@frozen
class FileFacts:
    """A regular, readable, non-empty file."""

    path: Path
    size: int
    mtime_ns: int
    ctime_ns: int


def shown(path: Path) -> str:
    """The path in a message: one line and no terminal codes, whatever the name contains."""
    text = str(path)
    return text if text.isprintable() else repr(text)


def listing(names: Sequence[str], most: int = 3) -> str:
    """The first names and how many more there are, in a message.

    >>> listing(["a", "b", "c", "d", "e"]), listing(["a", "b", "c"], 1)
    ('a, b, c and 2 more', 'a and 2 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def refuse(path: Path, what: str) -> Refusal:
    """The exception for a bad file: `raise refuse(path, "is truncated")`."""
    return Refusal(f"{shown(path)}: {what}")


def refuse_frame(header: Header, what: str) -> Refusal:
    """The exception for a bad frame, which may be a page of its file."""
    return Refusal(f"{header.name}: {what}")


def damaged(path: Path, kind: str, error: Exception) -> Refusal:
    """The exception for whatever a decoder choked on, in one line."""
    reason = " ".join(f"{error}".split())[:160] or type(error).__name__
    return refuse(path, f"damaged {kind}: {reason}")


def check_claim(facts: FileFacts, width: int, height: int, claimed_bytes: int) -> None:
    """Refuse empty images and sizes that the file cannot contain (see LARGEST_EXPANSION)."""
    if width < 1 or height < 1:
        raise refuse(facts.path, f"has no pixels ({width} x {height})")
    if claimed_bytes > FREE_BYTES + LARGEST_EXPANSION * facts.size:
        raise refuse(
            facts.path,
            f"claims {width} x {height} pixels, impossible in {facts.size} bytes: damaged or malicious",
        )
