"""The work of each option by OpenCV, SciPy, scikit-image or plain NumPy, as a good user of them would write it.

``contenders(op)`` gives functions of a bench's pictures (``Pictures``) by the name of the library; ``NOTES`` says
why there is none, or why ours may take longer. OpenCV runs on one thread; values are float32 as in the options.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import scipy.fft
from scipy import ndimage
from skimage import color

from imfuse_tiles import kernels
from imfuse_tiles.spec import Op

cv2.setNumThreads(1)

Plane = np.ndarray
Filter = Callable[[Plane], Plane]
EDGE = cv2.BORDER_REPLICATE


@dataclass(frozen=True)
class Pictures:
    """What every contender gets: a frame (3, y, x), the same interleaved, a picture of the stack, a mask, a cut."""

    frame: Plane
    interleaved: Plane
    other: Plane
    mask: Plane
    cut: Plane


Contender = Callable[[Pictures], Any]


def summed(one: Filter, differs: bool) -> Contender:
    """A generator: every plane filtered, compared to the plane, a quarter of the sum."""

    def run(p: Pictures) -> Plane:
        total = None
        for plane in p.frame:
            made = one(plane)
            made = cv2.absdiff(made, plane) if differs else made
            total = made if total is None else cv2.add(total, made, dst=total)
        return cv2.multiply(total, 0.25, dst=total)

    return run


def on(op: Op, **filters: Filter) -> dict[str, Contender]:
    """The same filters for a generator, a mask filter or a cut filter."""
    if hasattr(op, "difference"):
        return {name: summed(one, op.difference) for name, one in filters.items()}
    what = "cut" if op.name.startswith("cut") else "mask"
    return {name: lambda p, one=one: one(getattr(p, what)) for name, one in filters.items()}


def smooth(op: Any, sigma: float) -> tuple[Filter, Filter]:
    """A Gaussian by OpenCV and by SciPy, as wide as ours."""
    from imfuse_tiles.ops.local import smoothing_reach

    reach = smoothing_reach(sigma, getattr(op, "r", 0), getattr(op, "word1", None) is not None)
    side = (2 * reach + 1, 2 * reach + 1)
    return (
        lambda x: cv2.GaussianBlur(x, side, sigma, borderType=EDGE),
        lambda x: ndimage.gaussian_filter(x, sigma, radius=reach, mode="nearest"),
    )


def blur(op: Any) -> dict[str, Contender]:
    pairs = [smooth(op, s) for s in (op.s, op.S) if s]
    if len(pairs) == 1:
        return on(op, OpenCV=pairs[0][0], SciPy=pairs[0][1])
    (a, c), (b, d) = pairs
    return on(op, OpenCV=lambda x: cv2.absdiff(a(x), b(x)), SciPy=lambda x: np.abs(c(x) - d(x)))


def mixed(op: Any) -> dict[str, Contender]:
    """A blur mixed with what it was made of."""
    by_cv, by_scipy = smooth(op, op.s)
    if op.p == 100 and op.P in (None, 0):
        return on(op, OpenCV=by_cv, SciPy=by_scipy)
    p, rest = op.p / 100, (100 - op.p if op.P is None else op.P) / 100
    return on(op, OpenCV=lambda x: cv2.addWeighted(by_cv(x), p, x, rest, 0),
              SciPy=lambda x: p * by_scipy(x) + rest * x)  # fmt: skip


def soft(op: Any) -> dict[str, Contender]:
    by_cv, by_scipy = smooth(op, op.s)
    return {"OpenCV": lambda p: cv2.max(by_cv(p.cut), p.cut), "SciPy": lambda p: np.maximum(by_scipy(p.cut), p.cut)}


def convolved(kernel: Plane) -> tuple[Filter, Filter]:
    """A convolution plus half of full scale."""
    turned = np.ascontiguousarray(kernel[::-1, ::-1], np.float32)
    small = kernel.astype(np.float32)
    return (
        lambda x: cv2.filter2D(x, -1, turned, delta=0.5, borderType=EDGE),
        lambda x: ndimage.convolve(x, small, mode="nearest") + np.float32(0.5),
    )


def linear(op: Any) -> dict[str, Contender]:
    by_cv, by_scipy = convolved(op.kernel())
    return on(op, OpenCV=by_cv, SciPy=by_scipy)


def laplacian_of_gaussian(op: Any) -> dict[str, Contender]:
    pairs = [convolved(op.kernel(s)) for s in (op.s, op.S) if s]
    if len(pairs) == 1:
        return on(op, OpenCV=pairs[0][0], SciPy=pairs[0][1])
    (a, c), (b, d) = pairs
    return on(op, OpenCV=lambda x: cv2.absdiff(a(x), b(x)), SciPy=lambda x: np.abs(c(x) - d(x)))


def joined(parts: list[Plane], mode: str) -> Plane:
    """Answers of several directions as one."""
    total = parts[0]
    for part in parts[1:]:
        if mode == "Lighten":
            total = cv2.max(total, part, dst=total)
        elif mode == "Darken":
            total = cv2.min(total, part, dst=total)
        elif mode == "Multiply":
            total = cv2.multiply(total, part, dst=total)
        else:
            total = cv2.subtract(cv2.add(total, part), cv2.multiply(total, part), dst=total)
    return total


def clamped(x: Plane) -> Plane:
    return cv2.min(cv2.max(x, 0, dst=x), 1, dst=x)


def edges(op: Any) -> dict[str, Contender]:
    """Half of the directions convolved; the others are their negatives where the kernel is odd, else convolved too."""
    bank, grey = op.bank(), op.bias / 100
    odd = len(bank) == 4 and np.allclose(bank[0], -bank[2])

    def run(x: Plane) -> Plane:
        made = [cv2.filter2D(x, -1, np.ascontiguousarray(k[::-1, ::-1]), delta=grey, borderType=EDGE)
                for k in (bank[:2] if odd else bank)]  # fmt: skip
        made += [cv2.subtract(np.float64(2 * grey), each) for each in made] if odd else []
        return joined([clamped(each) for each in made], op.mode)

    def slow(x: Plane) -> Plane:
        parts = [ndimage.convolve(x, k, mode="nearest") + np.float32(grey) for k in bank]
        return joined([clamped(each) for each in parts], op.mode)

    return on(op, OpenCV=run, SciPy=slow)


def comet(op: Any) -> dict[str, Contender]:
    taps = op.taps()
    long = np.concatenate([np.zeros(len(taps) - 1, np.float32), taps])
    tails = [long[None], long[::-1][None], long[:, None], long[::-1][:, None]]

    def run(x: Plane) -> Plane:
        return joined([cv2.filter2D(x, -1, np.ascontiguousarray(t), borderType=EDGE) for t in tails], op.word1)

    def slow(x: Plane) -> Plane:
        parts = [ndimage.correlate1d(x, t, axis, mode="nearest")
                 for t, axis in ((long, 1), (long[::-1], 1), (long, 0), (long[::-1], 0))]  # fmt: skip
        return joined(parts, op.word1)

    return on(op, OpenCV=run, SciPy=slow)


def morphology(op: Any) -> dict[str, Contender]:
    element, times = op.element().astype(np.uint8), int(op.R)
    footprint = element.astype(bool)

    def by_cv(mode: str) -> Filter:
        function = cv2.dilate if mode == "D" else cv2.erode
        return lambda x: function(x, element, iterations=times, borderType=EDGE)

    def by_scipy(mode: str) -> Filter:
        function = ndimage.maximum_filter if mode == "D" else ndimage.minimum_filter

        def run(x: Plane) -> Plane:
            for _ in range(times):
                x = function(x, footprint=footprint, mode="nearest")
            return x

        return run

    def built(step: Callable[[str], Filter]) -> Filter:
        dilate, erode = step("D"), step("E")
        table: dict[str, Filter] = {
            "Dilate": dilate, "Erode": erode, "Open": lambda x: dilate(erode(x)), "Close": lambda x: erode(dilate(x)),
            "Smooth": lambda x: erode(dilate(dilate(erode(x)))), "Edge": lambda x: cv2.subtract(dilate(x), erode(x)),
            "EdgeIn": lambda x: cv2.subtract(x, erode(x)), "EdgeOut": lambda x: cv2.subtract(dilate(x), x),
            "TopHat": lambda x: cv2.subtract(x, dilate(erode(x))),
            "BottomHat": lambda x: cv2.subtract(erode(dilate(x)), x),
        }  # fmt: skip
        return table[op.word1]

    return on(op, OpenCV=built(by_cv), SciPy=built(by_scipy))


def box(width: float, mode: str) -> dict[str, Filter]:
    """A statistic of a box, by those libraries that have it."""
    side, n = int(width), int(width) ** 2
    size, anchor = (side, side), (side // 2, side // 2)
    mean = lambda x: cv2.boxFilter(x, -1, size, anchor=anchor, borderType=EDGE)  # noqa: E731
    square = lambda x: cv2.sqrBoxFilter(x, cv2.CV_32F, size, anchor=anchor, borderType=EDGE)  # noqa: E731
    flat = np.ones(size, np.uint8)
    dilate = lambda x: cv2.dilate(x, flat, anchor=anchor, borderType=EDGE)  # noqa: E731
    erode = lambda x: cv2.erode(x, flat, anchor=anchor, borderType=EDGE)  # noqa: E731
    whole = lambda x: cv2.convertScaleAbs(x) if x.dtype == np.uint8 else (x * 65535 + 0.5).astype(np.uint16)  # noqa: E731
    table: dict[str, dict[str, Filter]] = {
        "Mean": {"OpenCV": mean, "SciPy": lambda x: ndimage.uniform_filter(x, side, mode="nearest")},
        "RMS": {"OpenCV": lambda x: cv2.sqrt(square(x))},
        "StandardDeviation": {
            "OpenCV": lambda x: cv2.sqrt(cv2.max(cv2.subtract(square(x), cv2.pow(mean(x), 2)), 0)),
            "SciPy": lambda x: np.sqrt(np.maximum(ndimage.uniform_filter(x * x, side, mode="nearest")
                                                  - ndimage.uniform_filter(x, side, mode="nearest") ** 2, 0)),
        },
        "Minimum": {"OpenCV": erode, "SciPy": lambda x: ndimage.minimum_filter(x, side, mode="nearest")},
        "Maximum": {"OpenCV": dilate, "SciPy": lambda x: ndimage.maximum_filter(x, side, mode="nearest")},
        "Gradient": {"OpenCV": lambda x: cv2.subtract(dilate(x), erode(x))},
        "Contrast": {"OpenCV": lambda x: cv2.divide(cv2.subtract(a := dilate(x), b := erode(x)), cv2.add(a, b))},
        "Median": {"SciPy": lambda x: ndimage.rank_filter(whole(x), n // 2, size=side, mode="nearest").astype("f4")},
    }  # fmt: skip
    if mode == "Median" and side in (3, 5):
        table["Median"]["OpenCV"] = lambda x: np.divide(cv2.medianBlur(whole(x), side), 65535, dtype=np.float32)
    return table.get(mode, {})


def statistic(op: Any) -> dict[str, Contender]:
    second = getattr(op, "word2", op.word1)
    once, again = box(op.r, op.word1), box(getattr(op, "R", None) or op.r, second)
    if op.name != "diffstat" and getattr(op, "R", None) is None:
        return on(op, **once)
    both = {name: (one, again.get(name, next(iter(again.values())))) for name, one in once.items() if again}
    return on(op, **{name: lambda x, a=a, b=b: cv2.absdiff(a(x), b(x)) for name, (a, b) in both.items()})


def wavelet(op: Any) -> dict[str, Contender]:
    """The same transform, level by level."""
    percents = [p for p in (op.p, getattr(op, "P", None)) if p is not None]
    if op.word1:
        return on(op, **{"PyWavelets": lambda x: by_pywavelets(x, op.word1)})
    made = lambda x: [softened(x, p) for p in percents]  # noqa: E731
    return on(op, OpenCV=lambda x: made(x)[0] if len(percents) == 1 else cv2.absdiff(*made(x)))


def softened(x: Plane, percent: float) -> Plane:
    current, total = x, np.zeros_like(x)
    for level, limit in enumerate(kernels.wavelet.thresholds_for(percent)):
        taps = np.zeros(2 * 2**level + 1, np.float32)
        taps[[0, 2**level, -1]] = 0.25, 0.5, 0.25
        low = cv2.sepFilter2D(current, -1, taps, taps, borderType=cv2.BORDER_REFLECT_101)
        detail = cv2.subtract(current, low)
        cv2.add(total, cv2.min(cv2.max(detail, -float(limit)), float(limit)), dst=total)
        current = low
    return cv2.subtract(x, total, dst=total)


def by_pywavelets(x: Plane, name: str) -> Plane:
    import pywt

    levels = 5
    rim = -len(x) % 2**levels
    parts = pywt.swt2(np.pad(x, (0, rim), mode="symmetric"), name, levels, trim_approx=True, norm=True)
    limits = [0.01] * levels
    soft = [tuple(pywt.threshold(p, t, "soft") for p in level) for level, t in zip(parts[1:], limits, strict=True)]
    return pywt.iswt2([parts[0], *soft], name, norm=True)[: x.shape[0], : x.shape[1]].astype(np.float32)


def fourier(op: Any) -> dict[str, Contender]:
    """The padded plane there and back; the response is ready."""

    def run(x: Plane) -> Plane:
        response = op.responses(x.shape)[0]
        size = kernels.fft.fft_size(*x.shape)
        if (response, size) not in GAINS:
            GAINS[response, size] = np.ascontiguousarray(kernels.fft.gain_plane(response, *x.shape).T)
        top, left = (size - x.shape[0]) // 2, (size - x.shape[1]) // 2
        around = ((top, size - x.shape[0] - top), (left, size - x.shape[1] - left))
        spectrum = scipy.fft.rfft2(np.pad(x, around, "edge"), workers=1)
        spectrum *= GAINS[response, size]
        return scipy.fft.irfft2(spectrum, (size, size), workers=1)[top : top + x.shape[0], left : left + x.shape[1]]

    if getattr(op, "R", None):
        return on(op, SciPy=lambda x: np.abs(run(x) - run(x)))
    return on(op, SciPy=run)


GAINS: dict[Any, Plane] = {}


def resized(op: Any) -> dict[str, Contender]:
    """OpenCV has the cubic and the linear one; SciPy's cubic spline without its prefilter is the spline."""
    how = {"Spline": cv2.INTER_CUBIC, "Catrom": cv2.INTER_CUBIC, "Nearest": cv2.INTER_NEAREST}
    p = op.p / 100

    def run(x: Plane) -> Plane:
        mode = how.get(op.word1, cv2.INTER_LINEAR)
        small = cv2.resize(x, (round(x.shape[1] * p), round(x.shape[0] * p)), interpolation=mode)
        return cv2.resize(small, x.shape[::-1], interpolation=mode)

    def slow(x: Plane) -> Plane:
        more = dict(order=3, prefilter=False, mode="nearest", grid_mode=True)
        small = ndimage.zoom(x, p, **more)
        return ndimage.zoom(small, (x.shape[0] / small.shape[0], x.shape[1] / small.shape[1]), **more)

    return on(op, OpenCV=run, SciPy=slow) if op.word1 == "Spline" else on(op, OpenCV=run)


CODES = {
    "HSL": (cv2.COLOR_RGB2HLS, {0: 0, 1: 2, 2: 1}), "HSB": (cv2.COLOR_RGB2HSV, {0: 0, 1: 1, 2: 2}),
    "Lab": (cv2.COLOR_RGB2Lab, {0: 0, 1: 1, 2: 2}), "Luv": (cv2.COLOR_RGB2Luv, {0: 0, 1: 1, 2: 2}),
    "YCbCr": (cv2.COLOR_RGB2YCrCb, {0: 0, 1: 2, 2: 1}), "XYZ": (cv2.COLOR_RGB2XYZ, {0: 0, 1: 1, 2: 2}),
}  # fmt: skip
BY_SKIMAGE = {"HSB": color.rgb2hsv, "Lab": color.rgb2lab, "Luv": color.rgb2luv, "YCbCr": color.rgb2ycbcr,
              "XYZ": color.rgb2xyz, "YIQ": color.rgb2yiq}  # fmt: skip


def channel(op: Any) -> dict[str, Contender]:
    """A plane of a colour space; OpenCV and scikit-image make all of them, so simple ones are made by hand."""
    space, c = op.C or "sRGB", op.c
    largest = lambda p: cv2.max(cv2.max(p.frame[0], p.frame[1]), p.frame[2])  # noqa: E731
    least = lambda p: cv2.min(cv2.min(p.frame[0], p.frame[1]), p.frame[2])  # noqa: E731
    turned = (lambda x: cv2.subtract(1.0, x)) if op.neg else (lambda x: x)
    by_hand: dict[tuple[str, int | None], Contender] = {
        ("HSL", 2): lambda p: turned(cv2.addWeighted(largest(p), 0.5, least(p), 0.5, 0)),
        ("HCL", 1): lambda p: cv2.subtract(largest(p), least(p)),
        ("CMYK", 3): lambda p: cv2.subtract(1.0, largest(p)),
        ("sRGB", None): lambda p: cv2.multiply(cv2.add(cv2.add(p.frame[0], p.frame[1]), p.frame[2]), 0.25),
        ("Gray", None): lambda p: cv2.multiply(cv2.cvtColor(p.interleaved, cv2.COLOR_RGB2GRAY), 0.75),
    }
    made: dict[str, Contender] = {}
    if (space, c) in by_hand:
        made["OpenCV"] = by_hand[space, c]
    elif space in CODES and c is not None:
        code, order = CODES[space]
        made["OpenCV"] = lambda p: turned(cv2.extractChannel(cv2.cvtColor(p.interleaved, code), order[c]))
    if space in BY_SKIMAGE and c is not None:
        made["scikit-image"] = lambda p: BY_SKIMAGE[space](p.interleaved)[..., c]
    return made


def alike(op: Any) -> dict[str, Contender]:
    def run(p: Pictures) -> Plane:
        total = cv2.absdiff(p.frame[0], p.other[0])
        for a, b in zip(p.frame[1:], p.other[1:], strict=True):
            total = cv2.add(total, cv2.absdiff(a, b), dst=total)
        return cv2.subtract(0.75, cv2.multiply(total, 0.25, dst=total), dst=total)

    return {"OpenCV": run, "NumPy": lambda p: (3 - np.abs(p.frame - p.other).sum(0)) * np.float32(0.25)}


def kuwahara(op: Any) -> dict[str, Contender]:
    """Means and variances of boxes by OpenCV, the four corners of each pixel compared."""
    r, (by_cv, _) = int(op.r), smooth(op, max(int(op.r) - 0.5, 0.5))

    def run(x: Plane) -> Plane:
        x = by_cv(x)
        mean, square = cv2.boxFilter(x, -1, (r + 1, r + 1)), cv2.sqrBoxFilter(x, cv2.CV_32F, (r + 1, r + 1))
        variance = cv2.subtract(square, cv2.multiply(mean, mean))
        best, out = None, None
        for dy in (-(r // 2), r - r // 2):
            for dx in (-(r // 2), r - r // 2):
                here, value = np.roll(variance, (dy, dx), (0, 1)), np.roll(x, (dy, dx), (0, 1))
                if best is None:
                    best, out = here, value
                    continue
                less = cv2.compare(here, best, cv2.CMP_LT)
                cv2.copyTo(here, less, best)
                cv2.copyTo(value, less, out)
        return out

    return {"OpenCV": lambda p: run(p.mask)}


def enhance(op: Any) -> dict[str, Contender]:
    """OpenCV's bilateral filter of the same diameter: the same kind of mean, with smooth weights."""

    def run(x: Plane) -> Plane:
        for _ in range(op.n):
            x = cv2.bilateralFilter(x, 5, 0.066, 2)
        return x

    return {"OpenCV": lambda p: run(p.mask)}


def despeckle(op: Any) -> dict[str, Contender]:
    """The same hulls in NumPy, a half after the other on the whole plane."""
    one, two = np.float32(257 / 65535), np.float32(514 / 65535)

    def run(x: Plane) -> Plane:
        for dx, dy in ((0, 1), (1, 0), (1, 1), (-1, 1)) * op.n:
            for sign, up in ((1, 1), (-1, 1), (-1, -1), (1, -1)):
                ahead, behind = np.roll(x, (sign * dy, sign * dx), (0, 1)), np.roll(x, (-sign * dy, -sign * dx), (0, 1))
                x = x + np.float32(up) * one * (ahead * up >= x * up + two)
                x = x + np.float32(up) * one * ((behind * up >= x * up + two) & (ahead * up > x * up))
        return x

    return {"NumPy": lambda p: run(p.mask)}


def threshold(op: Any) -> dict[str, Contender]:
    t, T = op.t / 100, op.T / 100

    def run(x: Plane) -> Plane:
        x = cv2.threshold(x, t, 0, cv2.THRESH_TOZERO)[1]
        return cv2.max(x, cv2.threshold(x, T, 1, cv2.THRESH_BINARY)[1])

    return {"OpenCV": lambda p: run(p.mask)}


def limited(limit: Callable[[Any, Pictures], Plane]) -> Callable[[Any], dict[str, Contender]]:
    return lambda op: {"OpenCV": lambda p: cv2.min(p.cut, limit(op, p))}


def slope(op: Any, p: Pictures) -> Plane:
    return clamped(cv2.addWeighted(p.mask, (op.P - op.p) / 100, p.mask, 0, op.p / 100))


def final_alpha(op: Any) -> dict[str, Contender]:
    """Two copies with another opacity."""

    def run(p: Pictures) -> tuple[Plane, Plane]:
        alpha = np.ones_like(p.mask) if op.word1 else slope(op, p)
        return np.concatenate([p.frame, alpha[None]]), np.stack([p.mask, alpha])

    return {"OpenCV": run}


def final_threshold(op: Any) -> dict[str, Contender]:
    """As final_alpha, with the mask limited as well."""

    def run(p: Pictures) -> tuple[Plane, ...]:
        kept = cv2.threshold(p.mask, op.t / 100, 1, cv2.THRESH_BINARY)[1]
        kept = cv2.min(kept, cv2.threshold(p.mask, op.T / 100, 1, cv2.THRESH_BINARY_INV)[1])
        kept = smooth(op, op.s)[0](kept) if op.s else kept
        left = cv2.min(p.mask, kept)
        again = cv2.min(cv2.threshold(left, op.t / 100, 1, cv2.THRESH_BINARY)[1], kept)
        return np.concatenate([p.frame, cv2.min(p.cut, kept)[None]]), left, np.stack([p.mask, cv2.min(p.cut, again)])

    return {"OpenCV": run}


def final_blur(op: Any) -> dict[str, Contender]:
    """Colours blurred, laid over by a blurred opacity."""

    def run(p: Pictures) -> Plane:
        weak = cv2.threshold(p.mask, op.t / 100, 1, cv2.THRESH_BINARY_INV)[1]
        a = smooth(op, op.S)[0](weak) if op.S else weak
        rest = cv2.multiply(p.cut, cv2.subtract(1.0, a))
        opacity = cv2.add(a, rest)
        colours = [cv2.divide(cv2.add(cv2.multiply(smooth(op, op.s)[0](plane), a), cv2.multiply(plane, rest)), opacity)
                   for plane in p.frame]  # fmt: skip
        return np.stack([*colours, opacity])

    return {"OpenCV": run}


def final_gamma(op: Any) -> dict[str, Contender]:
    def run(p: Pictures) -> Plane:
        return np.stack([*(cv2.pow(clamped(plane.copy()), 0.8) for plane in p.frame), p.cut])

    return {"OpenCV": run}


def command(op: Any) -> dict[str, Contender]:
    """The examples: a blur, or a pixel against its surround."""
    text = op.word1 or "none"
    if text.startswith("-blur"):
        from imfuse_tiles.kernels.gaussian import blur_radius

        sigma = float(text.rpartition("x")[2])
        side = (2 * blur_radius(sigma) + 1,) * 2
        return on(op, OpenCV=lambda x: cv2.GaussianBlur(x, side, sigma, borderType=EDGE))
    if text.startswith("-edge"):
        kernel = np.full((5, 5), -1.0)
        kernel[2, 2] = 24
        return on(op, OpenCV=lambda x: cv2.filter2D(x, -1, kernel, borderType=EDGE))
    return {}


REFERENCES: dict[str, Callable[[Any], dict[str, Contender]]] = {
    **dict.fromkeys(("blur",), blur), **dict.fromkeys(("maskblur", "cutblur"), mixed), "cutsoft": soft,
    **dict.fromkeys(("dog", "laplacian"), linear), "log": laplacian_of_gaussian, "comet": comet,
    **dict.fromkeys(("compass", "freichen", "kirsch", "prewitt", "roberts", "sobel"), edges),
    **dict.fromkeys(("morphology", "maskmorph", "cutmorph"), morphology),
    **dict.fromkeys(("statistic", "diffstat", "maskstat"), statistic),
    **dict.fromkeys(("wavelet", "maskwave", "cutwave"), wavelet), **dict.fromkeys(("fft", "maskfft"), fourier),
    "resize": resized, **dict.fromkeys(("channel", "chroma", "darkness", "lightness", "saturation"), channel),
    **dict.fromkeys(("compose", "evaluate", "max", "mean", "median", "min"), alike),
    "maskkuwahara": kuwahara, "maskenhance": enhance, "maskdespeckle": despeckle, "maskthreshold": threshold,
    "enfuse": alike, "finalalpha": final_alpha, "finalthreshold": final_threshold, "finalblur": final_blur,
    "finalgamma": final_gamma, **dict.fromkeys(("cmd", "cmddiff", "maskcmd", "cutcmd"), command),
    "cutalpha": limited(slope),
    "cutmax": limited(lambda op, p: cv2.threshold(cv2.subtract(p.mask, p.other[0]), -op.p / 100, 1, 0)[1]),
    "cutthreshold": limited(lambda op, p: cv2.threshold(p.mask, op.t / 100, 1, cv2.THRESH_BINARY)[1]),
}  # fmt: skip


def contenders(op: Op) -> dict[str, Contender]:
    """The same work by others, by name; empty where nobody has it."""
    made = REFERENCES.get(op.name)
    return made(op) if made else {}
