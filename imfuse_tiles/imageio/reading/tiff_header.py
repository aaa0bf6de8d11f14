"""TIFF headers: which kinds of pixels are read, and whether all of them are in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from imfuse_tiles.imageio.reading.header import DType, FileFacts, Header, check_claim, refuse
from imfuse_tiles.imageio.reading.tiff_layout import Layout, layout_of, segment_sizes

if TYPE_CHECKING:
    from tifffile import TiffPage

COMPRESSIONS = {
    1: "none", 5: "LZW", 7: "JPEG", 8: "deflate", 32946: "deflate", 32773: "PackBits", 34925: "LZMA",
    50000: "Zstandard",
}  # fmt: skip
JPEG = 7
_SMALLEST_TILE = 16  # as the format has it; a million tiles of a pixel would take minutes
_ASSOCIATED = 1  # a value of the tag ExtraSamples
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _YCBCR = 0, 1, 2, 6
_REFUSED_COLOURS = {
    3: "a palette", 4: "a transparency mask", 5: "CMYK colours", 8: "Lab colours", 9: "Lab colours",
    10: "Lab colours",
}  # fmt: skip
_DTYPES: dict[tuple[int, int], DType] = {
    (1, 8): "uint8", (1, 16): "uint16", (3, 16): "float32", (3, 32): "float32", (3, 64): "float32",
}  # fmt: skip


def page_header(facts: FileFacts, number: int, page: TiffPage) -> Header:
    """Header of a page whose strips or tiles are all in place. ``number``: that of the page in the main chain."""
    channels = _check_colours(facts, page)
    dtype = _check_samples(facts, page)
    layout = layout_of(page)
    _check_layout(facts, page, layout)
    sizes = segment_sizes(page, layout, facts.size)
    _check_segments(facts, page, layout, sizes)
    orientation = page.tags.valueof(274)
    return Header(
        path=facts.path, format="tiff", height=layout.height, width=layout.width, channels=channels,
        has_alpha=page.samplesperpixel > channels, dtype=dtype,
        premultiplied=_ASSOCIATED in map(int, page.extrasamples),
        rows_per_segment=layout.rows_per_segment,
        decode_bytes=layout.decode_bytes(channels, int(max(sizes))),
        size=facts.size, mtime_ns=facts.mtime_ns, page=number,
        orientation=orientation if orientation in range(1, 9) else 1,
        inverted=page.photometric == _MIN_IS_WHITE, windows=layout.uncompressed,
    )  # fmt: skip


def _check_colours(facts: FileFacts, page: TiffPage) -> Literal[1, 3]:
    """Number of colour planes; refuses every kind of colour that we would have to guess about."""
    photometric = page.photometric
    if photometric not in (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _YCBCR):
        kind = _REFUSED_COLOURS.get(photometric, f"colours of kind {_name(photometric)}")
        raise refuse(facts.path, f"has {kind}; convert it to grey or RGB")
    if photometric == _YCBCR and page.compression != JPEG:
        raise refuse(facts.path, "has YCbCr colours without JPEG compression; convert it to RGB")
    channels: Literal[1, 3] = 3 if photometric in (_RGB, _YCBCR) else 1
    if page.samplesperpixel not in (channels, channels + 1):
        kind = "grey" if channels == 1 else "RGB"
        raise refuse(
            facts.path,
            f"has {page.samplesperpixel} samples per pixel; allowed for {kind}: {channels}, or "
            f"{channels + 1} with alpha",
        )
    return channels


#: Kinds of samples by their number in the tag SampleFormat.
KINDS = {1: "unsigned", 2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}


def _check_samples(facts: FileFacts, page: TiffPage) -> DType:
    """The sample type as delivered."""
    bits, path = page.bitspersample, facts.path
    kind = KINDS.get(page.sampleformat, "unusual")
    dtype = _DTYPES.get((page.sampleformat, bits)) if isinstance(bits, int) else None
    if dtype is None:
        allowed = "8 or 16 unsigned; 16, 32 or 64 floating-point"
        raise refuse(path, f"has {bits}-bit {kind} samples; allowed: {allowed}")
    if page.compression not in COMPRESSIONS:
        allowed = ", ".join(dict.fromkeys(COMPRESSIONS.values()))
        raise refuse(path, f"has TIFF compression {_name(page.compression)}; allowed: {allowed}")
    if _is_unusual(page, dtype):
        raise refuse(path, "is a TIFF of an unusual kind (predictor, planes, depth or inverted samples)")
    if page.compression == JPEG and dtype != "uint8":
        raise refuse(path, f"has {bits}-bit JPEG compression; allowed: 8 bits")
    return dtype


def _is_unusual(page: TiffPage, dtype: DType) -> bool:
    """Combinations that programs disagree about, such as a predictor without compression."""
    predictor = page.predictor not in ((1,) if page.compression == 1 else (1, 2, 3))
    inverted = page.photometric == _MIN_IS_WHITE and dtype == "float32"
    return predictor or inverted or page.planarconfig not in (1, 2) or page.imagedepth != 1


def _check_layout(facts: FileFacts, page: TiffPage, layout: Layout) -> None:
    check_claim(facts, layout.width, layout.height, layout.image_bytes)
    if layout.tile_width < 1 or layout.tile_height < 1:
        raise refuse(facts.path, f"damaged TIFF: tiles of {layout.tile_width} x {layout.tile_height} pixels")
    check_claim(facts, layout.tile_width, layout.tile_height, layout.segment_bytes)
    if page.is_tiled and min(layout.tile_width, layout.tile_height) < _SMALLEST_TILE:
        size = f"{layout.tile_width} x {layout.tile_height}"
        raise refuse(facts.path, f"has tiles of {size} pixels; allowed from {_SMALLEST_TILE} x {_SMALLEST_TILE}")


def _check_segments(facts: FileFacts, page: TiffPage, layout: Layout, counts: Sequence[int]) -> None:
    """Every strip or tile must be listed, stored and within the file. ``counts``: their bytes."""
    count = layout.planes * layout.down * layout.across
    if not len(page.dataoffsets) == len(counts) == count:
        listed = min(len(page.dataoffsets), len(counts))
        raise refuse(facts.path, f"damaged TIFF: {listed} strips or tiles where {count} are needed")
    starts, sizes = (np.array(values, np.int64) for values in (page.dataoffsets, counts))
    missing = np.count_nonzero((sizes <= 0) | (starts <= 0))
    if missing:
        raise refuse(facts.path, f"is sparse: {missing} of {count} strips or tiles are not stored")
    beyond = np.count_nonzero(starts > facts.size - sizes)
    if beyond:
        raise refuse(facts.path, f"is truncated: {beyond} of {count} strips or tiles lie beyond its end")
    if page.compression == 1 and (sizes < layout.plain_sizes()).any():
        raise refuse(facts.path, "damaged TIFF: strips or tiles are shorter than their pixels")


def _name(value: int) -> str:
    """A known number of a TIFF tag as "CCITT_T4 (3)", any other as itself."""
    return f"{value.name} ({int(value)})" if hasattr(value, "name") else str(value)
