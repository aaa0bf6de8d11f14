"""The mean of similar neighbours against plain NumPy."""

import numpy as np

from imfuse_tiles.kernels.enhance import HALO, WEIGHTS, enhance


def plane(height, width, seed=0):
    """Noise around a few levels, so that some neighbours are alike and some are not."""
    rng = np.random.default_rng(seed)
    ground = rng.random((height // 6 + 1, width // 6 + 1)).repeat(6, 0).repeat(6, 1)[:height, :width]
    return np.clip(ground + rng.normal(0, 0.03, (height, width)), 0, 1).astype(np.float32)


def by_hand(window):
    window = window.astype(np.float64)
    views = np.lib.stride_tricks.sliding_window_view(window, (5, 5))
    centre = views[..., 2, 2][..., None, None]
    alike = (16 - (views + centre) / 2) * (views - centre) ** 2 < 0.069
    weights = WEIGHTS * alike
    return (weights * views).sum((2, 3)) / weights.sum((2, 3)) + 0.5 / 65535


def test_the_weights_are_symmetric_and_peak_at_eighty():
    assert np.array_equal(WEIGHTS, WEIGHTS.T)
    assert np.array_equal(WEIGHTS, WEIGHTS[::-1])
    assert WEIGHTS[2, 2] == 80
    assert WEIGHTS.sum() == 444


def test_the_result_equals_the_definition():
    window = plane(50, 67)
    result = enhance(window)
    assert result.shape == (50 - 2 * HALO, 67 - 2 * HALO)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, by_hand(window), atol=3e-7)


def test_an_edge_steeper_than_the_limit_stays():
    window = np.zeros((9, 12), np.float32)
    window[:, 6:] = 0.5
    np.testing.assert_allclose(enhance(window), window[2:-2, 2:-2] + 0.5 / 65535, rtol=1e-6)


def test_a_step_below_the_limit_is_smoothed():
    window = np.full((9, 12), 0.5, np.float32)
    window[:, 6:] = 0.55
    result = enhance(window)
    assert np.all(np.diff(result[2, 2:6]) > 0.001)


def test_a_tile_with_its_halo_gives_the_bits_of_the_whole():
    window = plane(120, 131)
    whole = enhance(window)
    for y, x, height, width in [(0, 0, 37, 53), (11, 7, 1, 101), (40, 30, 64, 1), (5, 64, 33, 47)]:
        tile = np.ascontiguousarray(window[y : y + height + 4, x : x + width + 4])
        assert np.array_equal(enhance(tile), whole[y : y + height, x : x + width])
