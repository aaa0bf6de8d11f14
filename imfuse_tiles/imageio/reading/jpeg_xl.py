"""JPEG XL: header by the first bits of the codestream, pixels by libjxl."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.boxes import read_box, walk_boxes
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.jpeg_xl_header import (
    CODESTREAM_START,
    EMBEDDED,
    HEAD_BYTES,
    Picture,
    read_picture,
)
from imfuse_tiles.imageio.reading.series import ChosenFrames
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame, refuse_level, single_picture, whole_header

list_series = single_picture
_LARGEST_NOTE = 16 << 20
#: With which the package is installed that reads colour profiles.
PROFILE_EXTRA = "imfuse-tiles[jxl]"


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """The header of the picture, upright as libjxl delivers it. Refusal for animations and unusual samples."""
    refuse_level(facts.path, level)
    picture = _picture(facts.path, _boxes(facts.path, facts.size)["codestream"])
    pixels = picture.size[0] * picture.size[1] * picture.samples
    return [whole_header(facts, "jpegxl", picture.size, picture.samples, picture.dtype, decode_bytes=12 * pixels)]


def _picture(path: Path, stream: bytes) -> Picture:
    """What the codestream tells. Refusal for what is not read."""
    if not stream.startswith(CODESTREAM_START):
        raise refuse(path, "damaged JPEG XL: no codestream")
    try:
        return read_picture(stream[len(CODESTREAM_START) :])
    except ValueError as error:
        raise refuse(path, f"is JPEG XL {error}; convert it to TIFF") from error


def open_rows(header: Header) -> WholeFrame:
    """The rows of the picture."""
    import imagecodecs

    return WholeFrame(header, lambda: imagecodecs.jpegxl_decode(header.path.read_bytes()))


def read_tags(path: Path) -> Tags:
    """The camera's tags and the colour profile."""
    boxes = _boxes(path, path.stat().st_size)
    picture = _picture(path, boxes["codestream"])
    profile, notice = picture.profile, "" if picture.profile else picture.colours
    if notice == EMBEDDED:
        if find_spec("pyjpegxl"):
            profile, notice = _embedded_profile(path), ""
        else:
            notice += f" (reading it needs {PROFILE_EXTRA})"
    return block_tags(_exif(boxes), profile, notice, told=True)


def read_exif(path: Path) -> bytes:
    """The EXIF block; empty if there is none."""
    return _exif(_boxes(path, path.stat().st_size))


def _exif(boxes: dict[str, bytes]) -> bytes:
    exif = boxes["Exif"]
    if exif[:4] in (b"II*\0", b"MM\0*"):  # without the number of bytes to leave out, as some write it
        return exif
    return exif[4 + int.from_bytes(exif[:4], "big") :] if len(exif) > 4 else b""


def _embedded_profile(path: Path) -> bytes:
    """The colour profile in the codestream."""
    import pyjpegxl

    with path.open("rb") as file:
        profile: bytes | None = pyjpegxl.probe(file.read(_LARGEST_NOTE)).icc
    return profile or b""


def _boxes(path: Path, size: int) -> dict[str, bytes]:
    """The beginning of the codestream, and the EXIF block, in a file with or without boxes."""
    found = {"codestream": b"", "Exif": b""}
    with path.open("rb") as file:
        if file.read(2) == CODESTREAM_START:
            file.seek(0)
            return found | {"codestream": file.read(HEAD_BYTES)}
        for box in walk_boxes(file, path, size):
            if box.name in (b"jxlc", b"jxlp") and not found["codestream"]:
                found["codestream"] = read_box(file, box, HEAD_BYTES)[4 if box.name == b"jxlp" else 0 :]
            elif box.name == b"Exif" and not found["Exif"]:
                found["Exif"] = read_box(file, box, _LARGEST_NOTE)
            elif box.name == b"brob" and not found["Exif"]:
                found["Exif"] = _unpacked(read_box(file, box, _LARGEST_NOTE), b"Exif")
    return found


def _unpacked(content: bytes, name: bytes) -> bytes:
    """The content of a box that is packed by Brotli, empty if it is one of another name or damaged."""
    import imagecodecs

    if not content.startswith(name):
        return b""
    try:
        return bytes(imagecodecs.brotli_decode(content[len(name) :], out=_LARGEST_NOTE))
    except (RuntimeError, ValueError):
        return b""
