"""Known transforms are found, and frames that do not belong to the others are named instead of moved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.quality.scenes import rendered
from imfuse_tiles.kernels import registration
from imfuse_tiles.kernels.registration import Registration
from imfuse_tiles.kernels.registration_matrices import distance, step
from imfuse_tiles.kernels.registration_pyramid import pyramid, reduce_rows
from imfuse_tiles.kernels.registration_result import Comparisons, Result
from imfuse_tiles.kernels.registration_solve import Link, chained, inverse
from imfuse_tiles.kernels.registration_warp import warp_block, warp_plane
from tests.kernels.misaligned import corner_errors, registered, simulated

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "kernels.registration_pyramid",
    "kernels.registration_blocks",
    "kernels.registration_warp",
    "kernels.registration_match",
    "kernels.registration_result",
    "kernels.registration_pairs",
    "kernels.registration_steps",
    "kernels.registration_solve",
    "kernels.registration_fit",
    "kernels.registration_matrices",
    "kernels.registration_places",
)

SIZE = (480, 320)


def eight() -> list[np.ndarray]:
    return list(simulated(*SIZE, 8, 3)[0])


@pytest.mark.parametrize("seed", [11, 21])
def test_known_transforms_are_found(seed: int) -> None:
    frames, truth = simulated(900, 600, 12, seed)
    found = registered(frames)
    errors = np.delete(corner_errors(found.transforms, truth, 900, 600), 6)
    assert np.median(errors) <= 0.07
    assert errors.max() <= 0.15
    assert found.group == frozenset(range(12))
    assert not any(found.warnings(n) or found.trouble(n) for n in range(12))


def test_frames_that_lie_well_stay_where_they_are() -> None:
    frames, _ = simulated(900, 600, 12, 12, False)
    found = registered(frames)
    assert max(found.move(n) for n in range(12)) < 0.2


@pytest.mark.parametrize("seed", [20, 45])
@pytest.mark.parametrize("shift", [0.0, 6.0])
def test_a_near_and_a_far_picture_are_believed_no_more_than_what_blur_covers_lets_them(seed: int, shift: float) -> None:
    near, far = (np.float32(picture.mean(axis=2)) for picture in rendered("pair", seed, 2).slices)
    truth = np.array([[1, 0, shift], [0, 1, 0], [0, 0, 1]])
    found = registered([near, cv2.warpPerspective(far, truth, far.shape[::-1], borderMode=cv2.BORDER_REFLECT)])
    error = distance(found.transforms[1] @ inverse(found.transforms[0]), truth, *far.shape[::-1])
    assert error < 3 * max(found.residual(0), found.residual(1))
    assert (max(found.move(0), found.move(1)) > 4 * max(found.residual(0), found.residual(1))) == bool(shift)


def test_a_hundred_frames_do_not_drift() -> None:
    frames, truth = simulated(600, 400, 100, 14)
    errors = np.delete(corner_errors(registered(frames).transforms, truth, 600, 400), 50)
    assert np.median(errors) <= 0.05
    assert errors.max() <= 0.2


@pytest.mark.parametrize("bend", [0.0, 1e-5])
def test_a_block_is_resampled_as_a_whole_window(bend: float) -> None:
    source = np.random.default_rng(2).random((60, 70), np.float32)
    source[20, 30] = np.nan
    matrix = np.array([[1.002, 0.004, 3.3], [-0.004, 1.002, -2.6], [bend, 0, 1]])
    window, block = np.empty((60, 70), np.float32), np.empty((18, 18), np.float32)
    warp_plane(source, 0, 0, matrix, 0, 0, window)
    for y0, x0 in ((0, 0), (20, 40), (12, 18), (42, 52)):
        warp_block(source, 0, 0, matrix, x0, y0, block)
        there = window[y0 : y0 + 18, x0 : x0 + 18]
        assert np.array_equal(np.isnan(block), np.isnan(there))
        assert np.nanmax(np.abs(block - there)) < 2e-5
    assert np.isnan(window[12:30, 18:36]).any()


def test_rows_are_reduced_to_means_of_light() -> None:
    rows = np.random.default_rng(3).integers(0, 65536, (3, 8, 12)).astype(np.uint16)
    for squared in (False, True):
        light = (rows / 65535) ** (2 if squared else 1)
        out, whole = np.empty((4, 6), np.float32), np.empty((8, 12), np.uint16)
        reduce_rows(rows, 1 / 65535, 2, squared, 1.0, out)
        assert out == pytest.approx(light.reshape(3, 4, 2, 6, 2).mean(axis=(0, 2, 4)), abs=1e-6)
        reduce_rows(rows, 1 / 65535, 1, squared, 65535.0, whole)
        assert np.abs(whole - 65535 * light.mean(axis=0)).max() <= 1.01


@pytest.mark.parametrize("shift", [(0, 60), (90, 200), (-70, -150)])
def test_large_shifts_are_found(shift: tuple[int, int]) -> None:
    frames, truth = eight(), list(simulated(*SIZE, 8, 3)[1])
    frames[3] = np.roll(frames[3], shift, (0, 1))
    truth[3] = np.array([[1, 0, shift[1]], [0, 1, shift[0]], [0, 0, 1.0]]) @ truth[3]
    found = registered(frames)
    assert found.group == frozenset(range(8))
    assert corner_errors(found.transforms, truth, *SIZE)[3] < 0.7


BAD = {
    "constant": (lambda frame: np.full_like(frame, 0.5), "is constant"),
    "mirrored": (lambda frame: frame[:, ::-1], "is a mirror image of the others"),
    "upside down": (lambda frame: frame[::-1], "is a mirror image of the others"),
    "noise": (lambda frame: np.random.default_rng(0).random(frame.shape), "shows nothing of the other frames"),
    "other scene": (lambda frame: simulated(*SIZE, 8, 77)[0][3], "shows nothing of the other frames"),
}


@pytest.mark.parametrize("number", [0, 3, 4, 7])
@pytest.mark.parametrize("kind", BAD)
def test_bad_frames_are_named_and_do_not_move_the_others(kind: str, number: int) -> None:
    frames, truth = eight(), simulated(*SIZE, 8, 3)[1]
    spoil, trouble = BAD[kind]
    frames[number] = spoil(frames[number])
    found = registered(frames)
    assert {n: found.trouble(n) for n in range(8) if found.trouble(n)} == {number: trouble}
    assert np.array_equal(found.transforms[number], np.eye(3))
    base = inverse(truth[found.reference])
    errors = corner_errors(found.transforms, [matrix @ base for matrix in truth], *SIZE)
    assert np.delete(errors, number).max() < 0.7


def test_frames_without_anything_in_common_stay() -> None:
    frames = [np.random.default_rng(n).random(SIZE[::-1]).astype(np.float32) for n in range(4)]
    found = registered(frames)
    assert all(np.array_equal(matrix, np.eye(3)) for matrix in found.transforms)
    assert len(found.group) == 1


def test_what_moves_between_frames_is_told() -> None:
    frames = eight()
    for n in range(4, 8):
        frames[n] = frames[n].copy()
        frames[n][100:200, 150:300] = frames[n][103:203, 158:308].copy()
    found = registered(frames)
    assert [n for n in range(8) if any("moved" in text for text in found.warnings(n))] == [4]


@pytest.mark.parametrize("odd", [0, 3, 7])
@pytest.mark.parametrize("shift", [5, 40])
def test_a_frame_in_which_alone_something_moved_is_found_however_far(shift: int, odd: int) -> None:
    frames, _ = simulated(480, 320, 8, 11)
    frames = list(frames)
    moved = frames[odd].copy()
    moved[100:220, 160:300] = frames[odd][100:220, 160 - shift : 300 - shift]
    frames[odd] = moved
    assert registered(frames).registration.moved == [odd]


def test_what_moved_and_stays_there_makes_no_frame_odd() -> None:
    frames, _ = simulated(480, 320, 8, 11)
    frames = [frame.copy() for frame in frames]
    for frame in frames[4:]:
        frame[100:220, 160:300] = frame[100:220, 130:270].copy()
    found = registered(frames)
    assert found.registration.moved == []
    assert [n for n in range(8) if any("moved" in text for text in found.warnings(n))] == [4]


def test_frames_that_no_transform_lays_over_the_others_are_told_and_stay() -> None:
    frames = eight()
    y, x = np.mgrid[:320, :480].astype(np.float32)
    for n in range(5, 8):
        there = (x + 5 * n * np.sin(y / 25), y + 5 * n * np.cos(x / 30))
        frames[n] = cv2.remap(frames[n], *there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    found = registered(frames)
    told = [n for n in range(8) if any("cannot be laid over" in text for text in found.warnings(n))]
    assert told == [5, 6, 7]
    assert not any(found.trouble(n) for n in range(8))
    assert all(np.array_equal(found.transforms[n], np.eye(3)) for n in told)


def test_blur_and_exposure_hardly_matter() -> None:
    frames, truth = eight(), simulated(*SIZE, 8, 3)[1]
    plain = corner_errors(registered(frames).transforms, truth, *SIZE)
    frames[5] = np.clip(cv2.GaussianBlur(frames[5], (0, 0), 2) * 1.4, 0, 1)
    assert (corner_errors(registered(frames).transforms, truth, *SIZE) < plain + 0.15).all()


@pytest.mark.parametrize("model", ["affine", "homography"])
def test_richer_models_are_found(model: str) -> None:
    frames, truth = eight(), list(simulated(*SIZE, 8, 3)[1])
    numbers = np.array([1.0, -2.0, 2.5, -1.0, 1.5, -2.0, 0.0, 0.0])
    if model == "homography":
        numbers[6:] = 1.5, -1.0
    bent = step(numbers, *SIZE)
    for n in range(5, 8):
        grey = cv2.warpPerspective(frames[n], bent, SIZE, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
        frames[n] = np.where(grey == 0, frames[n], grey)
        truth[n] = inverse(bent) @ truth[n]
    errors = corner_errors(registered(frames, model).transforms, truth, *SIZE)
    assert errors[5:].max() < 1.2
    assert errors[5:].max() < 0.4 * corner_errors(registered(frames).transforms, truth, *SIZE)[5:].max()


def test_expected_errors_add_up_from_frame_to_frame() -> None:
    links = [Link(0, 1, np.eye(3), 0.1), Link(1, 2, np.eye(3), 0.2), Link(2, 3, np.eye(3), 0.4)]
    assert chained(4, links, 1)[1] == pytest.approx([0.1, 0.0, 0.2, 0.6])


def test_far_frames_are_believed_as_far_as_they_are_alike() -> None:
    grey = eight()[4]
    blurred = cv2.GaussianBlur(grey, (0, 0), 10)
    count = registration.SHORT + 1
    hop = min(hop for hop in registration.hops(count) if hop > registration.BRIDGE)
    deviations = []
    for last in (grey, blurred):
        found = Registration(*SIZE, count, "similarity")
        for frame in [grey] * hop + [last]:
            found.add(pyramid(frame))
        deviations += [link.deviation for link in found.links if link.second - link.first == hop]
    assert deviations[0] < 0.1
    assert deviations[1] > 4 * deviations[0]


def test_small_highlights_make_no_holes_of_coarse_levels() -> None:
    """Frames of hundreds of megapixels have a clipped highlight within every pixel of a coarse level."""
    grey = np.full((512, 512), 0.25, np.float32)
    grey[5::16, 5::16] = 1
    levels = pyramid(grey)
    assert np.isnan(levels[0].plane).any()
    assert np.array_equal(levels[-1].plane, np.full((32, 32), 0.25, np.float32))
    grey[128:384] = 1  # what is clipped by half stays unknown
    assert np.isnan(pyramid(grey)[-1].plane[8:24]).all()


def test_doubt_spreads_to_the_frames_next_to_one_in_doubt() -> None:
    errors = [0.45, 0.1, 0.0, 0.2, 0.35, 0.6, 0.4, 0.2]
    found = Result(Comparisons(600, 400, 8), 2, frozenset(range(8)), [np.eye(3)] * 8, [], [], errors)
    assert found.in_doubt == {4, 5, 6}
    assert [n for n in range(8) if found.warnings(n)] == [4, 5, 6]
