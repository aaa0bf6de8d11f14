"""Where frames have a picture: transparent pixels are none, and no edge of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import Header, open_frame

#: From this share of the highest opacity of a frame on a pixel counts as opaque. Below it, its colour may be mixed
#: with what was around the picture when another program moved it.
OPAQUE = 0.98
_BAND_BYTES = 8 << 20


class WhollyTransparent(Refusal):
    """A frame that has no picture anywhere."""


def with_coverage(headers: Sequence[Header], notices: list[str]) -> list[Header]:
    """The headers, those of frames with transparent parts to be read with their coverage.

    Raises WhollyTransparent for a frame that is transparent everywhere.
    """
    levels = [opacity_level(header) if header.has_alpha else 0.0 for header in headers]
    partly = [header for header, level in zip(headers, levels, strict=True) if level]
    if partly:
        which = "frames have" if len(partly) > 1 else f"{partly[0].name} has"
        notices.append(f"{which} transparent parts, which are no picture (--ignore-alpha takes the colours there)")
    return [header.covering(level) if level else header for header, level in zip(headers, levels, strict=True)]


def opacity_level(header: Header) -> float:
    """The sample of alpha from which on a frame's pixels are opaque; 0 if all are. WhollyTransparent if it has none."""
    veiled = header.veiled()
    full = 1.0 if header.dtype == "float32" else float(np.iinfo(header.dtype).max)
    low, high = full, 0.0
    step = max(1, _BAND_BYTES // (header.width * veiled.planes * 4))
    with open_frame(veiled) as frame:
        for y0 in range(0, header.height, step):
            alpha = frame.alpha(y0, min(y0 + step, header.height))
            low, high = min(low, float(alpha.min())), max(high, float(alpha.max()))
            if high >= OPAQUE * full > low:
                return OPAQUE * full
    if high <= 0:
        raise WhollyTransparent(f"{header.name}: is wholly transparent; --ignore-alpha takes the colours as they are")
    if high >= OPAQUE * full:
        return 0.0
    # The whole frame is half transparent. Colours that are stored times their opacity must be divided by it.
    return OPAQUE * high if low < OPAQUE * high or header.premultiplied else 0.0
