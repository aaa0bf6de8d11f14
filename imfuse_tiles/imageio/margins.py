"""Transparent margins of aligned frames: no picture and no edge. The frames are cut to what all of them cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import Header, open_frame
from imfuse_tiles.imageio.reading.header import refuse_frame

#: The least part of the frame that must be left.
LEAST_COMMON = 0.25
_BAND_BYTES = 8 << 20
_MOST_STARTS = 2000
Rectangle = tuple[int, int, int, int]  # top, bottom, left, right


def without_margins(headers: Sequence[Header], notices: list[str]) -> list[Header]:
    """The frames cut to the largest rectangle that is covered in all of them; unchanged if all are covered wholly.

    Raises Refusal for a frame that is transparent inside or everywhere, and where too little would be left.
    """
    height, width = headers[0].height, headers[0].width
    left, right = np.zeros(height, np.int64), np.full(height, width, np.int64)
    for header in headers:
        if header.has_alpha:
            first, last = _covered(header)
            left, right = np.maximum(left, first), np.minimum(right, last)
    if not left.any() and (right == width).all():
        return list(headers)
    top, bottom, x0, x1 = largest_rectangle(left, right)
    if (bottom - top) * (x1 - x0) < LEAST_COMMON * height * width:
        share = 100 * (bottom - top) * (x1 - x0) / (height * width)
        raise Refusal(f"the frames have only {share:.0f} % of their area in common that is not transparent; "
                      "--ignore-alpha takes their colours as they are")  # fmt: skip
    size = f"{x1 - x0} x {bottom - top} of {width} x {height} pixels"
    notices.append(f"transparent margins are cut off: all frames cover {size} (--ignore-alpha leaves them in)")
    return [header.cropped(top, bottom, x0, x1) for header in headers]


def _covered(header: Header) -> tuple[np.ndarray, np.ndarray]:
    """Where the picture begins and ends in every row (both 0 where it has none). Refusal for holes in it."""
    veiled = header.veiled()
    left, right = np.zeros(header.height, np.int64), np.zeros(header.height, np.int64)
    step = max(1, _BAND_BYTES // (header.width * veiled.planes * 4))
    full = 1.0 if header.dtype == "float32" else np.iinfo(header.dtype).max
    with open_frame(veiled) as frame:
        for y0 in range(0, header.height, step):
            alpha = frame.rows(y0, min(y0 + step, header.height))[-1]
            # Colours that are stored times their opacity are dark wherever it is not full.
            seen = alpha >= full if header.premultiplied else alpha > 0
            some = seen.any(axis=1)
            first, last = seen.argmax(axis=1), header.width - seen[:, ::-1].argmax(axis=1)
            if (seen.sum(axis=1) != np.where(some, last - first, 0)).any():
                raise refuse_frame(header, "has transparent parts inside, not only at its margins; fill them, or "
                                           "--ignore-alpha takes the colours as they are")  # fmt: skip
            left[y0 : y0 + len(seen)], right[y0 : y0 + len(seen)] = first, np.where(some, last, 0)
    if not right.any():
        raise refuse_frame(header, "is wholly transparent; --ignore-alpha takes the colours as they are")
    return left, right


def largest_rectangle(left: np.ndarray, right: np.ndarray) -> Rectangle:
    """The largest rectangle whose rows y lie within left[y] <= x < right[y]; the first one where several are."""
    best, area = (0, 0, 0, 0), 0
    starts = np.flatnonzero(right > left)
    if len(starts) > _MOST_STARTS:  # a rectangle begins where a margin changes, or nearly so
        changes = np.flatnonzero(np.diff(left, prepend=-1) | np.diff(right, prepend=-1))
        starts = np.intersect1d(starts, changes)[:: 1 + len(changes) // _MOST_STARTS]
    for top in starts.tolist():
        x0, x1 = np.maximum.accumulate(left[top:]), np.minimum.accumulate(right[top:])
        areas = np.maximum(x1 - x0, 0) * np.arange(1, len(x0) + 1)
        row = int(areas.argmax())
        if areas[row] > area:
            best, area = (top, top + row + 1, int(x0[row]), int(x1[row])), int(areas[row])
    return best
