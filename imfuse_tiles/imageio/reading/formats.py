"""Formats beside TIFF, PNG and JPEG: how their files begin, which module reads them, and what must be installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, runtime_checkable

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading.header import FileFacts, Header, shown
from imfuse_tiles.imageio.reading.orientation import Rows
from imfuse_tiles.imageio.reading.series import ChosenFrames, Series


class Reader(Protocol):
    """What a module offers that reads a format."""

    def list_series(self, facts: FileFacts) -> list[Series]:
        """The series in a file."""
        ...

    def read_frame_headers(self, facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
        """Headers of the frames of one series."""
        ...

    def open_rows(self, header: Header) -> Rows:
        """The rows of a frame."""
        ...

    def read_tags(self, path: Path) -> Tags:
        """The camera's tags and the colour profile."""
        ...


@runtime_checkable
class ReadsExif(Protocol):
    """What a module offers that reads a format whose files hold EXIF."""

    def read_exif(self, path: Path) -> bytes:
        """The EXIF block; empty if there is none."""
        ...


@runtime_checkable
class ReadsPixelSize(Protocol):
    """What a module offers that reads a format whose files tell the size of a pixel."""

    def read_pixel_size(self, path: Path, series: int) -> PhysicalSize:
        """The size of a pixel of a series, as the file says it."""
        ...


@frozen
class FileFormat:
    """A format. ``starts``: (place, bytes) of which one is in each of its files."""

    name: str
    title: str
    module: str
    starts: tuple[tuple[int, bytes], ...] = ()
    package: str = ""  # that must be installed
    extra: str = ""  # of this program, with which it is

    @property
    def is_installed(self) -> bool:
        """Whether the package is there that reads it."""
        return not self.package or find_spec(self.package) is not None

    def reader(self, path: Path) -> Reader:
        """The module that reads it. Refusal where its package is missing."""
        if not self.is_installed:
            raise Refusal(f"{shown(path)}: is {self.title}; reading it needs imfuse-tiles[{self.extra}] "
                          f"(pip install \'imfuse-tiles[{self.extra}]\')")  # fmt: skip
        reader: Reader = import_module(f"imfuse_tiles.imageio.reading.{self.module}")
        return reader


#: Brands of HEIF files, at byte 8.
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")

FORMATS = {kind.name: kind for kind in (
    FileFormat("npy", "a NumPy array", "numpy_file", ((0, b"\x93NUMPY"),)),
    FileFormat("zarr", "a Zarr folder", "zarr_folder"),
    FileFormat("webp", "a WebP picture", "webp", ((8, b"WEBPVP8"),)),
    FileFormat("jpeg2000", "a JPEG 2000 picture", "jpeg2000", ((0, b"\0\0\0\x0cjP  "), (0, b"\xff\x4f\xff\x51"))),
    FileFormat("jpegxl", "a JPEG XL picture", "jpeg_xl", ((0, b"\0\0\0\x0cJXL "), (0, b"\xff\x0a"))),
    FileFormat("heif", "a HEIF picture", "heif", tuple((4, b"ftyp" + brand) for brand in _HEIF), "pillow_heif", "heif"),
    FileFormat("avif", "an AVIF picture", "avif", ((4, b"ftypavif"), (4, b"ftypavis"))),
    FileFormat("raw", "a camera raw file", "raw_pictures", (), "rawpy", "raw"),
    FileFormat("czi", "a CZI file", "czi_file", ((0, b"ZISRAWFILE"),), "pylibCZIrw", "czi"),
    FileFormat("nd2", "an ND2 file", "nd2_file", ((0, b"\xda\xce\xbe\x0a"), (4, b"jP  \r\n\x87\nnd2")), "nd2", "nd2"),
    FileFormat("lif", "a LIF file", "lif_file", ((0, b"\x70\0\0\0"),), "liffile", "lif"),
    FileFormat("array", "an array in memory", "memory_array"),
)}  # fmt: skip


def format_of_start(start: bytes) -> FileFormat | None:
    """The format of a file by its first bytes, None for one that none of these is."""
    for kind in FORMATS.values():
        if any(start.startswith(signature, place) for place, signature in kind.starts):
            return kind
    return None
