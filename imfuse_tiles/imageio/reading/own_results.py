"""Results of this program, which a pattern such as ``*.tif`` takes for frames the second time."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.reading.zarr_metadata import is_zarr, read_all_attributes

SOFTWARE, DESCRIPTION = 305, 270
_OWN = "imfuse-tiles v"  # and its version, as in every result, mask and depth map
_TRUTH = "imfuse-tiles simulate: truth"  # as in truth and depth beside the frames that it renders
_TILES = "_files"  # of a deep zoom picture beside its .dzi


class Own(Enum):
    """What a picture is that this program wrote and that is no frame."""

    RESULT = "result"
    TRUTH = "truth"  # truth or depth of a stack that it rendered


def own_kind(path: Path) -> Own | None:
    """What a file or Zarr folder says that it is; None for what is no image, or a frame."""
    try:
        software = _software(path)
    except (Refusal, OSError, ValueError):
        return None
    if software.startswith(_OWN):
        return Own.RESULT
    return Own.TRUTH if software == _TRUTH else None


def is_own_result(path: Path) -> bool:
    """Whether a file or Zarr folder says that this program wrote it as a result. No for what is no image."""
    return own_kind(path) is Own.RESULT


def options_of_result(path: Path) -> str | None:
    """The options that a file says it was made by; None where it says none, or in another form (OME-TIFF)."""
    try:
        description = None if is_zarr(path) else read_tags(path).main.get(DESCRIPTION)
    except (Refusal, OSError, ValueError):
        return None
    text = description.data.rstrip(b"\0").decode("utf-8", "replace") if description else ""
    return text if text.startswith("--") else None


def is_own_store(path: Path) -> bool:
    """Whether a folder is a store of this program, whose frames are those of images elsewhere."""
    try:
        own = read_all_attributes(path).get("imfuse_tiles") if is_zarr(path) else None
    except (Refusal, OSError, ValueError):
        return False
    return isinstance(own, dict) and "format" in own


def is_deep_zoom(path: Path) -> bool:
    """Whether this is a deep zoom picture or its folder of tiles, which nobody takes for a frame."""
    if path.is_dir():
        return path.name.endswith(_TILES) and path.with_name(f"{path.name.removesuffix(_TILES)}.dzi").is_file()
    return path.suffix.lower() == ".dzi"


def _software(path: Path) -> str:
    """What wrote an image, as it says; empty where it does not."""
    if is_zarr(path):
        own = read_all_attributes(path).get("imfuse_tiles")
        return str(own.get("software")) if isinstance(own, dict) else ""
    software = read_tags(path).main.get(SOFTWARE)
    return software.data.rstrip(b"\0").decode("latin-1") if software else ""
