"""Energies counted in patches are those of the whole frame there, at its borders, too."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.options.pyramid_level import Level

PATCHES = ((0, 24, 0, 20), (16, 40, 30, 54), (40, 61, 47, 71), (3, 9, 66, 71))


@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255.0), ("uint16", 65535.0), ("float32", 1.0)])
@pytest.mark.parametrize("size", [(61, 71), (62, 72)])
def test_patches_count_what_the_whole_frame_has(dtype: str, full: float, size: tuple[int, int]) -> None:
    samples = (np.random.default_rng(3).random((3, *size)) * full).astype(dtype)
    level, whole = Level(0, size, full), Region(0, size[0], 0, size[1])
    low = level.reduced_window(Window.whole(samples), Region(0, level.above[0], 0, level.above[1]))
    detail = kernels.detail_energy.energy(samples, low.data, ((0, 0), (0, 0)), size, whole, full)
    mean = Window.whole(detail).filtered(kernels.detail_energy.box, Halo.uniform(2)).data
    expected = sum(kernels.detail_energy.histogram(mean[y0:y1:2, x0:x1:2]) for y0, y1, x0, x1 in PATCHES)
    found = kernels.noise_patches.count_energies(samples, (0, 0), size, np.array(PATCHES), full)
    np.testing.assert_array_equal(found, expected)


def test_a_part_of_a_frame_is_enough() -> None:
    size, patch = (90, 80), Region(30, 62, 20, 52)
    samples = np.random.default_rng(4).integers(0, 256, (3, *size), np.uint8)
    around = patch.with_halo(Halo.uniform(6), size)
    part = samples[(slice(None), *around.slices_in(Region(0, 90, 0, 80)))]
    places = np.array([patch])
    whole = kernels.noise_patches.count_energies(samples, (0, 0), size, places, 255)
    assert whole.sum() == 16 * 16
    np.testing.assert_array_equal(
        kernels.noise_patches.count_energies(part, (around.y0, around.x0), size, places, 255), whole
    )
