"""What each file format holds, by the ending of the name."""

from __future__ import annotations

from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.writing.picture import Picture


@frozen
class Format:
    """A format: what it is called, the endings of its names, and what it holds.

    ``bits``: most bits of a sample; ``floats``: floating-point samples too. ``camera``: EXIF. ``pixel_size``: in nature
    or in print; ``z_step``: from frame to frame. ``aside``: camera and profile are kept in attributes that only this
    program knows. ``pages``: several pictures. ``longest``: pixels a side, 0
    for no limit. ``tiled``: written tile by tile with a pyramid; ``folder``: in a folder, not a file. ``whole``: the
    whole picture is in memory while it is written.
    """

    kind: str
    name: str
    endings: tuple[str, ...]
    bits: int = 16
    floats: bool = False
    alpha: bool = True
    profile: bool = True
    camera: bool = True
    pixel_size: bool = True
    z_step: bool = False
    pages: bool = False
    longest: int = 0
    tiled: bool = False
    folder: bool = False
    whole: bool = False
    aside: bool = False


TIFF = Format("tiff", "TIFF", (".tif", ".tiff", ".btf"), floats=True, pages=True)
OME_TIFF = Format(
    "ome-tiff", "OME-TIFF", (".ome.tif", ".ome.tiff", ".ome.btf"), floats=True, z_step=True, tiled=True
)  # fmt: skip
OME_ZARR = Format(
    "ome-zarr", "OME-Zarr", (".ome.zarr", ".zarr"), floats=True, profile=False, camera=False, z_step=True, tiled=True,
    folder=True, aside=True,
)  # fmt: skip
PNG = Format("png", "PNG", (".png",), longest=1_000_000)  # libpng reads no more
JPEG = Format("jpeg", "JPEG", (".jpg", ".jpeg"), bits=8, alpha=False, longest=65_500, whole=True)  # of libjpeg, too
JPEG_XL = Format("jxl", "JPEG XL", (".jxl",), longest=(1 << 30) - 1, whole=True)
DEEP_ZOOM = Format(
    "dzi", "deep zoom", (".dzi",), bits=8, camera=False, pixel_size=False, tiled=True, folder=True
)  # fmt: skip
FORMATS = (TIFF, PNG, JPEG, JPEG_XL, OME_TIFF, OME_ZARR, DEEP_ZOOM)
ENDINGS = {ending: each for each in FORMATS for ending in each.endings}


def ending_of(path: str | Path) -> str:
    """The ending of a name that tells its format, as it is spelled there. Refusal of an unknown one."""
    name = Path(path).name
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[-len(ending) :]
    if Path(path).is_dir():
        raise Refusal(f"{path}: is a folder; name a file in it, such as {Path(path) / 'result.tif'}")
    shown = Path(path).suffix.lower()
    raise Refusal(f"{path}: unknown file ending {shown!r}; allowed: {' '.join(ENDINGS)}")


def format_of(path: str | Path) -> Format:
    """The format of a file by the ending of its name. Refusal of an unknown one."""
    return ENDINGS[ending_of(path).lower()]


def losses(found: Format, picture: Picture) -> list[str]:
    """What of a picture is lost in a format, in words."""
    tags: Tags = picture.tags
    size: PhysicalSize = picture.size
    aside = " (kept as an attribute that other programs do not read)" if found.aside else ""
    facts = [
        ("16-bit samples (it holds 8 bits)", found.bits < 16 and picture.dtype != "uint8"),
        ("transparency (shown on black)", picture.alpha and not found.alpha),
        (
            f"the colour profile{aside}",
            bool(picture.profile) and not _holds_profile(found, picture),
        ),
        (f"the camera's tags{aside}", bool(tags.main or tags.exif or tags.gps) and not found.camera),
        ("the pixel size", bool((size.x and size.y) or all(size.dpi)) and not found.pixel_size),
        ("the distance of frames", bool(size.z) and not found.z_step),
    ]
    return [words for words, lost in facts if lost]


def _holds_profile(found: Format, picture: Picture) -> bool:
    """Whether the picture's colour profile is written."""
    if found != JPEG_XL:
        return found.profile
    from imfuse_tiles.imageio.writing.jxl import holds_profile

    return holds_profile(picture)
