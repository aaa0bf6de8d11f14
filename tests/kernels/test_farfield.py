"""Near and far together against the transform of the whole plane."""

import tracemalloc

import numpy as np
import pytest

from imfuse_tiles.kernels.cells import (
    MARGIN,
    enlarge8,
    enlarged_source,
    reduce8,
    reduced_region,
    reduced_shape,
    reduced_source,
)
from imfuse_tiles.kernels.farfield import expected_error, far_bytes, far_gain, far_plane
from imfuse_tiles.kernels.fft import filter_plane
from imfuse_tiles.kernels.nearfield import near, near_gain, near_source
from imfuse_tiles.kernels.response import Response
from tests.kernels.tiles import window

HEIGHT, WIDTH = 700, 900


@pytest.fixture(scope="module")
def frame():
    """Noise on all scales with sharp edges, in 0..1."""
    noise = np.random.default_rng(5).standard_normal((HEIGHT, WIDTH))
    frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH))
    frequency[0, 0] = np.inf
    cloud = np.fft.irfft2(np.fft.rfft2(noise) / frequency, s=noise.shape)
    cloud /= cloud.std()
    texture = 0.4 + 0.1 * cloud + 0.15 * (cloud > 0.3) + 0.03 * noise
    return np.clip(texture, 0, 1).astype(np.float32)


def tiles(height, width):
    for y in range(0, HEIGHT, height):
        for x in range(0, WIDTH, width):
            yield y, x, min(y + height, HEIGHT), min(x + width, WIDTH)


def in_tiles(frame, response, first, second):
    """The two passes over the frame: reduce tile by tile, then near and far tile by tile."""
    reduced = np.full(reduced_shape(HEIGHT, WIDTH), np.nan, np.float32)
    for region in tiles(*first):
        top, left, bottom, right = cells = reduced_region(region, HEIGHT, WIDTH)
        reduced[top:bottom, left:right] = reduce8(window(frame, reduced_source(cells)))
    far = far_plane(reduced, response, HEIGHT, WIDTH)
    gain = near_gain(response, HEIGHT, WIDTH)
    result = np.empty_like(frame)
    for region in tiles(*second):
        top, left, bottom, right = enlarged_source(region)
        part = near(window(frame, near_source(region)), region, gain)
        part += enlarge8(far[top:bottom, left:right], region)
        result[region[0] : region[2], region[1] : region[3]] = part
    return result


SMOOTH = [
    Response(),
    Response(r=30),
    Response(r=20, N=1),
    Response(r=25, conversion="log1000"),
    Response(r=50, conversion="log1000"),
    Response(r=25, conversion="log10"),
    Response(r=60, conversion="gaussian"),
    Response(r=60, conversion="pow2"),
    Response(r=60, conversion="cos0.5"),
    Response(r=60, s=5, p=30),
    Response(r=60, shape="square"),
    Response(r=60, shape="cross"),
]


@pytest.mark.parametrize("response", SMOOTH, ids=lambda r: f"{r.conversion}-{r.shape}-r{r.r}-s{r.s}-N{r.N}")
def test_a_smooth_response_is_met_within_two_thousandths(frame, response):
    error = np.abs(in_tiles(frame, response, (256, 256), (512, 512)) - filter_plane(frame, response))
    assert error.max() < 2e-3
    assert np.sqrt((error**2).mean()) < 4e-4
    assert error.max() < 1.5 * expected_error(response, HEIGHT, WIDTH)


@pytest.mark.parametrize("s", [0, 5])
def test_a_solid_shape_is_met_within_four_hundredths(frame, s):
    response = Response(r=40, conversion="solid", s=s)
    error = np.abs(in_tiles(frame, response, (256, 256), (512, 512)) - filter_plane(frame, response))
    assert error.max() < 4e-2
    assert 3e-2 < expected_error(response, HEIGHT, WIDTH) < 6e-2


@pytest.mark.parametrize("response", [Response(), Response(r=25, conversion="log1000")])
def test_tiles_of_any_size_give_the_same_bits(frame, response):
    whole = in_tiles(frame, response, (704, 904), (HEIGHT, WIDTH))
    for first, second in (((64, 200), (128, 333)), ((8, 904), (37, 900)), ((104, 8), (700, 53))):
        np.testing.assert_array_equal(in_tiles(frame, response, first, second), whole)


def test_without_the_far_part_the_mask_would_be_far_off(frame):
    response = Response(r=25, conversion="log1000")
    whole = (0, 0, HEIGHT, WIDTH)
    only_near = near(window(frame, near_source(whole)), whole, near_gain(response, HEIGHT, WIDTH))
    assert np.abs(only_near - filter_plane(frame, response)).max() > 0.1


def test_a_kept_gain_gives_the_same_bits():
    response = Response(r=25, conversion="log1000")
    reduced = np.random.default_rng(0).random(reduced_shape(HEIGHT, WIDTH), dtype=np.float32)
    gain = far_gain(response, HEIGHT, WIDTH)
    assert gain.dtype == np.float32
    far = far_plane(reduced, response, HEIGHT, WIDTH, gain)
    np.testing.assert_array_equal(far, far_plane(reduced, response, HEIGHT, WIDTH))
    assert far.shape == tuple(edge + 2 * MARGIN - 2 for edge in reduced.shape)


def test_a_reduced_plane_of_another_frame_is_refused():
    with pytest.raises(ValueError, match=r"shape \(10, 10\), not \(90, 115\)"):
        far_plane(np.zeros((10, 10), np.float32), Response(), HEIGHT, WIDTH)


@pytest.mark.parametrize("frame_size", [(500, 500), (9000, 12000)])
def test_the_bytes_needed_cover_the_bytes_used(frame_size):
    reduced = np.zeros(reduced_shape(*frame_size), np.float32)
    far_plane(reduced, Response(), *frame_size)
    tracemalloc.start()
    try:
        far_plane(reduced, Response(), *frame_size)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.6 * far_bytes(*frame_size) < peak < far_bytes(*frame_size)


def test_a_steep_response_is_expected_to_be_met_less_well():
    errors = [expected_error(Response(r=r), 20000, 20000) for r in (100, 75, 30, 20)]
    assert errors == sorted(errors)
    assert errors[0] < 2e-3 < expected_error(Response(r=10), 20000, 20000)
