"""Results as files: TIFF (classic, BigTIFF, OME), OME-Zarr, PNG, JPEG, JPEG XL and deep zoom."""

from imfuse_tiles.imageio.writing.files import check_target, file_format, write_layers, write_picture, write_tiled
from imfuse_tiles.imageio.writing.formats import ENDINGS, ending_of, format_of, losses
from imfuse_tiles.imageio.writing.picture import Picture

__all__ = [
    "ENDINGS", "Picture", "check_target", "ending_of", "file_format", "format_of", "losses",
    "write_layers", "write_picture", "write_tiled",
]  # fmt: skip
