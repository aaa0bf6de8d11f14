"""A sweep makes every combination with one cache and compares them; one of them is picked for the whole frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from program import run
from viewed_stores import stack_files

from imfuse_tiles.cli.main import main
from imfuse_tiles.cli.sweep import split_words
from imfuse_tiles.errors import Refusal

TESTED_MODULES = ("cli.sheet",)
HOSTILE = "<b>&x"


def test_all_combinations_are_compared_and_one_is_fused_on_the_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = list(map(str, stack_files(tmp_path / HOSTILE)))
    folder, store = tmp_path / "trial", str(tmp_path / "store")
    words = ["sweep", *files, "--laplacian", "--crop=120x90+10+20", "--cutblur=s1", "--store", store, "-o", str(folder),
             "--vary", "--cutblur=s2|none", "--vary=--maskblur=s1|s3"]  # fmt: skip
    assert main(words) == 0
    captured = capsys.readouterr()
    assert captured.out.split() == [str(folder / "index.html")]
    assert "4 of 4: without --cutblur --maskblur=s3" in captured.err
    assert sorted(path.name for path in folder.glob("*.tif")) == ["1.tif", "2.tif", "3.tif", "4.tif"]
    assert tifffile.imread(folder / "3.tif").shape[:2] == (90, 120)
    text = (folder / "index.html").read_text()
    assert text.count("<img ") == 4
    assert "&lt;b&gt;&amp;x" in text
    assert HOSTILE not in text
    assert main(["sweep", "-o", str(folder), "--pick", "3", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert tifffile.imread(folder / "pick-3.tif").shape[:2] == (190, 260)
    assert main(["sweep", "-o", str(folder), "--pick", "9"]) == 2
    capsys.readouterr()
    monkeypatch.chdir(tmp_path)
    assert main(["sheet", store, str(folder / "1.tif"), "-o", "sheet.html"]) == 0
    assert Path("sheet.html").read_text().count("<img ") == 6
    assert main(["sheet", store, "-o", "sheet.html"]) == 3
    assert main(["sheet", store]) == 0
    assert Path("sheet.png").read_bytes()[1:4] == b"PNG"


def test_a_sweep_without_mask_or_background_is_put_into_what_a_run_would_choose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = list(map(str, stack_files(tmp_path / "stack")))
    words = ["sweep", *files, "--align=no", "--crop=90x70+10+20", "--store", str(tmp_path / "store")]
    masks, plain = tmp_path / "masks", tmp_path / "plain"
    assert main([*words, "-o", str(masks), "--vary", "--cutwave=p10|none", "--vary", "--bg=mean|none"]) == 0
    recipes = [" ".join(found) for found in json.loads((masks / "sweep.json").read_text())["words"]]
    assert ["--cutwave=p10" in recipe for recipe in recipes] == [True, True, False, False]
    assert ["--cutwave" in recipe for recipe in recipes] == [True, True, False, False]
    assert ["--statistic=r9" in recipe for recipe in recipes] == [False, True, False, True]
    assert main([*words, "-o", str(plain), "--vary", "--gamma=1|2"]) == 0
    assert "auto: --bg=pyramid" in capsys.readouterr().err
    for path in [masks / "2.tif", *plain.glob("[12].tif")]:
        assert tifffile.imread(path)[..., :3].max() > 20000


def test_what_a_sweep_wrote_down_runs_no_code_and_writes_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "marker.py").write_text("raise SystemExit('it ran')\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "trial").mkdir()
    files = list(map(str, stack_files(tmp_path / "stack")))
    harmful = (tmp_path / "trial" / "sweep.json", ["--wavelet", "--cutcmd=marker:run", *files])
    for words in (harmful[1], ["--wavelet", "--cutcmd", "marker:run"], ["--wavelet", "--scheduler", "marker:run"]):
        harmful[0].write_text(json.dumps({"words": [words]}))
        assert main(["sweep", "-o", str(tmp_path / "trial"), "--pick", "1"]) == 2
        assert "Traceback" not in capsys.readouterr().err
    elsewhere = [f"--store={tmp_path / 'store'}", "--outp", str(tmp_path / "elsewhere.tif")]
    elsewhere.append(f"--save-transforms={tmp_path / 'elsewhere.json'}")
    words = ["--wavelet", "--align=no", "--crop=64x64+0+0", *elsewhere, *files]
    harmful[0].write_text(json.dumps({"words": [words]}))
    assert main(["sweep", "-o", str(tmp_path / "trial"), "--pick", "1"]) == 0
    assert (tmp_path / "trial" / "pick-1.tif").exists()
    assert not list(tmp_path.glob("elsewhere*"))
    harmful[0].write_text('{"words": [[1]]}')
    assert main(["sweep", "-o", str(tmp_path / "trial"), "--pick", "1"]) == 2


def test_a_damaged_result_is_named_and_not_put_on_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = list(map(str, stack_files(tmp_path / "stack")))
    assert (
        main(["fuse", "--wavelet", "--align=no", "--store", str(tmp_path / "s"), "-o", str(tmp_path / "r.tif"), *files])
        == 0
    )
    next(path for path in (tmp_path / "s" / "final").rglob("0") if path.is_file()).write_bytes(b"x")
    capsys.readouterr()
    assert main(["sheet", str(tmp_path / "s"), "-o", str(tmp_path / "sheet.png")]) == 5
    assert "is short" in capsys.readouterr().err


def test_a_transparent_picture_is_refused_without_an_option_that_sheet_has_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(tmp_path / "clear.tif", np.zeros((20, 30, 4), np.uint8), photometric="rgb", extrasamples=[2])
    assert main(["sheet", str(tmp_path / "clear.tif"), "-o", str(tmp_path / "sheet.png")]) == 2
    told = capsys.readouterr().err
    assert told.endswith("clear.tif: is wholly transparent, so there is nothing to show\n")


def test_words_of_the_sweep_are_told_from_those_of_fuse() -> None:
    words = ["a.tif", "--vary", "--cutless=p1|p2", "--memory", "2G", "-o", "x", "--pick=3"]
    assert split_words(words) == (["--vary=--cutless=p1|p2", "--output=x", "--pick=3"], ["a.tif", "--memory", "2G"])
    with pytest.raises(Refusal, match="--vary needs a value"):
        split_words(["--vary"])


def test_a_file_is_no_folder_for_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("precious")
    assert main(["sweep", "a.tif", "--vary", "--cutless=p1|p2", "-o", str(tmp_path / "file")]) == 2
    assert "file is no directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["a.tif"], ["--vary", "--cutless=p1"], ["--vary", "--nonsense=a|b"], ["--pick", "2"]]
)
def test_wrong_words_are_refused_in_a_line(words: list[str], tmp_path: Path) -> None:
    ended = run("sweep", "-o", tmp_path / "none", *words)
    assert ended.code == 2
    assert ended.line
