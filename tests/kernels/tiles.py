"""What the tests of kernels share."""

import numpy as np
from scipy import ndimage

SIZES = [(1, 1), (1, 60), (29, 1), (37, 53), (8, 16), (13, 7), (40, 81), (5, 33)]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def window(frame, source):
    """The source (top, left, bottom, right) of a frame, which it may leave: the edge repeats there."""
    top, left, bottom, right = source
    rows = np.clip(np.arange(top, bottom), 0, len(frame) - 1)
    columns = np.clip(np.arange(left, right), 0, frame.shape[1] - 1)
    return frame[rows][:, columns]


def convolved(plane, kernel):
    wide = ndimage.convolve(plane.astype(np.float64), np.asarray(kernel, np.float64))
    ry, rx = kernel.shape[0] // 2, kernel.shape[1] // 2
    return wide[ry : wide.shape[0] - ry, rx : wide.shape[1] - rx]


def assert_tiles_equal_the_whole(function, margin):
    """Random windows of the sizes above give the crop of the whole, bit by bit (last two axes)."""
    plane = noise(70 + 2 * margin, 103 + 2 * margin, seed=8)
    whole = function(plane)
    rng = np.random.default_rng(9)
    for h, w in SIZES:
        y, x = rng.integers(0, 70 - h + 1), rng.integers(0, 103 - w + 1)
        window = np.ascontiguousarray(plane[y : y + h + 2 * margin, x : x + w + 2 * margin])
        assert np.array_equal(function(window), whole[..., y : y + h, x : x + w])
