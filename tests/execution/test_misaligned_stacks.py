"""Simulated stacks whose transforms are known: found again, also by hundreds; what is wrong with a frame is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from imfuse_tiles.cli.main import main
from imfuse_tiles.imageio.alignment import load_alignment
from imfuse_tiles.kernels.registration_matrices import corners, moved
from imfuse_tiles.simulation import render

SIZE = (480, 320)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("moved"), *SIZE, 8, 3, misalign=True)


def images_of(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.glob("slice_*.tif"))]


def planned(images: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What a run finds of its frames."""
    capsys.readouterr()
    assert main(["plan", "--wavelet", "--json", "--store", str(tmp_path / "store"), *images]) == 0
    return json.loads(capsys.readouterr().out)["alignment"]["frames"]


def errors(found: Path, truth: Path) -> np.ndarray:
    """By how much a corner of each frame is put beside its true place at most, in pixels."""
    one, other = load_alignment(found), load_alignment(truth)
    assert (one.reference, one.size, len(one.frames)) == (other.reference, other.size, len(other.frames))
    at = corners(*one.size)
    pairs = zip(one.frames, other.frames, strict=True)
    matrices = [[np.array(frame.matrix).reshape(3, 3) for frame in pair] for pair in pairs]
    return np.array([np.hypot(*(moved(a, at) - moved(b, at))).max() for a, b in matrices])


def found_transforms(images: list[str], tmp_path: Path) -> Path:
    place = tmp_path / "found.json"
    assert (
        main(["align", "--quiet", "--middle", "--save-transforms", str(place), "-o", str(tmp_path / "o"), *images]) == 0
    )
    return place


def test_a_simulated_stack_brings_the_transforms_that_its_frames_need(folder: Path, tmp_path: Path) -> None:
    words = ["align", "--quiet", "--align=similarity", "--balance=no"]
    assert main([*words, "--transforms", str(folder / "transforms.json"), "-o", str(tmp_path), *images_of(folder)]) == 0
    found = errors(found_transforms(images_of(folder), tmp_path), folder / "transforms.json")
    assert np.median(found) < 0.15
    assert found.max() < 0.7, "so much in frames so small"
    assert found[4] < 1e-9, "the reference"


def test_light_that_drifts_is_balanced(tmp_path: Path) -> None:
    folder = render(tmp_path / "in", *SIZE, 6, 3, misalign=True, drift=0.4)
    found = load_alignment(found_transforms(images_of(folder), tmp_path))
    truth = load_alignment(folder / "transforms.json")
    for one, other in zip(found.frames, truth.frames, strict=True):
        assert np.allclose(one.gains or [1, 1, 1], other.gains or [1, 1, 1], atol=0.03)


@pytest.mark.slow
def test_a_sweep_of_a_hundred_frames_lies_over_its_middle(tmp_path: Path) -> None:
    folder = render(tmp_path / "in", 640, 480, 100, 4, misalign=True, noise=0.005)
    found = errors(found_transforms(images_of(folder), tmp_path), folder / "transforms.json")
    assert np.median(found) < 0.1
    assert found.max() < 0.4


def blurred(samples: np.ndarray) -> np.ndarray:
    sums = np.pad(samples, ((4, 4), (4, 4), (0, 0)), mode="edge").astype(float)
    for axis in (0, 1):
        sums = np.stack([np.roll(sums, n, axis) for n in range(-4, 5)]).mean(axis=0)
    return sums[4:-4, 4:-4].astype(np.uint16)


WRONG: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "mirrored": (lambda samples: samples[:, ::-1], "is a mirror image of the others"),
    "blurred": (blurred, "is blurred"),
    "constant": (lambda samples: np.full_like(samples, 9000), "is constant"),
    "brighter": (lambda samples: np.clip(samples.astype(float) * 1.4, 0, 65535).astype(np.uint16), "times as bright"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_frame_is_named(name: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, message = WRONG[name]
    frames = told_of(folder, tmp_path, capsys, lambda image: change(tifffile.imread(image)))
    assert message in frames[5], frames
    assert [n for n, text in enumerate(frames) if message in text] == [5]


def test_light_is_no_detail_whether_it_jumps_or_drifts(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = told_of(folder, tmp_path / "a", capsys, lambda image: tifffile.imread(image) // 2)
    assert [n for n, text in enumerate(frames) if text] == [5], frames
    assert frames[5].strip().startswith("is 0.50 times as bright")
    images = images_of(render(tmp_path / "in", *SIZE, 6, 3, misalign=True, drift=0.8))
    found = planned(images, tmp_path, capsys)
    assert [text for frame in found for text in frame["warnings"]] == []


@pytest.mark.parametrize("shift", [6, 40])
def test_a_subject_that_moved_in_one_frame_is_named_there_alone(
    shift: int, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def moved(image: str) -> np.ndarray:
        samples = tifffile.imread(image)
        samples[100:200, 160:280] = samples[100:200, 160 - shift : 280 - shift].copy()
        return samples

    frames = told_of(folder, tmp_path, capsys, moved)
    assert "alone shows something that moved" in frames[5]
    assert not any("moved" in text for n, text in enumerate(frames) if n != 5), frames


def test_a_jump_is_told_whether_or_not_it_is_balanced(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "in"
    place.mkdir()
    for n, image in enumerate(images_of(folder)):
        samples = tifffile.imread(image)
        tifffile.imwrite(place / f"slice_{n}.tif", samples // 2 if n == 2 else samples, photometric="rgb")
    found = planned(["--balance=no", *images_of(place)], tmp_path, capsys)
    assert "times as bright" in found[2]["warnings"][0]
    assert all(frame["gains"] == [] for frame in found)


@pytest.mark.parametrize("number", [6, 7])
def test_the_frame_at_an_end_is_no_jump_where_its_neighbour_is_one(
    number: int, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def darker(image: str) -> np.ndarray:
        return np.asarray(tifffile.imread(image) // 2)

    frames = told_of(folder, tmp_path, capsys, darker, number)
    assert [n for n, text in enumerate(frames) if "times as bright" in text] == [number], frames


def test_another_scene_and_the_same_picture_twice_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = render(tmp_path / "other", *SIZE, 1, 77) / "slice_0000.tif"
    frames = told_of(folder, tmp_path / "a", capsys, lambda _: tifffile.imread(other))
    assert "shows nothing of the other frames" in frames[5]
    frames = told_of(folder, tmp_path / "b", capsys, lambda _: tifffile.imread(images_of(folder)[4]))
    assert any("is the same picture as" in text for text in frames[4:6]), frames


def told_of(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[str], np.ndarray],
    number: int = 5,
) -> list[str]:  # fmt: skip
    """What is told of each frame of a stack of which one, the sixth unless said, is another."""
    place = tmp_path / "in"
    place.mkdir(parents=True)
    images = images_of(folder)
    for image in images:
        (place / Path(image).name).symlink_to(image)
    wrong = place / Path(images[number]).name
    wrong.unlink()
    tifffile.imwrite(wrong, np.ascontiguousarray(change(images[number])), photometric="rgb", metadata=None)
    found = planned(images_of(place), tmp_path, capsys)
    return [" ".join([frame["bad"], *frame["warnings"]]) for frame in found]


def test_frames_out_of_the_order_of_focus_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = images_of(folder)
    images[1], images[6] = images[6], images[1]
    found = planned(["--order=given", *images], tmp_path, capsys)
    assert any("out of the order of focus" in text for frame in found for text in frame["warnings"])


@pytest.mark.parametrize("order", [(2, 4, 7, 5, 3, 0, 6, 1), (4, 2, 1, 7, 0, 3, 6, 5), (2, 7, 5, 0, 3, 6, 4, 1)])
def test_a_good_frame_among_frames_in_disorder_is_not_called_blurred(
    order: tuple[int, ...], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = images_of(folder)
    found = planned(["--order=given", *(images[n] for n in order)], tmp_path, capsys)
    assert [frame["bad"] for frame in found] == [""] * 8
    assert any("out of the order of focus" in text for frame in found for text in frame["warnings"])


@pytest.mark.parametrize("seed", [3, 9])
def test_light_that_drifts_moves_no_frame(seed: int, tmp_path: Path) -> None:
    moves = []
    for drift in (0.0, 0.3):
        place = tmp_path / str(drift)
        folder = render(place / "in", 400, 300, 8, seed, misalign=True, drift=drift)
        moves.append(errors(found_transforms(images_of(folder), place), folder / "transforms.json"))
    assert (moves[1] < moves[0] + 0.05).all(), moves
