"""Transforms are written, read, scaled and taken from a program; what is none is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from aligned_runs import frames_of, fused

from imfuse_tiles import Recipe, Refusal, fuse_images
from imfuse_tiles.cli.main import main
from imfuse_tiles.imageio.alignment import SAME, Alignment, FrameTransform, for_files, load_alignment, scaled


def test_saved_transforms_give_the_same_result_and_a_later_run_compares_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "t.json"
    usual = fused(tmp_path / "a", frames_of(folder), "--save-transforms", str(saved))

    def compare(*args: object, **more: object) -> None:
        raise AssertionError("frames are compared")

    monkeypatch.setattr("imfuse_tiles.execution.align_stack.estimate", compare)
    assert np.array_equal(fused(tmp_path / "a", frames_of(folder)), usual)
    assert np.array_equal(fused(tmp_path / "b", frames_of(folder), "--transforms", str(saved)), usual)


def test_transforms_of_another_size_are_scaled() -> None:
    matrix = (1.01, -0.02, 5.0, 0.02, 1.01, -3.0, 0.0, 0.0, 1.0)
    there = np.array(scaled(matrix, 2, 2)).reshape(3, 3)
    x, y = there[:2] @ np.array([2 * 40 + 0.5, 2 * 30 + 0.5, 1])
    u, v = np.array(matrix).reshape(3, 3)[:2] @ np.array([40, 30, 1])
    assert np.allclose([x, y], [2 * u + 0.5, 2 * v + 0.5])
    assert np.allclose(scaled(scaled(matrix, 2, 2), 0.5, 0.5), matrix)


def test_transforms_of_other_names_and_another_size_name_the_reference_and_scale_what_is_expected() -> None:
    one = Alignment("shift", "b", (100, 50), (FrameTransform("a", SAME, 0.1), FrameTransform("b", SAME)))
    found = for_files(one, ["red_a", "red_b"], (200, 100), "here")
    assert found.reference == "red_b"
    assert [frame.residual for frame in found.frames] == [0.2, 0.0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{}", "holds no transforms of frames"),
        ("nonsense", "is no JSON file"),
        ('{"model": "shift", "reference": "a", "size": [480, 320], "frames": []}', "holds no transforms of frames"),
        ('{"model": "shift", "reference": "a", "size": [480, 320], "frames": [{"file": "a", "matrix": [1, 2]}]}',
         "holds no transforms of frames"),
        ('{"model": "shift", "reference": "a", "size": [480, 320], "frames": [{"file": "a", "matrix": '
         '[1, 0, 0, 0, 1, 0, 0, 0, 1]}]}', "has transforms of 1 frames and none of slice_0000.tif"),
    ],
)  # fmt: skip
def test_files_that_hold_no_transforms_are_refused(
    text: str, line: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    assert (
        main(["plan", "--wavelet", "--store", str(tmp_path / "s"), "--transforms", str(bad), *frames_of(folder)]) == 2
    )
    assert line in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_transforms_are_read_as_they_were_written(folder: Path, tmp_path: Path) -> None:
    saved = tmp_path / "t.json"
    fused(tmp_path / "a", frames_of(folder), "--save-transforms", str(saved))
    found = load_alignment(saved)
    assert found.record() == json.loads(saved.read_text())
    assert max(found.moves()) > 1


def test_matrices_from_a_program_are_taken_as_a_file_of_them(folder: Path, tmp_path: Path) -> None:
    saved = tmp_path / "t.json"
    usual = fused(tmp_path / "a", frames_of(folder), "--save-transforms", str(saved))
    matrices = [np.array(frame.matrix).reshape(3, 3) for frame in load_alignment(saved).frames]
    recipe = Recipe.from_options(["--wavelet", "--cutwave"])
    for number, transforms in enumerate((matrices, saved)):
        fuse_images(frames_of(folder), recipe, tmp_path / f"{number}.tif", store=tmp_path / "p", transforms=transforms)
        assert np.array_equal(tifffile.imread(tmp_path / f"{number}.tif"), usual)


@pytest.mark.parametrize("transforms", [np.eye(3), np.zeros((8, 3, 3)), [np.eye(3)] * 7, np.full((8, 3, 3), np.nan)])
def test_matrices_that_do_not_fit_are_refused(transforms: np.ndarray, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="one matrix"):
        fuse_images(frames_of(folder), Recipe(()), tmp_path / "r.tif", store=tmp_path / "p", transforms=transforms)


def test_transforms_that_cannot_be_written_are_refused_and_leave_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing" / "t.json"
    for command in ("fuse", "align"):
        words = ["--save-transforms", str(missing), "-o", str(tmp_path / "out.tif")]
        assert main([command, *words, *map(str, frames_of(folder))]) == 2
        assert "comparing frames" not in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
