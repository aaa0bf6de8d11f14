"""The simulated stacks: the same bytes however they are made, sharp where they should be, known misalignment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from program import contents
from rendered import HEIGHT, SLICES, WIDTH, read

from imfuse_tiles.simulation import discs, layers, lens, render, score
from imfuse_tiles.simulation.stack import Stack

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "simulation.bodies",
    "simulation.discs",
    "simulation.hairs",
    "simulation.layers",
    "simulation.lens",
    "simulation.paint",
    "simulation.render",
    "simulation.scene",
)


def test_a_stack_has_slices_truth_depth_and_transforms(aligned: Path) -> None:
    names = [f"slice_{n:04d}.tif" for n in range(SLICES)]
    assert sorted(contents(aligned)) == ["depth.tif", *names, "transforms.json", "truth.tif"]
    for name in ("slice_0000", "slice_0005", "truth"):
        assert read(aligned, name).shape == (HEIGHT, WIDTH, 3)
        assert read(aligned, name).dtype == np.uint16
    with tifffile.TiffFile(aligned / "truth.tif") as tiff:
        assert tiff.pages[0].tile == (512, 512)
        assert tiff.pages[0].compression == 1
    assert read(aligned, "depth").dtype == np.uint16
    assert np.ptp(read(aligned, "depth")) > 40000


@pytest.mark.parametrize(("tile", "workers"), [(64, 2), (97, 3), (1000, 1)])
@pytest.mark.parametrize("misaligned", [False, True])
def test_the_bytes_do_not_depend_on_windows_or_workers(
    tmp_path: Path, aligned: Path, moved: Path, tile: int, workers: int, misaligned: bool
) -> None:
    again = render(tmp_path / "b", WIDTH, HEIGHT, SLICES, seed=5, misalign=misaligned, tile=tile, workers=workers)
    assert contents(again) == contents(moved if misaligned else aligned)


def test_noisy_stacks_of_more_than_one_file_tile_are_the_same_in_any_windows(tmp_path: Path) -> None:
    one, two = (
        render(tmp_path / str(tile), 700, 530, 2, seed=1, bits=8, noise=0.01, misalign=True, tile=tile)
        for tile in (512, 210)
    )
    assert contents(one) == contents(two)


def test_many_slices_are_the_same_as_few_at_a_time() -> None:
    stack = Stack(200, 150, 40, 3)
    whole = dict(stack.window((0, 0, 200, 150)))
    part = dict(stack.window((64, 32, 101, 85)))
    assert list(whole) == ["depth", "truth", *range(40)]
    assert all(np.array_equal(whole[name][32:85, 64:101], part[name]) for name in whole)


def test_another_seed_is_another_picture(tmp_path: Path, aligned: Path) -> None:
    other = render(tmp_path / "b", WIDTH, HEIGHT, 1, seed=6)
    assert score(read(other, "truth"), read(aligned, "truth"))["psnr"] < 25


def test_each_depth_is_sharpest_in_its_slice(aligned: Path) -> None:
    depth = read(aligned, "depth") / 65535 * (SLICES - 1)
    energy = []
    for n in range(SLICES):
        grey = read(aligned, f"slice_{n:04d}").astype(np.float32).mean(axis=2)
        energy.append(cv2.boxFilter(cv2.Laplacian(grey, cv2.CV_32F) ** 2, -1, (5, 5)))
    for n in range(SLICES):
        # away from the bands of the neighbours, inside one surface
        band = cv2.erode((abs(depth - n) < 0.4).astype(np.uint8), np.ones((9, 9))) > 0
        if band.sum() > 200:
            assert int(np.argmax([e[band].mean() for e in energy])) == n
    winner = np.argmax(energy, axis=0)
    sure = np.max(energy, axis=0) > np.percentile(np.max(energy, axis=0), 50)
    assert np.mean(abs(winner - depth)[sure] < 1) > 0.85


def test_no_slice_is_the_truth_but_each_pixel_is_true_somewhere(aligned: Path) -> None:
    truth = read(aligned, "truth")
    slices = [read(aligned, f"slice_{n:04d}") for n in range(SLICES)]
    alone = [score(s, truth) for s in slices]
    assert all(20 < s["psnr"] < 30 and s["sharpness"] < 0.5 for s in alone)
    nearest = np.clip(np.round(read(aligned, "depth") / 65535 * (SLICES - 1)), 0, SLICES - 1).astype(int)
    picked = np.take_along_axis(np.stack(slices), nearest[None, :, :, None], axis=0)[0]
    assert score(picked, truth)["psnr"] > max(s["psnr"] for s in alone) + 2
    assert 0.65 < score(picked, truth)["sharpness"] < 1.05


def test_the_lens_spreads_light_and_loses_next_to_none(aligned: Path) -> None:
    """Only highlights, cut off at full scale in the truth, spread more than is seen there."""
    truth = (read(aligned, "truth") / 65535) ** 2
    for n in range(SLICES):
        light = (read(aligned, f"slice_{n:04d}") / 65535) ** 2
        assert 0.97 < light.mean() / truth.mean() < 1.08


def test_a_point_becomes_a_disc_of_even_light() -> None:
    decks = np.zeros((1, 6, 2 * discs.HALO + 31, 2 * discs.HALO + 31), np.float32)
    decks[0, :3, discs.HALO + 15, discs.HALO + 15] = 3.0
    decks[0, 3:, discs.HALO + 15, discs.HALO + 15] = 1.0
    for radius in (0.0, 0.3, 1.0, 3.0, 7.5, 10.0):
        spot = lens.expose(decks, discs.pixel_discs(np.full(layers.BINS, radius))[None])[0, :, :, 0]
        assert spot.sum() == pytest.approx(3.0, rel=1e-4)
        y, x = np.indices(spot.shape) - 15
        far = np.hypot(x, y)
        assert spot[far > np.hypot(radius, 0.5) + 0.9].max() == 0
        even = spot[far < radius - 1.4]
        assert not even.size or np.ptp(even) < 1e-6 * 3
        if radius >= 3:
            blur = radius**2 / (radius + 0.5)
            assert np.sqrt((spot * far**2).sum() / 3) == pytest.approx(blur / np.sqrt(2), rel=0.06)
    assert lens.expose(decks, discs.pixel_discs(np.zeros(layers.BINS))[None])[0, 15, 15, 0] == 3.0


def test_a_blurred_edge_in_front_lets_half_of_the_ground_through() -> None:
    size = 2 * discs.HALO + 40
    decks = np.zeros((2, 6, size, size), np.float32)
    decks[0, [1, 3, 4, 5]] = 1.0
    decks[1, [0, 3], :, : size // 2] = 1.0
    tables = discs.pixel_discs(np.linspace(8, 0, layers.BINS))[None]
    edge = lens.expose(decks, tables)[0, 20]
    assert edge[2] == pytest.approx([1, 0, 0])
    assert edge[-2] == pytest.approx([0, 1, 0])
    assert edge[19:21].mean(axis=0) == pytest.approx([0.5, 0.5, 0], abs=0.01)
    assert edge.sum(axis=1) == pytest.approx(1)


def test_the_smallest_stack_is_one_pixel(tmp_path: Path) -> None:
    render(tmp_path / "x", 1, 1, 1, misalign=True)
    assert read(tmp_path / "x", "truth").shape == (1, 1, 3)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_picture(tmp_path: Path) -> None:
    code = (
        "import sys; from imfuse_tiles.cli.peak_memory import own_peak; from imfuse_tiles.simulation import render\n"
        "side = int(sys.argv[2]); render(sys.argv[1], side, side, 2, workers=2)\n"
        "print(own_peak() >> 20)"
    )
    peaks = []
    for side in (1500, 6000):
        command = [sys.executable, "-c", code, str(tmp_path / str(side)), str(side)]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    assert peaks[1] < 500
    assert peaks[1] < peaks[0] * 1.2
