"""Which format a file has (by content, never by its ending), and its header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.file_facts import file_facts, os_reason
from imfuse_tiles.imageio.reading.formats import FORMATS, Reader, format_of_start
from imfuse_tiles.imageio.reading.header import FileFacts, Format, Header, damaged, refuse
from imfuse_tiles.imageio.reading.jpeg import read_jpeg_header
from imfuse_tiles.imageio.reading.page_choice import PageChoice
from imfuse_tiles.imageio.reading.png import read_png_header
from imfuse_tiles.imageio.reading.raw import RawRefusal, is_raw_start, raw_by_name, raw_refusal
from imfuse_tiles.imageio.reading.series import Selection, Series, choose_frames
from imfuse_tiles.imageio.reading.tiff_frames import list_tiff_series, read_tiff_frames
from imfuse_tiles.imageio.reading.zarr_metadata import is_zarr

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
    (0, b"GIF8", "a GIF"), (0, b"BM", "a BMP"), (0, b"8BPS", "a Photoshop file"),
    (0, b"v/1\1", "an OpenEXR picture"), (0, b"SIMPLE  =", "a FITS file"), (128, b"DICM", "a DICOM file"),
    (0, b"\x89HDF", "an HDF5 file"), (0, b"%PDF", "a PDF"), (0, b"gimp xcf", "a GIMP file"), (0, b"P5", "a PGM"),
    (0, b"P6", "a PPM"),
)  # fmt: skip


NOTHING_CHOSEN = Selection()


def read_header(path: str | Path) -> Header:
    """The header of a TIFF, PNG or JPEG file that is one frame, checked for everything that shows without decoding.

    Raises Refusal, naming the file, for: a missing file, a directory or device, zero bytes, another format,
    a file that ends early, several pages, sparse files, sizes the file cannot contain, and pixel types other
    than 8-bit, 16-bit or floating-point grey or RGB (with or without alpha).
    """
    return read_headers(path, "one")[0][0]


def read_headers(
    path: str | Path, choice: PageChoice = "one", selection: Selection = NOTHING_CHOSEN
) -> tuple[list[Header], str]:
    """The headers of the frames in a file, and where it holds several what to tell the user. Raises like read_header.

    ``choice``: which pages of a TIFF file are frames. ``selection``: which series, time, channel and level of a file.
    """
    image_format = ""
    try:
        facts, image_format = facts_and_format(Path(path))
        if image_format == "tiff":
            headers, note = read_tiff_frames(facts, choice, selection)
        elif image_format in FORMATS:
            headers, note = _read_frames(facts, FORMATS[image_format].reader(facts.path), choice, selection)
        else:
            headers, note = [_READERS[image_format](facts)], ""
            _check_single(facts, choice, selection)
        return [replace(header, ctime_ns=header.ctime_ns or facts.ctime_ns) for header in headers], note
    except RawRefusal as refusal:
        return [_raw_header(file_facts(Path(path)), refusal)], ""
    except (Refusal, MemoryError):
        raise
    except Exception as error:  # a hostile header can make a parser raise anything
        raise damaged(Path(path), image_format.upper(), error) from error


def _raw_header(facts: FileFacts, refusal: RawRefusal) -> Header:
    """The header of a camera raw file; the refusal, with the reason, where it cannot be read."""
    if not FORMATS["raw"].is_installed:
        raise Refusal(f"{refusal}, or have it developed here: pip install 'imfuse-tiles[raw]'") from None
    from imfuse_tiles.imageio.reading.raw_pictures import read_raw_header

    try:
        return read_raw_header(facts)
    except (Refusal, MemoryError):
        raise
    except Exception as error:
        text = (
            error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        )
        reason = " ".join(text.split())[:80] or type(error).__name__
        why = f"{refusal.why}; " if refusal.why else ""
        raise raw_refusal(facts.path, f"{why}not read by LibRaw: {reason}") from refusal


def _check_single(facts: FileFacts, choice: PageChoice, selection: Selection) -> None:
    """Refuse a choice among the pictures of a file that holds one."""
    if isinstance(choice, tuple) and choice != (1,):
        raise refuse(facts.path, "holds a single image, --pages is for TIFF files")
    if selection:
        raise refuse(facts.path, "holds a single image, without series, times, channels or levels")


def _read_frames(
    facts: FileFacts, reader: Reader, choice: PageChoice, selection: Selection
) -> tuple[list[Header], str]:  # fmt: skip
    """Headers of the frames of a file that a reader of its own reads."""
    if isinstance(choice, tuple):
        raise refuse(facts.path, "has no pages, --pages is for TIFF files; --series, --time and --input-channel choose")
    chosen = choose_frames(facts.path, reader.list_series(facts), selection)
    if choice == "one" and len(chosen.indices) > 1:
        raise refuse(facts.path, f"has {len(chosen.indices)} frames; among other files --pages=all takes them, "
                                 "imfuse-tiles batch fuses each file for itself")  # fmt: skip
    return reader.read_frame_headers(facts, chosen, selection.level), chosen.note


def series_in(path: Path) -> list[Series]:
    """The series in a file; none for one that is a picture or several pages. Raises like read_header."""
    facts, image_format = facts_and_format(path)
    try:
        if image_format == "tiff":
            return [one.series for one in list_tiff_series(facts)]
        return FORMATS[image_format].reader(path).list_series(facts) if image_format in FORMATS else []
    except (Refusal, MemoryError):
        raise
    except Exception as error:
        raise damaged(facts.path, image_format.upper(), error) from error


def facts_and_format(path: Path) -> tuple[FileFacts, Format]:
    """Size, times and format of an image file or Zarr folder, or Refusal."""
    if is_zarr(path):
        return FileFacts(path, 0, 0, 0), "zarr"  # each frame has its own
    facts = file_facts(path)
    return facts, detect_format(facts)


def detect_format(facts: FileFacts) -> Format:
    """The format named by the first bytes, or Refusal."""
    try:
        with facts.path.open("rb") as file:
            start = file.read(132)
    except OSError as error:
        raise refuse(facts.path, os_reason(error)) from error
    other = format_of_start(start)
    if other:
        return other.name
    raw = is_raw_start(start)
    for signature, image_format in _SIGNATURES:
        if start.startswith(signature) and not raw:
            return image_format
    if raw or raw_by_name(facts.path):
        raise raw_refusal(facts.path, raw_by_name(facts.path))
    if kind := _other_kind(start):
        raise refuse(facts.path, f"is {kind}, which is not read; convert it to TIFF")
    raise refuse(facts.path, "is no image that is read (see imfuse-tiles help formats)")


def unread_kind(path: Path) -> str:
    """What a file is that is a picture of a kind that is not read; empty of others, and of what cannot be opened."""
    try:
        with path.open("rb") as file:
            return _other_kind(file.read(132))
    except OSError:
        return ""


def _other_kind(start: bytes) -> str:
    """The kind of picture that begins with these bytes, of those that are not read; empty of others."""
    return next((kind for place, signature, kind in _OTHERS if start.startswith(signature, place)), "")
