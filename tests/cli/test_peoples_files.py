"""People's odd files: a right picture, or a word. Each stack of the shared cases, as its list says what is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from program import Ended, run

STACKS = "cases/stacks"


@pytest.fixture
def fuse(shared: Path, tmp_path: Path):
    """Fuse the stack of a case to a file, with further words if any."""

    def start(case: str, *words: object, result: str = "result.tif") -> Ended:
        folder = shared / STACKS / case
        if not folder.is_dir():
            pytest.skip(f"{folder} is not there")
        store, target = tmp_path / "store", tmp_path / result
        return run("fuse", "--preset=default", "--store", store, "-o", target, *words, *sorted(folder.iterdir()))

    return start


@pytest.fixture
def truth(shared: Path):
    """The scene without any blur, (y, x, 3) in 0..1."""
    names: dict[str, object] = {}
    exec(compile((shared / "cases/scene.py").read_text(), "scene.py", "exec"), names)
    return names["truth"]()[0]  # type: ignore[operator]


def picture(path: Path) -> np.ndarray:
    """A result in 0..1."""
    samples = tifffile.imread(path)
    return samples / np.iinfo(samples.dtype).max


def is_like(path: Path, truth: np.ndarray, error: float = 0.07) -> bool:
    """Whether a result shows the scene, in colours or in grey."""
    samples = picture(path)
    wanted = truth if samples.ndim == 3 else truth.mean(-1)
    return samples.shape == wanted.shape and float(np.abs(samples - wanted).mean()) < error


@pytest.mark.parametrize("case", ["imagej_one_directory", "slide_with_focal_planes"])
def test_planes_of_one_file_are_fused_and_counted(case, fuse, truth, tmp_path):
    ended = fuse(case)
    assert ended.code == 0
    assert "note: " in ended.err
    assert "5 frames of its" in ended.err
    assert is_like(tmp_path / "result.tif", truth)


@pytest.mark.parametrize("case", ["raw_with_untagged_thumbnail", "cr2_like"])
def test_raw_files_are_refused_as_such(case, fuse):
    ended = fuse(case)
    assert ended.code == 2
    assert "is a camera raw file" in ended.line
    assert "develop it to TIFF first" in ended.line


def test_a_strip_without_its_length_is_read(fuse, truth, tmp_path):
    assert fuse("strip_counts_zero").code == 0
    assert is_like(tmp_path / "result.tif", truth)


def test_spoiled_data_are_refused_by_name(fuse, tmp_path):
    ended = fuse("jpeg_spoiled_inside")
    assert ended.code == 2
    assert "f2.jpg: damaged JPEG" in ended.line
    assert not (tmp_path / "result.tif").exists()
