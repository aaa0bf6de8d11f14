"""``simulate`` on the command line: what it takes, what it refuses, and that it overwrites nothing unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tifffile

from imfuse_tiles.cli.main import main
from imfuse_tiles.cli.simulate import RenderProgress, parser

WORDS = ["--size", "96x64", "--slices", "2", "--seed", "5"]


def test_it_renders_slices_truth_and_depth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path / "s"), *WORDS, "--bits", "8", "--noise", "0.01", "--misalign"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 's'}\n"
    assert "1 windows" in said.err
    names = ["depth.tif", "slice_0000.tif", "slice_0001.tif", "transforms.json", "truth.tif"]
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == names
    assert tifffile.imread(tmp_path / "s" / "slice_0001.tif").shape == (64, 96, 3)
    about = json.loads((tmp_path / "s" / "transforms.json").read_text())
    assert (about["bits"], about["noise"], about["misalign"], about["seed"]) == (8, 0.01, True, 5)


def test_quiet_prints_nothing_but_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path), *WORDS, "--quiet"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{tmp_path}\n", "")


def test_an_earlier_stack_is_kept_unless_force_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path), *WORDS]) == 0
    before = (tmp_path / "truth.tif").read_bytes()
    other = [*WORDS[:-1], "6"]
    assert main(["simulate", str(tmp_path), *other]) == 3
    assert "exists" in capsys.readouterr().err
    assert (tmp_path / "truth.tif").read_bytes() == before
    assert main(["simulate", str(tmp_path), *other, "-f"]) == 0
    assert (tmp_path / "truth.tif").read_bytes() != before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["d"], "--size WxH, --slices N, --seed S"),
        (["d", "--size", "12", "--slices", "2", "--seed", "1"], "--size 12"),
        (["d", "--size", "12x", "--slices", "2", "--seed", "1"], "WIDTHxHEIGHT"),
        (["d", "--size", "0x9", "--slices", "2", "--seed", "1"], "width"),
        (["d", "--size", "9x9", "--slices", "0", "--seed", "1"], "slices"),
        (["d", "--size", "9x9", "--slices", "two", "--seed", "1"], "--slices"),
        (["d", "--size", "9x9", "--slices", "2", "--seed", "-1"], "seed"),
        (["d", *WORDS, "--bits", "12"], "8 or 16"),
        (["d", *WORDS, "--noise", "2"], "noise"),
        (["d", *WORDS, "--noise", "nan"], "noise"),
        (["d", *WORDS, "--tile", "3"], "tile"),
        (["d", *WORDS, "--workers", "0"], "workers"),
        (["d", *WORDS, "--blur"], "--blur"),
    ],
)
def test_what_it_cannot_render_is_refused_in_one_line(
    tmp_path: Path, words: list[str], part: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", *words]) == 2
    said = capsys.readouterr().err
    assert part in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_now_and_then_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, 4.0, 8.0])
    told = RenderProgress(parser().parse_args(["d", *WORDS]), clock=lambda: next(times))
    for done in (1, 2, 4):
        told(done, 4)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["2 of 4 windows, 4 s left", "4 windows, 8.00 s"]


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["simulate", str(tmp_path / "file" / "s"), *WORDS]) == 2
    assert "is no directory" in capsys.readouterr().err
