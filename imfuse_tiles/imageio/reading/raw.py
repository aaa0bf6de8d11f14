"""Camera raw files, told by their content and names, so that their previews are never taken for them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.header import FileFacts, shown

if TYPE_CHECKING:
    from tifffile import TiffPage

#: Endings of raw files, with the makers who use them.
RAW_ENDINGS = {
    ".3fr": "Hasselblad", ".arw": "Sony", ".cr2": "Canon", ".cr3": "Canon", ".crw": "Canon", ".dcr": "Kodak",
    ".dng": "DNG", ".erf": "Epson", ".fff": "Hasselblad", ".gpr": "GoPro", ".iiq": "Phase One", ".k25": "Kodak",
    ".kdc": "Kodak", ".mef": "Mamiya", ".mos": "Leaf", ".mrw": "Minolta", ".nef": "Nikon", ".nrw": "Nikon",
    ".orf": "Olympus", ".pef": "Pentax", ".raf": "Fujifilm", ".raw": "", ".rw2": "Panasonic", ".rwl": "Leica",
    ".sr2": "Sony", ".srf": "Sony", ".srw": "Samsung", ".x3f": "Sigma",
}  # fmt: skip
#: How raw files begin that are no TIFF files: (place, bytes).
_SIGNATURES = (
    (0, b"FUJIFILMCCD-RAW"), (0, b"FOVb"), (0, b"IIU\0"), (0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"), (0, b"\0MRM"),
    (6, b"HEAPCCDR"), (4, b"ftypcrx"), (8, b"CR\2\0"),
)  # fmt: skip
_DNG_VERSION, _COLOUR_MATRIX = 50706, 50721
_SENSOR_COLOURS = (32803, 34892)  # colour filter array, linear raw
_SENSOR_PACKING = (32767, 32769, 32770, 34713, 65535)  # Sony, packed, Samsung, Nikon, Pentax


class RawRefusal(Refusal):
    """A file is a camera raw file, which the reader of its own may read. ``why``: what shows that it is one."""

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why


def raw_refusal(path: Path, why: str = "") -> RawRefusal:
    """The exception for a raw file; ``why``: what shows that it is one, or why it is not read."""
    reason = f" ({why})" if why else ""
    message = f"{shown(path)}: is a camera raw file{reason}; develop it to TIFF first, in any raw developer"
    return RawRefusal(message, why)


def is_raw_start(start: bytes) -> bool:
    """Whether a file that begins like this is a raw file."""
    return any(start.startswith(signature, place) for place, signature in _SIGNATURES)


def raw_by_name(path: Path) -> str:
    """Why a name tells of a raw file; empty if it does not."""
    ending = path.suffix.lower()
    return " ".join(filter(None, (RAW_ENDINGS[ending], path.suffix))) if ending in RAW_ENDINGS else ""


def refuse_raw_tiff(facts: FileFacts, pages: Iterable[TiffPage]) -> None:
    """Refuse a TIFF file that is a raw file by its name or by any of its pages."""
    if name := raw_by_name(facts.path):
        raise raw_refusal(facts.path, name)
    for page in pages:
        if why := _raw_page(page):
            raise raw_refusal(facts.path, why)


def _raw_page(page: TiffPage) -> str:
    if _DNG_VERSION in page.tags or _COLOUR_MATRIX in page.tags:
        return "it has the tags of DNG"
    if page.photometric in _SENSOR_COLOURS or page.compression in _SENSOR_PACKING:
        return "it has raw sensor data"
    return ""
