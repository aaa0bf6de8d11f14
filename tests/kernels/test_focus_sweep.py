"""The order of a sweep of focus is found again, and frames that are not sharp are seen."""

from __future__ import annotations

import cv2
import numpy as np

from imfuse_tiles.kernels import focus_sweep
from tests.kernels.misaligned import registered, simulated


def sharpness(frames: list[np.ndarray]) -> np.ndarray:
    found = registered(frames)
    assert len(found.group) == len(frames)
    return focus_sweep.laid_over(found.registration.maps, found.transforms, found.registration.map_factor)


def test_the_order_of_focus_is_found_again() -> None:
    frames, _ = simulated(900, 600, 12, 11)
    assert focus_sweep.sweep_order(sharpness(frames)) == list(range(12))
    mixed = [int(n) for n in np.random.default_rng(1).permutation(12)]
    order = [mixed[n] for n in focus_sweep.sweep_order(sharpness([frames[n] for n in mixed]))]
    assert order in (list(range(12)), list(range(11, -1, -1)))


def test_a_frame_out_of_order_is_named() -> None:
    frames, _ = simulated(900, 600, 12, 11)
    order = focus_sweep.sweep_order(sharpness([frames[n] for n in (0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 11)]))
    assert focus_sweep.out_of_order(order) == [10]
    assert focus_sweep.out_of_order(list(range(12))) == []
    assert focus_sweep.out_of_order([1, 0, 2, 4, 3]) == []


def test_a_blurred_frame_is_seen_and_no_other() -> None:
    frames, _ = simulated(900, 600, 12, 11)
    assert focus_sweep.blurred_frames(sharpness(frames)) == []
    spoiled = [*frames[:5], cv2.GaussianBlur(frames[5], (0, 0), 4), *frames[6:]]
    assert focus_sweep.blurred_frames(sharpness(spoiled)) == [5]


def test_frames_that_are_all_alike_keep_their_order() -> None:
    flat = np.ones((4, 30))
    assert focus_sweep.sweep_order(flat) == [0, 1, 2, 3]
    assert (focus_sweep.sharp_share(flat) == 1).all()


def test_the_given_order_stays_where_it_leads_by_smaller_steps() -> None:
    for seed in range(20):
        maps = np.exp(np.cumsum(np.random.default_rng(seed).normal(size=(8, 40)), axis=0))
        levels = np.log(maps)

        def way(order: list[int], levels: np.ndarray = levels) -> float:
            return float(np.linalg.norm(np.diff(levels[order], axis=0), axis=1).sum())

        order = focus_sweep.sweep_order(maps)
        assert order == list(range(8)) or way(order) < 1.1 * way(list(range(8)))


def test_the_longest_rise() -> None:
    assert focus_sweep.longest_rise([0, 5, 1, 2, 3]) == {0, 2, 3, 4}
    assert focus_sweep.longest_rise([]) == set()


def test_a_frame_is_not_blurred_that_is_sharpest_in_few_cells_but_no_weaker_than_its_neighbours() -> None:
    front, back = np.linspace(4, 1, 40), np.linspace(1, 4, 40)
    maps = np.stack([front, np.maximum(front, back) * 0.78, back])
    assert focus_sweep.sharp_share(maps)[1] < 0.1
    assert focus_sweep.blurred_frames(maps) == []
    maps[1] *= 0.5
    assert focus_sweep.blurred_frames(maps) == [1]
