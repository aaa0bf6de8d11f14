"""Planes put together in one pass, against the same in NumPy operations."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels.combine import add, limit_alpha, mix

ONE = np.float32(1)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.mark.parametrize("difference", [False, True])
@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(("copies", "scale"), [(1, 1.0), (1, 0.25), (3, 0.25)])
def test_a_plane_is_compared_negated_added_and_scaled_in_this_order(
    difference: bool, negated: bool, first: bool, copies: int, scale: float
) -> None:
    answer, before, total = noise(13, 17) * 3 - 1, noise(20, 25, seed=1), noise(13, 17, seed=2)
    value = np.minimum(np.abs(answer - before[4:17, 3:20]), ONE) if difference else answer
    value = ONE - value if negated else value
    expected = value if first else total + value
    expected = (expected + expected) + expected if copies == 3 else expected
    add(answer, before, (4, 3), difference, negated, first, copies, scale, total)
    assert np.array_equal(total, expected * np.float32(scale))


def test_a_total_that_is_part_of_a_larger_plane_is_filled_in_place() -> None:
    plane, answer = np.full((9, 11), 7, np.float32), noise(4, 11)
    add(answer, answer, (0, 0), False, False, True, 1, 1.0, plane[3:7])
    assert np.array_equal(plane[3:7], answer)
    assert (plane[:3] == 7).all()
    assert (plane[7:] == 7).all()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.7, 0.6), (0.2, 0.3), (1.5, -0.5)])
def test_two_planes_are_mixed_by_their_shares_and_kept_in_range(shares: tuple[float, float]) -> None:
    first, second = noise(6, 7) * 2, noise(9, 9, seed=3)
    got = mix(first, second, (2, 1), shares)
    both = np.float32(shares[0]) * first + np.float32(shares[1]) * second[2:8, 1:8]
    assert np.array_equal(got, np.clip(both / np.float32(min(1, sum(shares))), 0, 1))


def test_an_opacity_is_limited_by_a_mask_that_may_be_a_crop() -> None:
    random = np.random.default_rng(3)
    alpha, wide = random.random((9, 13), np.float32), random.random((20, 30), np.float32)
    mask, low, rise = wide[4:13, 7:20], -0.25, 1.25
    limit = np.clip(mask * np.float32(rise) + np.float32(low), 0, 1)
    assert np.array_equal(limit_alpha(alpha, mask, low, rise), np.minimum(alpha, limit))
    assert (limit < alpha).any()
    assert (limit > alpha).any()
