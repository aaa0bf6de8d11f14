"""The Fourier mask of a whole plane against a plain transform of the padded square."""

import tracemalloc

import numpy as np
import pytest

from imfuse_tiles.kernels.fft import (
    bytes_needed,
    fft_size,
    filter_plane,
    filter_square,
    gain_plane,
    kept_bytes,
    kept_gain,
)
from imfuse_tiles.kernels.gain import gain_columns
from imfuse_tiles.kernels.response import Response


def plane(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def plainly(x, response):
    height, width = x.shape
    size = fft_size(height, width)
    top, left = (size - height) // 2, (size - width) // 2
    square = np.pad(x.astype(float), ((top, size - height - top), (left, size - width - left)), "edge")
    spectrum = np.fft.rfft2(square) * gain_columns(response, size, 0, size // 2 + 1)
    return np.fft.irfft2(spectrum, s=(size, size))[top : top + height, left : left + width]


@pytest.mark.parametrize(
    ("shape", "size"), [((180, 240), 264), ((1536, 2048), 2252), ((10, 11), 12), ((100, 50), 110), ((1, 1), 2)]
)
def test_the_square_is_a_tenth_longer_than_the_plane_and_even(shape, size):
    assert fft_size(*shape) == fft_size(*shape[::-1]) == size


@pytest.mark.parametrize("shape", [(60, 90), (91, 47), (100, 100), (13, 200), (1, 40), (5, 3)])
@pytest.mark.parametrize(
    "response",
    [
        Response(),
        Response(r=25, conversion="log1000"),
        Response(r=20, N=1),
        Response(r=40, conversion="solid"),
        Response(r=60, s=5, p=30, shape="cross"),
    ],
)
def test_it_equals_the_plain_transform(shape, response):
    x = plane(*shape)
    filtered = filter_plane(x, response)
    assert filtered.dtype == np.float32
    assert filtered.flags.c_contiguous
    np.testing.assert_allclose(filtered, plainly(x, response), atol=2e-6)


def test_a_kept_gain_gives_the_same_bits():
    x = plane(75, 130)
    for response in (Response(), Response(r=25, conversion="log1000")):
        gain = gain_plane(response, 75, 130)
        assert gain.shape == (fft_size(75, 130) // 2 + 1, fft_size(75, 130))
        assert gain.dtype == np.float32
        np.testing.assert_array_equal(filter_plane(x, response, gain), filter_plane(x, response))


def test_gains_are_held_for_frames_of_sixteen_megapixels_and_not_for_larger_ones():
    assert kept_gain(Response(), 60, 90) is kept_gain(Response(), 60, 90)
    assert np.array_equal(kept_gain(Response(), 60, 90), gain_plane(Response(), 60, 90))
    assert kept_bytes(60, 90) == 2 * gain_plane(Response(), 60, 90).nbytes
    assert kept_bytes(3000, 4000) < 80 << 20
    assert (kept_bytes(4000, 5000), kept_gain(Response(), 4000, 5000)) == (0, None)


def test_a_gain_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"needs \(56, 110\)"):
        filter_plane(plane(100, 50), Response(), gain_plane(Response(), 100, 101))
    with pytest.raises(ValueError, match="does not fit"):
        filter_square(plane(20, 30), 28, gain_plane(Response(), 10, 25))


def test_a_constant_plane_is_weighted_by_the_gain_of_frequency_zero():
    flat = np.full((50, 60), 0.5, np.float32)
    top = 1 - np.sqrt(0.5) / (66 * 75 // 200 - 0.5)
    np.testing.assert_allclose(filter_plane(flat, Response()), 0.5 * top, atol=1e-6)
    np.testing.assert_allclose(filter_plane(flat, Response(conversion="log1000")), 0.5, atol=1e-6)


def test_a_high_pass_goes_below_zero_and_completes_the_low_pass():
    x = plane(64, 80)
    low, high = (filter_plane(x, Response(r=30, N=n)) for n in (0, 1))
    assert high.min() < -0.1
    np.testing.assert_allclose(low + high, x, atol=2e-6)


def test_the_input_stays_as_it_was():
    x = plane(40, 50)
    before = x.copy()
    filter_plane(x, Response())
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("shape", [(300, 900), (700, 500)])
def test_the_bytes_needed_are_the_bytes_used(shape):
    x = plane(*shape)
    filter_plane(x, Response())
    tracemalloc.start()
    try:
        filter_plane(x, Response(r=25, conversion="log1000"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.6 * bytes_needed(*shape) < peak < bytes_needed(*shape)
    size = fft_size(*shape)
    kept = bytes_needed(*shape, keep_gain=True) - bytes_needed(*shape)
    assert kept == gain_plane(Response(), *shape).nbytes == 4 * size * (size // 2 + 1)
