"""The energy that noise has at each level."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.kernels import detail_energy
from imfuse_tiles.options.pyramid_level import Level


def test_the_gains_of_noise_are_those_of_the_pyramid() -> None:

    noise = np.random.default_rng(0).normal(0.5, 0.01, (1, 512, 512)).astype(np.float32)
    for number, gain in enumerate(detail_energy.GAINS[:4]):
        frame = noise.shape[1:]
        level = Level(number, frame, 1.0)
        low = level.reduced_window(Window.whole(noise), Region(0, level.above[0], 0, level.above[1])).data
        energy = detail_energy.energy(noise, low, ((0, 0), (0, 0)), frame, Region(0, frame[0], 0, frame[1]), 1.0)
        assert energy[8:-8, 8:-8].mean() / 1e-4 == pytest.approx(gain, rel=0.12)
        noise = low


def test_hardly_any_noise_is_significant_and_detail_is() -> None:
    random = np.random.default_rng(6)
    squares = random.standard_normal((3, 300, 300), np.float32) ** 2
    noise = np.mean([detail_energy.smooth(plane, detail_energy.taps(1.3, 4)) for plane in squares], axis=0)
    sure = detail_energy.significant(noise, 1.0)
    assert sure.mean() < 0.01
    assert detail_energy.significant(noise + np.float32(3), 1.0).min() > 1


@pytest.mark.parametrize("border", [(4, 0, 0, 4), (0, 4, 4, 0), (4, 4, 4, 4)])
def test_the_edge_is_repeated_where_a_plane_has_no_border(border: tuple[int, int, int, int]) -> None:
    plane, taps = np.random.default_rng(1).random((11, 14), np.float32), detail_energy.taps(1.3, 4)
    padded = np.pad(plane, (border[:2], border[2:]), "edge")
    np.testing.assert_array_equal(detail_energy.smooth(plane, taps, border), detail_energy.smooth(padded, taps))
