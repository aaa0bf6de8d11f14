"""The near part of a large Fourier mask: one result for every tiling."""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from imfuse_tiles.kernels.gain import continuous_response
from imfuse_tiles.kernels.nearfield import BLOCK, HALO, near, near_gain, near_kernel, near_source, transform
from imfuse_tiles.kernels.response import Response

HEIGHT, WIDTH = 600, 700
RESPONSE = Response(r=75)


@pytest.fixture(scope="module")
def frame():
    return np.random.default_rng(3).random((HEIGHT, WIDTH), dtype=np.float32)


@pytest.fixture(scope="module")
def gain():
    return near_gain(RESPONSE, HEIGHT, WIDTH)


def window(frame, source):
    top, left, bottom, right = source
    rows = np.clip(np.arange(top, bottom), 0, len(frame) - 1)
    columns = np.clip(np.arange(left, right), 0, frame.shape[1] - 1)
    return frame[rows][:, columns]


def run(frame, region, gain):
    return near(window(frame, near_source(region)), region, gain)


@pytest.fixture(scope="module")
def filtered(frame, gain):
    return run(frame, (0, 0, HEIGHT, WIDTH), gain)


def test_the_source_is_the_blocks_of_a_region_and_their_halo():
    assert near_source((0, 0, BLOCK, BLOCK)) == (-HALO, -HALO, BLOCK + HALO, BLOCK + HALO)
    assert near_source((255, 256, 257, 300)) == (-HALO, 256 - HALO, 512 + HALO, 512 + HALO)


def test_it_is_the_convolution_with_the_kernel_over_replicated_edges(frame, filtered):
    padded = np.pad(frame.astype(float), HALO, "edge")
    expected = fftconvolve(padded, near_kernel(RESPONSE, HEIGHT, WIDTH), "valid")
    np.testing.assert_allclose(filtered, expected, atol=2e-6)


@pytest.mark.parametrize(
    "region",
    [
        (0, 0, 37, 53),
        (250, 250, 263, 263),
        (599, 0, 600, 700),
        (10, 699, 600, 700),
        (100, 511, 101, 513),
        (256, 256, 512, 512),
    ],
)
def test_any_region_has_the_bits_of_the_whole(frame, gain, filtered, region):
    top, left, bottom, right = region
    np.testing.assert_array_equal(run(frame, region, gain), filtered[top:bottom, left:right])


@pytest.mark.parametrize("tile", [(128, 128), (37, 253), (300, 1), (1, 700)])
def test_tiles_of_any_size_make_up_the_whole(frame, gain, filtered, tile):
    if tile == (300, 1):
        edges = [(0, x, 300, x + 1) for x in range(0, WIDTH, 97)]
    else:
        edges = [
            (y, x, min(y + tile[0], HEIGHT), min(x + tile[1], WIDTH))
            for y in range(0, HEIGHT, max(tile[0], 37))
            for x in range(0, WIDTH, tile[1])
        ]
    for region in edges:
        top, left, bottom, right = region
        np.testing.assert_array_equal(run(frame, region, gain), filtered[top:bottom, left:right])


def test_a_view_into_a_larger_array_gives_the_same_bits(frame, gain, filtered):
    region = (40, 300, 90, 400)
    source = window(frame, near_source(region))
    roomy = np.zeros((source.shape[0] + 3, source.shape[1] + 5), np.float32)
    roomy[2:-1, 1:-4] = source
    np.testing.assert_array_equal(near(roomy[2:-1, 1:-4], region, gain), filtered[40:90, 300:400])


def test_a_window_of_another_shape_is_refused(frame, gain):
    with pytest.raises(ValueError, match=r"needs a window of \(384, 384\), not \(600, 700\)"):
        near(frame, (0, 0, 10, 10), gain)


@pytest.mark.parametrize("shape", ["circle", "square", "rhombus", "cross", "xcross"])
def test_the_kernel_is_even_and_ends_softly(shape):
    kernel = near_kernel(Response(r=60, shape=shape), 3000, 4000)
    assert kernel.shape == (2 * HALO + 1, 2 * HALO + 1)
    np.testing.assert_allclose(kernel, kernel[::-1], atol=1e-15)
    np.testing.assert_allclose(kernel, kernel[:, ::-1], atol=1e-15)
    assert kernel.max() == kernel[HALO, HALO]
    assert np.abs(kernel[0]).max() < 1e-6 * kernel.max()
    assert abs(kernel[0, 0]) < 1e-30


def test_the_kernel_follows_the_response_at_middle_frequencies():
    response = Response(r=75)
    spectrum = transform(near_kernel(response, 20000, 20000), 512)
    frequency = np.fft.fftfreq(512)[:, None] * 2
    lost = np.abs(spectrum - continuous_response(response, np.arange(257) / 256, frequency))
    distance = np.hypot(np.arange(257) / 256, frequency)
    assert lost[(distance > 0.15) & (np.abs(distance - 0.75) > 0.05)].max() < 5e-4


def test_the_blur_of_a_solid_shape_shortens_its_kernel():
    sharp, soft = (near_kernel(Response(conversion="solid", r=40, s=s), 2000, 2000) for s in (0, 10))
    factor = np.exp(-2 * (np.pi * 10 * 20 / 2200) ** 2)
    assert soft[HALO, HALO] == sharp[HALO, HALO]
    assert soft[HALO, HALO + 20] == pytest.approx(sharp[HALO, HALO + 20] * factor)
