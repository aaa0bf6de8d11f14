"""The demonstration makes a stack, a result that is sharper than any of its slices, and says so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.cli import demo
from imfuse_tiles.cli.main import main
from imfuse_tiles.simulation import score


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("WIDTH", 240), ("HEIGHT", 160), ("SLICES", 6)):
        monkeypatch.setattr(demo, name, value)


def test_it_says_where_everything_is_and_how_good_the_result_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", str(tmp_path / "d")]) == 0
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.replace("depth map", "map").splitlines())
    result, truth = tifffile.imread(said["result"]), tifffile.imread(tmp_path / "d" / "stack" / "truth.tif")
    assert result.shape == truth.shape == (160, 240, 3)
    assert result.dtype == np.uint16
    for role in ("confidence", "map", "depth"):
        assert tifffile.imread(said[role]).shape[:2] == (160, 240)
    ours, single = (float(each) / 100 for each in re.findall(r"(\d+)%", said["sharpness"]))
    assert ours == pytest.approx(score(result, truth)["sharpness"], abs=0.006)
    assert ours > 1.2 * single
    near, far = (float(each) for each in re.findall(r"([\d.]+) dB", said["PSNR"]))
    assert near > far + 1


def test_a_second_time_it_finds_everything_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", str(tmp_path)]) == 0
    first = capsys.readouterr().out
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tif")}
    assert main(["demo", str(tmp_path)]) == 0
    assert capsys.readouterr().out == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tif")} == before


def test_it_overwrites_nothing_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "truth.tif").write_text("mine")
    assert main(["demo", str(tmp_path)]) == 3
    assert "truth.tif" in capsys.readouterr().err
    assert (tmp_path / "stack" / "truth.tif").read_text() == "mine"
    assert main(["demo", "--force", str(tmp_path)]) == 0
    (tmp_path / "result.tif").write_text("mine")
    assert main(["demo", str(tmp_path)]) == 3
    assert (tmp_path / "result.tif").read_text() == "mine"


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", str(tmp_path / "file" / "d")]) == 2
    assert "is no directory" in capsys.readouterr().err
