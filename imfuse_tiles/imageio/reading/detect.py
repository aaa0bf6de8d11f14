"""Which format a file has (by content, never by its ending), and its header."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.header import FileFacts, Format, Header, damaged, refuse
from imfuse_tiles.imageio.reading.jpeg import read_jpeg_header
from imfuse_tiles.imageio.reading.page_choice import PageChoice
from imfuse_tiles.imageio.reading.png import read_png_header
from imfuse_tiles.imageio.reading.raw import is_raw_start, raw_by_name, raw_refusal
from imfuse_tiles.imageio.reading.tiff_header import read_tiff_frames

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
)
_READERS: dict[Format, Callable[[FileFacts], Header]] = {"png": read_png_header, "jpeg": read_jpeg_header}
#: How files of other kinds begin, (place, bytes), and what they are.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF"), (0, b"BM", "a BMP"), (8, b"WEBP", "a WebP"), (0, b"8BPS", "a Photoshop file"),
    (4, b"ftyphei", "a HEIF picture"), (4, b"ftypmif", "a HEIF picture"), (4, b"ftypavif", "an AVIF picture"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"), (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"), (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"v/1\1", "an OpenEXR picture"), (0, b"SIMPLE  =", "a FITS file"), (0, b"ZISRAWFILE", "a CZI file"),
    (128, b"DICM", "a DICOM file"), (0, b"\xda\xce\xbe\x0a", "an ND2 file"), (0, b"\x89HDF", "an HDF5 file"),
    (0, b"%PDF", "a PDF"), (0, b"gimp xcf", "a GIMP file"), (0, b"P5", "a PGM"), (0, b"P6", "a PPM"),
)  # fmt: skip


def read_header(path: str | Path) -> Header:
    """The header of a TIFF, PNG or JPEG file that is one frame, checked for everything that shows without decoding.

    Raises Refusal, naming the file, for: a missing file, a directory or device, zero bytes, another format,
    a file that ends early, several pages, sparse files, sizes the file cannot contain, and pixel types other
    than 8-bit, 16-bit or floating-point grey or RGB (with or without alpha).
    """
    return read_headers(path, "one")[0][0]


def read_headers(path: str | Path, choice: PageChoice = "one") -> tuple[list[Header], str]:
    """The headers of the frames in a file, and where it holds several what to tell the user. Raises like read_header.

    ``choice``: which pages of a TIFF file are frames.
    """
    facts = file_facts(Path(path))
    image_format = detect_format(facts)
    try:
        if image_format == "tiff":
            headers, note = read_tiff_frames(facts, choice)
        else:
            headers, note = [_READERS[image_format](facts)], ""
            if isinstance(choice, tuple) and choice != (1,):
                raise refuse(facts.path, "holds a single image, --pages is for TIFF files")
        return [replace(header, ctime_ns=facts.ctime_ns) for header in headers], note
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
            start = file.read(132)
    except OSError as error:
        raise refuse(facts.path, _reason(error)) from error
    raw = is_raw_start(start)
    for signature, image_format in _SIGNATURES:
        if start.startswith(signature) and not raw:
            return image_format
    if raw or raw_by_name(facts.path):
        raise raw_refusal(facts.path, raw_by_name(facts.path))
    for place, signature, kind in _OTHERS:
        if start.startswith(signature, place):
            raise refuse(facts.path, f"is not a TIFF, PNG or JPEG image but {kind}; convert it to TIFF")
    raise refuse(facts.path, "is not a TIFF, PNG or JPEG image")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return (getattr(error, "strerror", None) or str(error)).lower()
