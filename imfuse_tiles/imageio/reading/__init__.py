"""Image files as frames of a stack: TIFF, PNG and JPEG, checked before they are decoded.

Colour planes come out as (channel, row, column) in the file's own type. Read as they are: 8-bit and 16-bit
unsigned integers and floating-point samples, grey or RGB; strips, tiles and separate planes. Converted:
TIFFs in which 0 is white are inverted, 16-bit and 64-bit floating-point samples become float32. Dropped:
alpha, colour profiles, the camera's orientation tag, thumbnails. Everything else is refused, by name.
"""

from imfuse_tiles.imageio.reading.detect import read_header, read_headers
from imfuse_tiles.imageio.reading.frame_checks import check_stack, content_digest, source_digest
from imfuse_tiles.imageio.reading.frames import FrameReader, is_unchanged, open_frame, read_rows
from imfuse_tiles.imageio.reading.header import Header
from imfuse_tiles.imageio.reading.order import natural_order
from imfuse_tiles.imageio.reading.page_choice import PageChoice, parse_pages

__all__ = [
    "FrameReader",
    "Header",
    "PageChoice",
    "check_stack",
    "content_digest",
    "is_unchanged",
    "natural_order",
    "open_frame",
    "parse_pages",
    "read_header",
    "read_headers",
    "read_rows",
    "source_digest",
]
