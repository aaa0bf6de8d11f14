"""A warped window is exactly that part of the warped whole, at any place, and loses next to nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse_tiles.kernels.warp import LOBES, source_region, warp, weights

TURNED = np.array([[1.012, -0.011, 3.37], [0.011, 1.012, -2.81], [0, 0, 1.0]])
TILTED = np.array([[0.98, 0.02, -1.5], [-0.015, 1.01, 2.25], [1e-5, -2e-5, 1.0]])


def picture(height=90, width=131, dtype="uint16", channels=2):
    y, x = np.mgrid[:height, :width]
    planes = np.stack([np.sin(x / (3 + c)) * np.cos(y / (4 - c)) for c in range(channels)])
    values = 0.5 + 0.45 * planes
    return values.astype(dtype) if dtype == "float32" else (values * np.iinfo(dtype).max).astype(dtype)


def window(whole, matrix, region, lobes=LOBES):
    """The region from no more of the frame than it needs."""
    y0, y1, x0, x1 = source_region(matrix, region, whole.shape[1:], lobes)
    return warp(whole[:, y0:y1, x0:x1], (y0, x0), whole.shape[1:], matrix, region, lobes=lobes)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("matrix", [TURNED, TILTED], ids=["similarity", "homography"])
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_window_is_a_part_of_the_whole(data, matrix, dtype):
    whole = picture(dtype=dtype)
    expected, seen = warp(whole, (0, 0), whole.shape[1:], matrix, (0, 90, 0, 131))
    y0, x0 = data.draw(st.integers(0, 89)), data.draw(st.integers(0, 130))
    y1, x1 = data.draw(st.integers(y0 + 1, 90)), data.draw(st.integers(x0 + 1, 131))
    part, part_seen = window(whole, matrix, (y0, y1, x0, x1))
    assert np.array_equal(part, expected[:, y0:y1, x0:x1])
    assert np.array_equal(part_seen, seen[y0:y1, x0:x1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_identity_changes_nothing_and_whole_pixels_only_move(dtype):
    whole = picture(dtype=dtype)
    same, seen = warp(whole, (0, 0), whole.shape[1:], np.eye(3), (0, 90, 0, 131))
    assert np.array_equal(same, whole)
    assert seen.all()
    moved, seen = warp(whole, (0, 0), whole.shape[1:], np.array([[1, 0, 5], [0, 1, -7], [0, 0, 1.0]]), (0, 90, 0, 131))
    assert np.array_equal(moved[:, 7:, :-5], whole[:, :-7, 5:])
    assert seen[7:, :-5].all()
    assert not seen[:7].any()
    assert not seen[:, -5:].any()
    assert np.array_equal(moved[:, 0, :-5], whole[:, 0, 5:]), "the border is repeated"


def test_there_and_back_is_close():
    whole = picture(240, 320, "uint16", 1)
    there, _ = warp(whole, (0, 0), (240, 320), TURNED, (0, 240, 0, 320))
    back, _ = warp(there, (0, 0), (240, 320), np.linalg.inv(TURNED), (0, 240, 0, 320))
    inner = (slice(None), slice(20, -20), slice(20, -20))
    error = (back[inner].astype(float) - whole[inner]) / 65535
    assert -10 * np.log10((error**2).mean()) > 60


@pytest.mark.parametrize("corner", [(40000, 50000), (2**31 + 7, 2**31 + 11)])
def test_far_from_the_origin_as_near_it(corner):
    """Sides beyond 32767, and beyond what a 32-bit number counts, with the window alone in memory."""
    y, x = corner
    frame, part = (y + 90, x + 131), picture()
    matrix = np.array([[1, 0, 0.25], [0, 1, -0.5], [0, 0, 1.0]])
    region = (y + 10, y + 60, x + 10, x + 100)
    far, seen = warp(part, (y, x), frame, matrix, region)
    near, _ = warp(part, (0, 0), (90, 131), matrix, (10, 60, 10, 100))
    assert seen.all()
    assert np.array_equal(far, near)


def test_where_nothing_is_seen_the_border_is_repeated():
    whole, away = picture(), np.array([[1, 0, 1000], [0, 1, 0], [0, 0, 1.0]])
    out, seen = window(whole, away, (0, 50, 0, 50))
    assert not seen.any()
    assert np.array_equal(out, np.repeat(whole[:, :50, -1:], 50, axis=2))


def test_channels_are_multiplied_by_their_gains_before_they_are_rounded():
    whole = picture(dtype="uint16")
    out, _ = warp(whole, (0, 0), whole.shape[1:], np.eye(3), (0, 90, 0, 131), np.array([1.25, 0.5], np.float32))
    exact = whole * np.array([1.25, 0.5])[:, None, None]
    assert np.abs(out - np.minimum(exact, 65535)).max() <= 0.5


def test_a_constant_stays_constant_and_weights_sum_to_one():
    flat = np.full((1, 40, 40), 255, np.uint8)
    out, seen = warp(flat, (0, 0), (40, 40), TURNED, (0, 40, 0, 40))
    assert (out[0][seen] == 255).all()
    assert np.abs(weights(LOBES).sum(axis=1) - 1).max() < 1e-6
