"""How the strips or tiles of a TIFF page cover its image, and what decoding them takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from imfuse_tiles.frozen import frozen

if TYPE_CHECKING:
    from tifffile import TiffPage

READ_BYTES = 1 << 20  # uncompressed rows are read from the file in portions of about this size


_BYTE_COUNTS = (279, 325)  # of strips and of tiles


@frozen
class Layout:
    """A grid of segments: tiles, or strips, which are tiles as wide as the image."""

    height: int
    width: int
    tile_height: int
    tile_width: int
    planes: int  # stored one after the other; 1 when the samples of a pixel are interleaved
    samples: int  # samples per pixel within a segment
    sample_bytes: int
    strips: bool  # then the last row of segments ends with the image; tiles are always complete
    plain: bool  # rows lie in the file as in memory
    uncompressed: bool  # rows of segments do

    @property
    def across(self) -> int:
        return math.ceil(self.width / self.tile_width)

    @property
    def down(self) -> int:
        return math.ceil(self.height / self.tile_height)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of a segment."""
        return self.tile_width * self.samples * self.sample_bytes

    @property
    def segment_bytes(self) -> int:
        return self.tile_height * self.row_bytes

    @property
    def image_bytes(self) -> int:
        return self.height * self.width * self.planes * self.samples * self.sample_bytes

    @property
    def rows_per_segment(self) -> int:
        """Rows that can only be decoded together."""
        return 1 if self.plain else min(self.tile_height, self.height)

    def index(self, plane: int, row: int, column: int) -> int:
        """Index of a segment in the file's lists, `row` and `column` counted in segments."""
        return (plane * self.down + row) * self.across + column

    def fits_list(self, count: int) -> bool:
        """Whether a list of offsets is as long as the grid: a hostile grid claims more segments than memory holds."""
        if min(self.tile_height, self.tile_width, self.height, self.width) < 1:
            return False
        return self.planes * self.down * self.across == count

    def plain_sizes(self) -> np.ndarray:
        """Bytes of every segment when uncompressed."""
        sizes = np.full((self.planes, self.down, self.across), self.segment_bytes, np.int64)
        if self.strips:
            sizes[:, -1] = self.row_bytes * (self.height - (self.down - 1) * self.tile_height)
        return sizes.ravel()

    def decode_bytes(self, channels: int, largest_encoded: int) -> int:
        """Memory for decoding: the cached row of segments, and one segment encoded and decompressed."""
        if self.plain:
            return max(self.row_bytes, READ_BYTES)
        row_of_segments = channels * self.rows_per_segment * self.width * self.sample_bytes
        return row_of_segments + 2 * self.segment_bytes + largest_encoded


def layout_of(page: TiffPage) -> Layout:
    """The layout a page claims; its numbers are as in the file and may be impossible."""
    separate, tiled = page.planarconfig == 2, page.is_tiled
    uncompressed = page.compression == 1 and page.fillorder == 1
    return Layout(
        height=int(page.imagelength), width=int(page.imagewidth),
        tile_height=int(page.tilelength if tiled else page.rowsperstrip),
        tile_width=int(page.tilewidth if tiled else page.imagewidth),
        planes=int(page.samplesperpixel) if separate else 1,
        samples=1 if separate else int(page.samplesperpixel),
        sample_bytes=int(page.bitspersample) // 8, strips=not tiled,
        plain=uncompressed and not tiled, uncompressed=uncompressed,
    )  # fmt: skip


def segment_sizes(page: TiffPage, layout: Layout, file_size: int) -> list[int]:
    """Bytes of every strip or tile in the file, as libtiff takes them where the file's list is of no use.

    Uncompressed ones are as long as their pixels, whatever count is missing, zero or too large. A single compressed
    one without a count goes on to the end of the file.
    """
    starts, counts = list(map(int, page.dataoffsets)), list(map(int, page.databytecounts))
    unknown = not any(counts) or not any(tag in page.tags for tag in _BYTE_COUNTS)
    if page.compression == 1 and (unknown or len(counts) == len(starts)):
        plain = layout.plain_sizes().tolist() if layout.fits_list(len(starts)) else []
        if len(plain) == len(starts):
            counts = counts if not unknown else plain
            return [min(count, size) for count, size in zip(counts, plain, strict=True)]
    if unknown and len(starts) == 1 and 0 < starts[0] < file_size:
        return [file_size - starts[0]]
    return counts
