"""The work of each option by OpenCV, SciPy, scikit-image or plain NumPy, as a good user of them would write it.

``contenders(op)`` gives functions of a bench's pictures (``Pictures``) by the name of the library. OpenCV runs on one
thread; values are float32 as in the options.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2

from benchmarks.others import colours, convolving, masks, windows
from benchmarks.others.common import Contender, Pictures
from imfuse_tiles.options.grammar import Option

__all__ = ["Pictures", "contenders"]

REFERENCES: dict[str, Callable[[Any], dict[str, Contender]]] = {
    **dict.fromkeys(("blur",), convolving.blur),
    **dict.fromkeys(("maskblur", "cutblur"), convolving.mixed),
    "cutsoft": convolving.soft,
    **dict.fromkeys(("dog", "laplacian"), convolving.linear),
    "log": convolving.laplacian_of_gaussian,
    "comet": convolving.comet,
    **dict.fromkeys(("compass", "freichen", "kirsch", "prewitt", "roberts", "sobel"), convolving.edges),
    **dict.fromkeys(("morphology", "maskmorph", "cutmorph"), windows.morphology),
    **dict.fromkeys(("statistic", "diffstat", "maskstat"), windows.statistic),
    **dict.fromkeys(("wavelet", "maskwave", "cutwave"), windows.wavelet),
    **dict.fromkeys(("fft", "maskfft"), windows.fourier),
    "resize": windows.resized,
    **dict.fromkeys(("channel", "chroma", "darkness", "lightness", "saturation"), colours.channel),
    **dict.fromkeys(("compose", "evaluate", "max", "mean", "median", "min"), colours.alike),
    "maskkuwahara": masks.kuwahara,
    "maskenhance": masks.enhance,
    "maskdespeckle": masks.despeckle,
    "maskthreshold": masks.threshold,
    "enfuse": colours.alike,
    "finalalpha": masks.final_alpha,
    "finalthreshold": masks.final_threshold,
    "finalblur": masks.final_blur,
    "finalgamma": masks.final_gamma,
    **dict.fromkeys(("cmd", "cmddiff", "maskcmd", "cutcmd"), convolving.command),
    "cutalpha": masks.limited(masks.slope),
    "cutmax": masks.limited(lambda op, p: cv2.threshold(cv2.subtract(p.mask, p.other[0]), -op.p / 100, 1, 0)[1]),
    "cutthreshold": masks.limited(lambda op, p: cv2.threshold(p.mask, op.t / 100, 1, cv2.THRESH_BINARY)[1]),
}


def contenders(op: Option) -> dict[str, Contender]:
    """The same work by others, by name; empty where nobody has it."""
    made = REFERENCES.get(op.name)
    return made(op) if made else {}
