"""The simulated stacks: the same bytes however they are made, sharp where they should be, known misalignment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.simulation import discs, layers, lens, misalign, render, score
from imfuse_tiles.simulation.noise import chance, chances, octaves
from imfuse_tiles.simulation.stack import Stack
from imfuse_tiles.storage.only_writer import only_writer

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "storage.only_writer",
    "simulation.bodies",
    "simulation.files",
    "simulation.discs",
    "simulation.hairs",
    "simulation.layers",
    "simulation.lens",
    "simulation.misalign",
    "simulation.noise",
    "simulation.paint",
    "simulation.render",
    "simulation.scene",
    "simulation.score",
    "simulation.stack",
)

WIDTH, HEIGHT, SLICES = 420, 300, 6


def read(folder: Path, name: str) -> np.ndarray:
    return tifffile.imread(folder / f"{name}.tif")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("stack") / "a", WIDTH, HEIGHT, SLICES, seed=5)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("stack") / "m", WIDTH, HEIGHT, SLICES, seed=5, misalign=True)


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


def test_transforms_undo_the_misalignment(aligned: Path, moved: Path) -> None:
    notes = json.loads((moved / "transforms.json").read_text())
    assert notes["misalign"] is True
    for n, note in enumerate(notes["slices"]):
        picture = read(moved, note["file"][:-4]).astype(np.float32) / 65535
        # truth position -> slice position: what OpenCV's warp calls the inverse map
        matrix = np.array(note["truth_to_slice"])
        straight = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP)
        straight = np.clip(straight / np.sqrt(note["gain"]), 0, 1)
        inner = (slice(20, -20), slice(20, -20))
        there = read(aligned, f"slice_{n:04d}").astype(np.float32) / 65535
        straightened = score(straight[inner], there[inner])["psnr"]
        assert straightened > 34
        if n != SLICES // 2:
            assert score(picture[inner], there[inner])["psnr"] < straightened - 6
        both = np.vstack([note["slice_to_truth"], [0, 0, 1]]) @ np.vstack([matrix, [0, 0, 1]])
        assert np.allclose(both, np.eye(3))
        built = misalign.Transform(note["scale"], note["degrees"], note["shift"][0], note["shift"][1], note["gain"])
        assert np.allclose(built.matrix(WIDTH, HEIGHT), note["slice_to_truth"])


def test_the_middle_slice_stays_and_the_others_breathe(aligned: Path, moved: Path) -> None:
    middle = f"slice_{SLICES // 2:04d}.tif"
    assert (aligned / middle).read_bytes() == (moved / middle).read_bytes()
    assert (aligned / "truth.tif").read_bytes() == (moved / "truth.tif").read_bytes()
    moves = [m for m in misalign.wander(20, 1, 1000, 800)]
    scales = [m.scale for m in moves]
    assert 0.025 < max(scales) - min(scales) < 0.035
    assert moves[10] == misalign.Transform()
    assert any(m.gain != 1 for m in moves)


def test_light_and_white_balance_drift_as_asked_for_and_nothing_else_does(tmp_path: Path, aligned: Path) -> None:
    drifted = render(tmp_path, WIDTH, HEIGHT, SLICES, seed=5, drift=0.3)
    notes = json.loads((drifted / "transforms.json").read_text())
    assert (notes["drift"], notes["misalign"]) == (0.3, False)
    for n, (note, frame) in enumerate(zip(notes["slices"], notes["frames"], strict=True)):
        one, other = (read(folder, f"slice_{n:04d}").astype(float) for folder in (aligned, drifted))
        free = (other < 65000) & (one > 3000)
        gains = [np.median((other / one)[..., c][free[..., c]]) for c in range(3)]
        assert np.allclose(gains, np.sqrt(note["gain"] * np.array(note["tint"])), atol=2e-3)
        assert np.allclose(frame["gains"] or [1, 1, 1], 1 / np.array(gains), atol=2e-3)
        assert frame["matrix"] == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert notes["slices"][-1]["gain"] - notes["slices"][0]["gain"] == pytest.approx(0.3)


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


def test_scores_of_known_pictures() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((600, 90, 3))
    assert score(truth, truth) == {"psnr": np.inf, "sharpness": 1.0, "coverage": 1.0}
    assert score(truth + 0.01, truth)["psnr"] == pytest.approx(40)
    assert score(0.5 * truth, truth)["sharpness"] == pytest.approx(0.25)
    assert score((truth * 65535 + 0.5).astype(np.uint16), truth)["psnr"] > 96
    luma = truth @ [0.299, 0.587, 0.114]
    energy = (np.diff(luma, axis=0) ** 2).sum() + (np.diff(luma, axis=1) ** 2).sum()
    blurred = cv2.blur(truth, (3, 3))
    luma = blurred @ [0.299, 0.587, 0.114]
    expected = ((np.diff(luma, axis=0) ** 2).sum() + (np.diff(luma, axis=1) ** 2).sum()) / energy
    assert score(blurred, truth)["sharpness"] == pytest.approx(expected)


def test_scores_leave_out_transparent_pixels() -> None:
    truth = np.random.default_rng(0).random((40, 50, 3))
    result = np.dstack([truth, np.ones((40, 50))])
    result[:, :10] = 0
    assert score(result, truth) == {"psnr": np.inf, "sharpness": 1.0, "coverage": 0.8}
    with pytest.raises(ValueError, match="cannot be compared"):
        score(truth[:-1], truth)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"height": -3},
        {"slices": 0},
        {"bits": 12},
        {"noise": 1.5},
        {"seed": -1},
        {"workers": 0},
        {"tile": 4},
        {"width": 10.5},
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_written(tmp_path: Path, wrong: dict[str, float]) -> None:
    arguments: dict[str, object] = {"width": 32, "height": 32, "slices": 1, "seed": 0, **wrong}
    with pytest.raises(Refusal, match=next(iter(wrong))):
        render(tmp_path / "x", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_a_stack_too_large_for_the_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="free"):
        render(tmp_path / "x", 1_000_000, 1_000_000, 10)
    assert not (tmp_path / "x").exists()


def test_two_renderings_never_write_into_the_same_folder(tmp_path: Path) -> None:
    with only_writer(tmp_path, ""), pytest.raises(AlreadyExists, match="another program renders"):
        render(tmp_path, 40, 30, 2, force=True)
    assert list(tmp_path.iterdir()) == []
    render(tmp_path, 40, 30, 2)


def test_a_stack_is_replaced_only_by_force(tmp_path: Path) -> None:
    render(tmp_path, 40, 30, 3)
    with pytest.raises(AlreadyExists, match="slice_0000"):
        render(tmp_path, 40, 30, 2)
    render(tmp_path, 40, 30, 2, force=True)
    assert len(list(tmp_path.glob("slice_*.tif"))) == 2


def test_nothing_is_left_of_a_stack_that_failed(tmp_path: Path) -> None:
    def stop(done: int, count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(tmp_path / "x", 300, 200, 2, tile=64, progress=stop)
    assert list((tmp_path / "x").iterdir()) == []


def test_progress_counts_the_windows(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    render(tmp_path / "x", 130, 70, 1, tile=64, progress=lambda done, count: seen.append((done, count)))
    assert seen == [(n, 6) for n in range(1, 7)]


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
