"""Results as files: TIFF (classic or BigTIFF), PNG and JPEG."""

from imfuse_tiles.imageio.writing.files import FORMATS, check_target, file_format, write_layers, write_picture
from imfuse_tiles.imageio.writing.jpeg import eight_bits
from imfuse_tiles.imageio.writing.picture import Picture

__all__ = ["FORMATS", "Picture", "check_target", "eight_bits", "file_format", "write_layers", "write_picture"]
