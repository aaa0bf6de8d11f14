"""Kuwahara's filter against plain NumPy."""

import numpy as np
import pytest

from imfuse_tiles.kernels.kuwahara import blur_sigma, kuwahara


def plane(height, width, seed=0):
    rng = np.random.default_rng(seed)
    ground = rng.random((height // 9 + 1, width // 9 + 1)).repeat(9, 0).repeat(9, 1)[:height, :width]
    return np.clip(ground + rng.normal(0, 0.05, (height, width)), 0, 1).astype(np.float32)


def by_hand(window, r):
    window = window.astype(np.float64)
    height, width = window.shape
    out = np.empty((height - 2 * r, width - 2 * r))
    low, high = (r + 1) // 2, (r + 1) // 2 + (r + 1) % 2
    for y, x in np.ndindex(out.shape):
        corners = [(y, x), (y, x + r), (y + r, x), (y + r, x + r)]
        calm = min(corners, key=lambda c: np.var(window[c[0] : c[0] + r + 1, c[1] : c[1] + r + 1]))
        rows, columns = [calm[0] + low, calm[0] + high], [calm[1] + low, calm[1] + high]
        out[y, x] = window[np.ix_(rows, columns)].mean()
    return out


@pytest.mark.parametrize("radius", [1, 2, 3, 4])
def test_the_result_equals_the_definition(radius):
    window = plane(30, 37)
    result = kuwahara(window, radius)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, by_hand(window, radius), atol=2e-7)


def test_the_first_of_equally_calm_squares_wins():
    window = np.zeros((5, 5), np.float32)
    window[:2, :2], window[:2, 3:], window[3:, :2], window[3:, 3:] = 0.25, 0.5, 0.75, 1.0
    window[2, 2] = 0.5
    flat = np.kron(np.array([[0.25, 0.5], [0.75, 1.0]], np.float32), np.ones((3, 3), np.float32))
    assert kuwahara(np.ascontiguousarray(flat[:5, :5]), 2)[0, 0] == 0.25


def test_a_straight_edge_stays_sharp():
    window = np.zeros((20, 30), np.float32)
    window[:, 15:] = 1.0
    result = kuwahara(window, 3)
    assert np.array_equal(result, window[3:-3, 3:-3])


def test_the_blur_before_it_is_half_a_pixel_narrower_than_the_radius():
    assert (blur_sigma(4), blur_sigma(2.7)) == (3.5, 1.5)


def test_a_radius_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        kuwahara(plane(9, 9), 0.5)


@pytest.mark.parametrize("radius", [2, 5])
def test_a_tile_with_its_halo_gives_the_bits_of_the_whole(radius):
    window = plane(120, 701)
    whole = kuwahara(window, radius)
    for y, x, height, width in [(0, 0, 37, 53), (11, 7, 1, 601), (40, 30, 64, 1), (5, 500, 33, 147)]:
        tile = np.ascontiguousarray(window[y : y + height + 2 * radius, x : x + width + 2 * radius])
        assert np.array_equal(kuwahara(tile, radius), whole[y : y + height, x : x + width])
