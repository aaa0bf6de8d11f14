"""Results of this program, which a pattern such as ``*.tif`` takes for frames the second time."""

from __future__ import annotations

from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.camera_tags import read_tags

SOFTWARE = 305
_OWN = b"imfuse-tiles v"  # and its version, as in every result, mask and depth map


def is_own_result(path: Path) -> bool:
    """Whether a file says that this program wrote it as a result. No for what is no image file."""
    try:
        software = read_tags(path).main.get(SOFTWARE)
    except (Refusal, OSError, ValueError):
        return False
    return software is not None and software.data.startswith(_OWN)
