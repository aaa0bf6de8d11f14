"""What sample value is white: 1 for floating-point samples unless the frames hold others, or as the user says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.notices import Hint
from imfuse_tiles.imageio.reading import Header, open_frame

#: Full scales of cameras and files, for samples that are whole numbers in truth.
FULL_SCALES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
#: Sharpening and resampling overshoot white by this much; the frames are not of another range for that.
OVERSHOOT = 1.25
#: Floating-point samples that nowhere reach this share of white are of another range, as 10 bits in 16 are.
_FAINT = 0.1
_ANY_RANGE = 2.0**64  # divided by it, floating-point samples keep all their digits and none is too high
_BAND_BYTES = 8 << 20


def with_white(headers: Sequence[Header], white: float | None, notices: list[str]) -> list[Header]:
    """The frames with what is white in them: as given, or for floating-point samples as some of them show.

    Raises Refusal for a white level that the samples cannot have.
    """
    if white is not None:
        _check(headers[0], white)
        return [replace(header, white=white) for header in headers]
    if headers[0].dtype != "float32":
        return list(headers)
    low, high = _extremes(headers)
    if low < 0:
        notices.append(f"samples range down to {low:g}: below 0 is black")
    if high <= 1:
        if 0 < high < _FAINT:
            notice = f"the brightest sample is {high:.3g} where 1 is white; --white={high:.3g} takes it as white"
            notices.append(Hint(notice))
        return list(headers)
    if high <= OVERSHOOT:
        notices.append(f"samples range up to {high:g}: above 1 is white (--white={high:g} keeps them apart)")
        return list(headers)
    whole = [scale for scale in FULL_SCALES if scale >= high > scale / 4]
    level = whole[0] if whole and high >= FULL_SCALES[0] / 2 else float(f"{high * 1.0005:.4g}")
    notices.append(f"samples range up to {high:g}: {level:g} is taken as white (--white=1 or another level changes it)")
    return [replace(header, white=level) for header in headers]


def _check(header: Header, white: float) -> None:
    if not 0 < white < float("inf"):
        raise Refusal(f"--white {white:g}: allowed is a level above 0")
    highest = {"uint8": 255, "uint16": 65535}.get(header.dtype)
    if highest and not (white <= highest and white == int(white)):
        raise Refusal(f"--white {white:g}: allowed for these frames is a whole number from 1 to {highest}")


def _extremes(headers: Sequence[Header]) -> tuple[float, float]:
    """The lowest and the highest sample of the first, middle and last frame."""
    low, high = np.inf, -np.inf
    for place in sorted({0, len(headers) // 2, len(headers) - 1}):
        header = replace(headers[place], white=_ANY_RANGE)
        step = max(1, _BAND_BYTES // (4 * header.width * header.channels))
        with open_frame(header) as frame:
            for y0 in range(0, header.height, step):
                band = frame.rows(y0, min(y0 + step, header.height))
                colours = band[: header.channels]
                low, high = min(low, float(colours.min())), max(high, float(colours.max()))
    return low * _ANY_RANGE, high * _ANY_RANGE
