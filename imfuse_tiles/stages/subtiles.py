"""Going through a large block part by part: little memory, and halos shared between the parts of a row.

A part's temporary planes are small, while the chunks that neighbouring parts share are read only once.
"""

from __future__ import annotations

from collections.abc import Iterator

from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.stages.access import CHUNK


def subtile_side(reach: int, chunk: int, least: int = 1, halos: int = 4) -> int:
    """Chunks along the edge of a part: at least ``least``, and ``halos`` times the reach of what is computed."""
    return max(least, -(-halos * reach // chunk))


def memory(read: float, work: float, window: Frame, frame: Frame, reach: int, least: int = 1, halos: int = 4,
           factor: int = 1) -> int:  # fmt: skip
    """Bytes of a block whose window, halo included, is so large.

    ``work`` float32 planes of a part with its halo, and ``read`` planes of the chunks around a row of parts, which are
    ``factor`` times as wide as usual.
    """
    height, width = (max(1, length - 2 * reach) for length in window)
    chunk = min(CHUNK, max(height, width))
    edge = min(subtile_side(reach, chunk, least, halos) * chunk, max(height, width))
    chunk *= factor
    rows, columns = (
        min(length + 2 * -(-reach // chunk) * chunk, -(-whole // chunk) * chunk)
        for length, whole in zip((min(edge, height), width), frame, strict=True)
    )
    part = min(edge + 2 * reach, frame[0]) * min(edge + 2 * reach, frame[1])
    return int(4 * (work * part + read * rows * columns))


def subtiles_of(region: Region, chunk: int, reach: int, least: int = 1, halos: int = 4) -> Iterator[Region]:
    """A block's region row by row in parts of whole chunks, which are ``chunk`` pixels wide."""
    return region.split(chunk * subtile_side(reach, chunk, least, halos))
