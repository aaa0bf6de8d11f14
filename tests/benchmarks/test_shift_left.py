"""The check of what alignment leaves finds known shifts, and leaves out what does not tell of any."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.common_shift import common_shift
from benchmarks.patch_shift import shift_of
from benchmarks.shift_left import PATCH, SAME, SURE, patch_shifts, unmoving


def texture(seed: int = 1) -> np.ndarray:
    """Fine detail; nothing in the lowest third."""
    noise = np.random.default_rng(seed).random((300, 400)).astype(np.float32)
    noise[200:] = 0.5
    return cv2.GaussianBlur(noise, (0, 0), 1) * 2


def test_a_known_shift_is_found() -> None:
    plane = texture()
    moved = cv2.warpAffine(plane, np.array([[1, 0, 0.3], [0, 1, -0.6]]), (400, 300), flags=cv2.INTER_LANCZOS4)
    shifts = patch_shifts(plane, moved)
    assert len(shifts) > 15
    assert np.abs(np.median(shifts[:, 2:], axis=0) - [0.3, -0.6]).max() < 0.02


def test_blurred_patches_and_stripes_do_not_count() -> None:
    plane = texture()
    plane[:, 200:] = cv2.GaussianBlur(plane, (0, 0), 4)[:, 200:]
    assert patch_shifts(plane, plane)[:, 0].max() < 200 + PATCH
    stripes = np.tile(texture()[:1], (PATCH, 1))[:, :PATCH]
    assert shift_of(stripes, stripes + 0.3 * texture(2)[:PATCH, :PATCH], SAME, SURE) is None


def test_what_blurred_frames_have_in_common_is_found_beside_dust() -> None:
    plane = cv2.GaussianBlur(np.random.default_rng(3).random((500, 600)).astype(np.float32), (0, 0), 2.5)
    moved = cv2.warpAffine(plane, np.array([[1, 0, 0.4], [0, 1, -0.3]]), (600, 500), flags=cv2.INTER_LANCZOS4)
    still = np.zeros(plane.shape, bool)
    still[:, :200] = True
    moved[:, :200] = plane[:, :200]
    found = common_shift(plane, cv2.GaussianBlur(moved, (0, 0), 1.5), still)
    assert abs(found.length - 0.5) < 3 * found.error + 0.02
    assert found.error < 0.05
    assert np.isnan(common_shift(plane, texture(4).mean() + 0 * plane, still).length)


def test_what_stays_where_it_is_in_all_frames_is_dust() -> None:
    frames = [texture(seed) for seed in (1, 2, 3)]
    for frame in frames:
        frame[100:200, 100:200] = texture(4)[100:200, 100:200]
    still = unmoving(frames)
    assert still[150, 150]
    assert still[150, 150:].mean() < 0.3
