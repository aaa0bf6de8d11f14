"""Channels fused by the depth of one of them: each pixel comes from the slice where that one is in focus."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from stacks import frames

from imfuse_tiles.cli.main import main

SLICES = 5


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A file of two channels: the first one's slices are grey, each a step lighter; the second one has the detail."""
    detail = frames(SLICES, planes=1, shape=(200, 300))[:, 0]
    plain = np.stack([np.full_like(plane, 10000 * (z + 1)) for z, plane in enumerate(detail)])
    path = tmp_path / "x.ome.tif"
    about = {"axes": "CZYX", "Channel": {"Name": ["fluorescence", "phase"]}}
    tifffile.imwrite(path, np.stack([plain, detail]), metadata=about, photometric="minisblack")
    return path


@pytest.mark.parametrize("words", [("--align=no", "--balance=no"), ()])
@pytest.mark.parametrize("channel", ["2", "Phase"])
def test_channels_are_fused_by_the_depth_of_one(
    channel: str, words: tuple[str, ...], stack: Path, tmp_path: Path
) -> None:
    if channel != "2" and words:
        pytest.skip("once is enough")
    out = tmp_path / "out"
    command = ["batch", "--quiet", "--mask-channel", channel, *words, "--store", str(tmp_path / "s"), "-o", str(out)]
    assert main([*command, str(stack)]) == 0
    report = json.loads((out / "batch.json").read_text())
    assert list(report["stacks"]) == ["x_channel2", "x_channel1"]
    plain = tifffile.imread(out / "x_channel1.tif").astype(float)
    depth = tifffile.imread(out / "x_channel2.depth.tif")
    slices = SLICES * (1 - depth / 65535)
    assert np.abs(plain / 10000 - slices).mean() < 0.26  # depths lie between slices, the nearest is taken
    assert np.corrcoef(slices[50], np.arange(300))[0, 1] > 0.9
    assert main([*command, str(stack)]) == 0
    report = json.loads((out / "batch.json").read_text())["stacks"]
    assert [sum(stage["computed"] for stage in entry["report"]["stages"]) for entry in report.values()] == [0, 0]


@pytest.mark.parametrize("words", [("--align=no", "--balance=no"), ()])
def test_channels_are_fused_by_the_masks_of_one(words: tuple[str, ...], stack: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["batch", "--quiet", "--mask-channel=2", "--preset=default", "-X", *words, "-o", str(out), str(stack)]
    assert main([*command, "--store", str(tmp_path / "s")]) == 0
    report = json.loads((out / "batch.json").read_text())["stacks"]
    own, other = (report[name]["report"] for name in ("x_channel2", "x_channel1"))
    computed = {stage["name"]: stage["computed"] for stage in other["stages"]}
    assert other["store"] == own["store"]
    assert computed["merge masks"] == 0 < computed["montage"]
    masks = [tifffile.imread(out / f"{name}.mask.tif") for name in ("x_channel1", "x_channel2")]
    assert np.array_equal(*masks)
    depth, grey = (np.atleast_3d(tifffile.imread(out / f"x_channel1{end}.tif")) for end in (".depth", ""))
    known = np.ones(grey.shape[:2], bool)
    for picture in (depth, grey):
        known &= (picture[..., 1:] == 65535).all(axis=-1)
    slices = SLICES * (1 - depth[..., 0] / 65535)
    assert known.mean() > 0.1
    assert np.abs(slices - grey[..., 0] / 10000)[known].max() < 0.01  # each slice is a step lighter than the last


@pytest.mark.parametrize(("words", "what"), [
    (["--mask-channel=3"], "has no channel 3; --mask-channel may be 1 to 2 (fluorescence, phase)"),
    (["--mask-channel=2", "--bg=max"], "--bg=Max alone has neither"),
    (["--mask-channel=2", "--skip-bad"], "without --skip-bad"), (["--mask-channel=2", "--part=1/2"], "without --part"),
])  # fmt: skip
def test_wrong_words_are_refused(words: list[str], what: str, stack: Path, tmp_path: Path, capsys) -> None:
    assert main(["batch", *words, "-o", str(tmp_path / "out"), str(stack)]) == 2
    assert what in capsys.readouterr().err


def test_files_of_one_channel_have_none_to_choose(tmp_path: Path, capsys) -> None:
    tifffile.imwrite(tmp_path / "a.tif", frames(1)[0, 0])
    assert main(["batch", "--mask-channel=1", "-o", str(tmp_path / "out"), str(tmp_path)]) == 2
    assert "no file of several channels there" in capsys.readouterr().err


def test_the_others_wait_for_a_channel_that_fails(stack: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "x_channel2.depth.tif").write_text("mine")
    command = ["batch", "--quiet", "--mask-channel=2", "--align=no", "--balance=no", "-o", str(out), str(stack)]
    assert main([*command, "--store", str(tmp_path / "s")]) == 3
    told = capsys.readouterr().err
    assert "x_channel1: the channel that tells its masks is not done" in told
