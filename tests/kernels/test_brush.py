"""A brush covers by distance: full inside, nothing outside, the same in every window."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels.brush import coverage, passes


@pytest.mark.parametrize("softness", [0.0, 0.3, 1.0])
def test_a_dab_is_a_disc_with_an_edge(softness: float) -> None:
    found = coverage([(50.0, 40.0)], 20.0, softness, (0, 0), (90, 100))
    y, x = np.mgrid[:90, :100] + 0.5
    distance = np.hypot(x - 50, y - 40)
    assert np.all(found[distance >= 20] == 0)
    assert np.all(found[distance < 20 * (1 - softness) - 1e-9] == 1)
    assert np.all(np.diff(found[np.unravel_index(np.argsort(distance, axis=None), distance.shape)]) <= 1e-9)


@pytest.mark.parametrize("points", [[(10.0, 12.0), (70.0, 30.0)], [(5.0, 5.0), (5.0, 5.0)],
                                    [(-20.0, 10.0), (40.5, 60.0), (90.0, -8.0)]])  # fmt: skip
def test_every_window_has_the_same_values(points: list[tuple[float, float]]) -> None:
    whole = coverage(points, 9.0, 0.6, (0, 0), (80, 90))
    for y in range(0, 80, 17):
        for x in range(0, 90, 23):
            part = coverage(points, 9.0, 0.6, (y, x), (17, 23))
            assert np.array_equal(part[: 80 - y, : 90 - x], whole[y : y + 17, x : x + 23])


def test_a_line_is_covered_from_end_to_end() -> None:
    found = coverage([(10.0, 20.0), (60.0, 20.0)], 5.0, 0.0, (0, 0), (40, 80))
    assert found[20, 6:64].min() == 1
    assert found.sum() == pytest.approx(10 * 50 + np.pi * 25, rel=0.05)


@pytest.mark.parametrize("points", [[(30.0, 25.0)], [(10.0, 12.0), (70.0, 30.0)], [(-40.0, -40.0), (130.0, 120.0)],
                                    [(5.0, 60.0), (5.0, 60.0)], [(20.0, -10.0), (20.0, 95.0)],
                                    [(0.0, 0.0), (90.0, 0.0), (90.0, 80.0)]])  # fmt: skip
@pytest.mark.parametrize("radius", [1.0, 6.5])
def test_a_line_passes_the_windows_that_it_covers_and_no_far_ones(
    points: list[tuple[float, float]], radius: float
) -> None:
    whole = coverage(points, radius, 0.0, (0, 0), (80, 90))
    wider = coverage(points, 1.5 * (radius + 2), 0.0, (0, 0), (80, 90))
    for y in range(0, 80, 8):
        for x in range(0, 90, 9):
            passed = passes(points, radius + 1, (y, y + 8, x, x + 9))
            assert passed >= whole[y : y + 8, x : x + 9].any()
            assert passed <= wider[y : y + 8, x : x + 9].any()
