"""The one EXIF tag that is read: orientation."""

from __future__ import annotations

import struct

ORIENTATION = 274
_SHORT = 3
_MOST_TAGS = 512


def read_orientation(block: bytes) -> int:
    """Orientation 1..8 in an EXIF block (a small TIFF file); 1 when it is missing or the block is damaged."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for index in range(min(count, _MOST_TAGS)):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", block, start + 2 + 12 * index)
            if tag == ORIENTATION and kind == _SHORT:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
