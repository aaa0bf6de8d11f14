"""Blurs, Laplacians, edges and comets by others."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from scipy import ndimage

from benchmarks.others.common import EDGE, Contender, Filter, Plane, clamped, joined, on, smooth


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


def edges(op: Any) -> dict[str, Contender]:
    """Half of the directions convolved; the others are their negatives where the kernel is odd, else convolved too."""
    bank, grey = op.kernel_bank(), op.bias / 100
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
