"""The comparison with another revision sees what differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tifffile import imwrite

from benchmarks import unchanged


def test_a_checkout_has_the_same_bytes_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert unchanged.main(["--quick"]) == 0
    shown = capsys.readouterr().out
    assert "the same" in shown
    assert "; 0 of" in shown
    assert "1 of 1 sets unchanged" in shown


def test_files_that_differ_or_are_missing_are_named(tmp_path: Path) -> None:
    for side in ("ours", "theirs"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "same.tif").write_bytes(b"same")
        (tmp_path / side / "other.tif").write_text(side)
    (tmp_path / "ours" / "more.tif").touch()
    assert unchanged.differences(tmp_path / "ours", tmp_path / "theirs") == (["more.tif", "other.tif"], [])


def test_files_of_the_same_samples_and_other_metadata_are_told_apart(tmp_path: Path) -> None:
    samples = np.arange(12, dtype=np.uint16).reshape(3, 4)
    for side, more in (("ours", 0), ("theirs", 1)):
        (tmp_path / side).mkdir()
        imwrite(tmp_path / side / "tags.tif", samples, description=side)
        imwrite(tmp_path / side / "samples.tif", samples + np.uint16(more))
    assert unchanged.differences(tmp_path / "ours", tmp_path / "theirs") == (["samples.tif"], ["tags.tif"])


def test_a_differing_byte_fails_the_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fuse(program: Path, images: object, options: str, store: Path, folder: Path) -> int:
        folder.mkdir(parents=True)
        (folder / "result.tif").write_text(folder.name)
        return 0

    monkeypatch.setattr(unchanged, "fuse", fuse)
    assert list(unchanged.compare("stack", [], ["A"], tmp_path, tmp_path)) == [False]


def test_a_folder_is_taken_as_a_checkout(tmp_path: Path) -> None:
    with unchanged.checkout(str(tmp_path), tmp_path / "other") as folder:
        assert folder == tmp_path.resolve()
        assert not (tmp_path / "other").exists()
