"""Noise of the sensor has the asked strength; noise that scenes are made of is the same in any window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rendered import read

from imfuse_tiles.simulation import render
from imfuse_tiles.simulation.noise import chance, chances, octaves


def test_noise_has_the_asked_strength_and_spares_the_truth(tmp_path: Path) -> None:
    clean, noisy = (render(tmp_path / str(sd), 256, 256, 1, seed=2, noise=sd) for sd in (0.0, 0.02))
    assert (clean / "truth.tif").read_bytes() == (noisy / "truth.tif").read_bytes()
    difference = read(noisy, "slice_0000") / 65535 - read(clean, "slice_0000") / 65535
    inside = (read(clean, "slice_0000") > 8000) & (read(clean, "slice_0000") < 57000)
    assert difference[inside].std() == pytest.approx(0.02, rel=0.02)
    assert abs(difference[inside].mean()) < 5e-4


def test_lattice_chances_are_even_and_the_same_one_by_one() -> None:
    y, x = (i.ravel() for i in np.indices((60, 60)) - 30)
    values = chances(77, x, y)
    assert [chance(77, int(i), int(j)) for i, j in zip(x[:50], y[:50], strict=True)] == values[:50].tolist()
    assert abs(values.mean() - 0.5) < 0.02
    assert values.std() == pytest.approx(12**-0.5, rel=0.03)


def test_procedural_noise_of_a_window_is_the_crop_of_the_whole() -> None:
    amplitudes = np.array([0.5, 0.0, 0.5, 0.3, 0.2, 1.0], np.float32)
    whole = octaves(-70, -50, 160, 190, 9, amplitudes)
    assert np.array_equal(octaves(-33, 7, 41, 53, 9, amplitudes), whole[57:98, 37:90])
