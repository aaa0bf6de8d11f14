"""Which format a file has (by content, never by its ending), and its header."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.header import FileFacts, Format, Header, damaged, refuse
from imfuse_tiles.imageio.reading.jpeg import read_jpeg_header
from imfuse_tiles.imageio.reading.png import read_png_header
from imfuse_tiles.imageio.reading.tiff_header import read_tiff_header

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
)
_READERS: dict[Format, Callable[[FileFacts], Header]] = {
    "tiff": read_tiff_header,
    "png": read_png_header,
    "jpeg": read_jpeg_header,
}


def read_header(path: str | Path) -> Header:
    """The header of a TIFF, PNG or JPEG file, checked for everything that shows without decoding.

    Raises Refusal, naming the file, for: a missing file, a directory or device, zero bytes, another format,
    a file that ends early, several pages, sparse files, sizes the file cannot contain, and pixel types other
    than 8-bit, 16-bit or floating-point grey or RGB (with or without alpha).
    """
    facts = file_facts(Path(path))
    image_format = detect_format(facts)
    try:
        return replace(_READERS[image_format](facts), ctime_ns=facts.ctime_ns)
    except (Refusal, MemoryError):
        raise
    except Exception as error:  # a hostile header can make a parser raise anything
        raise damaged(facts.path, image_format.upper(), error) from error


def file_facts(path: Path) -> FileFacts:
    """Size and time of a regular file that has content, or Refusal."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise refuse(path, _reason(error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise refuse(path, "is a directory; give the image files in it")
    if not stat.S_ISREG(status.st_mode):
        raise refuse(path, "is not a regular file")
    if status.st_size == 0:
        raise refuse(path, "is empty (0 bytes)")
    return FileFacts(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def detect_format(facts: FileFacts) -> Format:
    """The format named by the first bytes, or Refusal."""
    try:
        with facts.path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise refuse(facts.path, _reason(error)) from error
    for signature, image_format in _SIGNATURES:
        if start.startswith(signature):
            return image_format
    raise refuse(facts.path, "is not a TIFF, PNG or JPEG image")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return (getattr(error, "strerror", None) or str(error)).lower()
