"""Runs lay frames over each other by themselves: the same bytes however they are cut, and none changed without need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from aligned_runs import ALIGN_OPTIONS, SIZE, frames_of, fused, psnr
from program import until

from imfuse_tiles.cli.main import main
from imfuse_tiles.execution import align_stack
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.kernels.registration_matrices import inverse, step
from imfuse_tiles.simulation import render
from imfuse_tiles.stages import frame_samples
from imfuse_tiles.stages.estimate_alignment import estimate
from tests.kernels.misaligned import corner_errors

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "execution.alignment_report",
    "execution.warp_stack",
    "stages.align",
    "stages.estimate_alignment",
    "stages.frame_samples",
    "imageio.alignment",
    "options.alignment",
    "kernels.frame_gains",
)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames that do."""
    return render(tmp_path_factory.mktemp("still"), 900, 600, 4, 3)


def test_a_run_aligns_by_itself_and_is_nearer_to_the_truth(folder: Path, tmp_path: Path) -> None:
    transforms = tmp_path / "t.json"
    result = fused(tmp_path / "a", frames_of(folder), "--save-transforms", str(transforms), "--align-keep-size",
                   "--balance=no")  # fmt: skip
    plain = fused(tmp_path / "b", frames_of(folder), "--align=no", "--balance=no")
    truth = tifffile.imread(folder / "truth.tif")
    inner = (slice(20, -20), slice(20, -20), slice(0, 3))
    assert psnr(result[inner], truth[inner]) > psnr(plain[inner], truth[inner]) + 2
    found = json.loads(transforms.read_text())
    assert found["model"] == "similarity"
    assert found["reference"] == "slice_0004.tif"
    assert found["size"] == [*SIZE]
    known = json.loads((folder / "transforms.json").read_text())["slices"]
    truths = [np.vstack([each["truth_to_slice"], [0, 0, 1]]) for each in known]
    matrices = [np.array(frame["matrix"]).reshape(3, 3) for frame in found["frames"]]
    assert corner_errors(matrices, truths, *SIZE).max() < 0.7


def test_what_all_frames_show_is_left(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = fused(tmp_path / "a", frames_of(folder))
    height, width = result.shape[:2]
    assert 300 < height < 320
    assert 440 < width < 480
    capsys.readouterr()
    assert main(["plan", *ALIGN_OPTIONS[:2], "--store", str(tmp_path / "a" / "store"), *frames_of(folder)]) == 0
    text = capsys.readouterr().out
    assert f"{width} x {height} of 480 x 320 pixels" in text
    assert "alignment: similarity" in text


def test_the_plan_tells_what_comparing_takes_and_that_tiny_frames_stay(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = render(tmp_path / "tiny", 200, 150, 3, 3, misalign=True)
    assert main(["plan", "--wavelet", "--store", str(tmp_path / "s"), *frames_of(tiny)]) == 0
    assert "frames of less than 160 pixels a side are not compared" in capsys.readouterr().out
    assert main(["plan", "--wavelet", "--json", "--store", str(tmp_path / "s"), *frames_of(folder)]) == 0
    assert 8 * 480 * 320 * 4 < json.loads(capsys.readouterr().out)["comparing_bytes"] < 1 << 28


@pytest.mark.parametrize("words", [("--tile", "64"), ("--workers", "1"), ("--scheduler", "processes:2")], ids=str)
def test_tiles_and_workers_change_nothing(words: tuple[str, ...], folder: Path, tmp_path: Path) -> None:
    usual = fused(tmp_path / "a", frames_of(folder))
    assert np.array_equal(fused(tmp_path / "b", frames_of(folder), *words), usual)


def test_auto_takes_a_richer_model_where_frames_ask_for_it(folder: Path, tmp_path: Path) -> None:
    images, truth = [], []
    for n, image in enumerate(frames_of(folder)):
        field = np.array([0, 0, 0.7, 0.2, 0.2, -0.7]) * (n - 4)
        truth.append(step(field, *SIZE))
        bent = cv2.warpPerspective(tifffile.imread(image), truth[-1], SIZE, borderMode=cv2.BORDER_REFLECT,
                                   flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP)  # fmt: skip
        images.append(tmp_path / Path(image).name)
        tifffile.imwrite(images[-1], bent, photometric="rgb")
    kept = json.loads((folder / "transforms.json").read_text())["slices"]
    moves = [inverse(there) @ np.vstack([np.array(one["truth_to_slice"]), [0, 0, 1]])
             for there, one in zip(truth, kept, strict=True)]  # fmt: skip
    moves = [move @ inverse(moves[4]) for move in moves]
    found = {model: estimate(open_stack(images), model, 4, "no") for model in ("auto", "similarity")}
    assert found["auto"].model == "affine"
    errors = {model: corner_errors([np.array(frame.matrix).reshape(3, 3) for frame in alignment.frames], moves, *SIZE)
              for model, alignment in found.items()}  # fmt: skip
    assert errors["auto"].max() < 1.2 < 2 < errors["similarity"].max()


@pytest.mark.parametrize("model", ["shift", "similarity", "affine", "homography"])
def test_a_model_that_is_asked_for_is_the_one_that_is_taken(model: str, folder: Path) -> None:
    found = estimate(open_stack(frames_of(folder)[:4]), model, 2, "no")
    assert found.model == model
    matrices = [np.array(frame.matrix).reshape(3, 3) for frame in found.frames]
    assert all(np.abs(matrix[:2, :2] - np.eye(2)).max() > 1e-4 for matrix in matrices[:2]) == (model != "shift")
    assert any((matrix[2] != [0, 0, 1]).any() for matrix in matrices) == (model == "homography")


def test_frames_that_lie_well_give_the_same_bytes_and_keys(
    still: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aligned = fused(tmp_path / "a", frames_of(still))
    plain = fused(tmp_path / "b", frames_of(still), "--align=no", "--balance=no")
    assert np.array_equal(aligned, plain)
    names = [{path.name for path in (tmp_path / run / "store" / "montage").iterdir()} for run in "ab"]
    assert names[0] == names[1]
    capsys.readouterr()
    assert main(["plan", "--wavelet", "--store", str(tmp_path / "a" / "store"), *frames_of(still)]) == 0
    assert "alignment: none needed" in capsys.readouterr().out


def test_a_bad_frame_is_told_and_left_out_if_asked_to(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = frames_of(folder)
    bad = tmp_path / "slice_0003.tif"
    tifffile.imwrite(bad, np.full((320, 480, 3), 9000, np.uint16), photometric="rgb")
    (tmp_path / "in").mkdir()
    stack = [tmp_path / "in" / Path(image).name for image in images]
    for place, image in zip(stack, images, strict=True):
        place.symlink_to(bad if place.name == bad.name else image)
    words = ["--wavelet", "--force", "--store", str(tmp_path / "store"), "-o", str(tmp_path / "r.tif")]
    assert main(["fuse", *words, *map(str, stack)]) == 0
    assert "slice_0003.tif is constant (--skip-bad leaves it out)" in capsys.readouterr().err
    notes = list((tmp_path / "store").rglob("alignment-*"))
    assert notes
    for note in notes:
        note.unlink()
    assert main(["fuse", *words, "--skip-bad", *map(str, stack)]) == 0
    assert "slice_0003.tif is constant: left out" in capsys.readouterr().err
    monkeypatch.setattr(align_stack, "estimate", None)  # what was found is remembered, with the frame left out
    words = ["--wavelet", "--json", "--skip-bad", "--store", str(tmp_path / "store")]
    assert main(["plan", *words, *map(str, stack)]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["slices"] == 7
    assert [frame["file"] for frame in plan["alignment"]["frames"] if frame["bad"]] == []


def test_frames_in_disorder_are_sorted_by_focus(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixed = tmp_path / "in"
    mixed.mkdir()
    order = [2, 5, 7, 0, 3, 6, 4, 1]
    for place, number in enumerate(order):
        (mixed / f"f{place}.tif").symlink_to(frames_of(folder)[number])
    words = ["plan", "--json", "--order=focus", "--store", str(tmp_path / "s")]
    assert main([*words, *map(str, sorted(mixed.iterdir()))]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)["alignment"]["frames"]
    sorted_numbers = [order[int(frame["file"][1])] for frame in found]
    assert sorted_numbers in (list(range(8)), list(range(7, -1, -1)))
    assert not any("order" in warning for frame in found for warning in frame["warnings"]), "they are in order now"
    assert "auto: --bg=pyramid\n" in err
    assert "sorted by focus" in err


@pytest.mark.parametrize("reference", ["9", "0", "left"])
def test_a_reference_that_is_not_there_is_refused(reference: str, folder: Path, tmp_path: Path) -> None:
    words = ["plan", "--wavelet", f"--reference={reference}", "--store", str(tmp_path / "s")]
    assert main([*words, *frames_of(folder)]) == 2


def test_a_part_that_is_not_the_first_keeps_what_it_found(folder: Path, tmp_path: Path) -> None:
    words = [*ALIGN_OPTIONS, "--part", "2/2", "--store", str(tmp_path / "store"), "-o", str(tmp_path / "r.tif")]

    def found() -> list[Path]:
        return list((tmp_path / "store").glob("numbers/alignment-*.json"))

    part = subprocess.Popen([sys.executable, "-m", "imfuse_tiles", "fuse", *words, *frames_of(folder)])
    try:
        until(lambda: found() or part.poll() is not None, pause=0.05)
    finally:
        part.kill()
        part.wait()
    assert found()


@pytest.mark.parametrize("options", [(), ("--crop=300x200+50+40", "--gamma=1.2")], ids=["aligned", "prepared too"])
def test_frames_aligned_into_a_store_are_neither_compared_nor_read_again(
    options: tuple[str, ...], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = fused(tmp_path / "a", frames_of(folder), *options)
    assert main(["align", "--quiet", "--store", str(tmp_path / "b" / "store"), *options, *frames_of(folder)]) == 0

    def compare(*args: object, **more: object) -> None:
        raise AssertionError("frames are compared")

    monkeypatch.setattr("imfuse_tiles.execution.align_stack.estimate", compare)
    report = tmp_path / "report.json"
    assert np.array_equal(fused(tmp_path / "b", frames_of(folder), *options, "--report", str(report)), usual)
    assert json.loads(report.read_text())["stages"][0]["computed"] == 0


def test_a_page_is_opened_once_for_all_its_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rough = np.random.default_rng(4).normal(size=(130, 160)).astype(np.float32)
    scene = np.uint8(np.clip(128 + 40 * cv2.resize(rough, (1400, 1150), interpolation=cv2.INTER_CUBIC), 0, 250))
    pages = np.stack([scene[8 + n : 1008 + n, 8:1308] for n in (0, 2, 4)])
    tifffile.imwrite(tmp_path / "moved.tif", pages, tile=(256, 256), compression="zlib", photometric="minisblack")
    opened, open_frame = [], frame_samples.open_frame
    monkeypatch.setattr(frame_samples, "open_frame",
                        lambda header, **words: opened.append(header.page) or open_frame(header, **words))  # fmt: skip
    found = estimate(open_stack([tmp_path / "moved.tif"]), "similarity", 1, "no")
    assert sorted(opened) == [0, 0, 1, 1, 1, 2, 2], "once as a whole, and once for each neighbour"
    assert [frame.matrix[5] for frame in found.frames] == pytest.approx([2, 0, -2], abs=0.02)
