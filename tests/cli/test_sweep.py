"""A sweep makes every combination with one cache and compares them; one of them is picked for the whole frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from program import run
from viewed_stores import stack_files

from imfuse_tiles.cli import sweep_run
from imfuse_tiles.cli.main import main
from imfuse_tiles.cli.sheet import sheet_entries
from imfuse_tiles.cli.sweep import split_words
from imfuse_tiles.errors import Incomplete, Interrupted, Refusal
from imfuse_tiles.planning import disk

TESTED_MODULES = ("cli.sheet", "cli.sweep_run", "cli.sweep_pick")
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


def test_a_sheet_tells_what_differs_and_shows_files_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files, store = list(map(str, stack_files(tmp_path / "stack"))), str(tmp_path / "s")
    for blur in ("s1", "s3"):
        words = ["--laplacian", "--align=no", f"--maskblur={blur}", "--store", store, "-o", str(tmp_path / "r.tif")]
        assert main(["fuse", *words, "-f", *files]) == 0
    assert main(["fuse", "--align=no", "-o", str(tmp_path / "one.tif"), files[0]]) == 0  # its store is that of the file
    entries, common = sheet_entries([store])
    assert [entry.words for entry in entries] == [("s", "--maskblur=s3"), ("s", "--maskblur=s1")]
    assert "--laplacian=n3" in common
    entries, common = sheet_entries([files[0], files[1]])
    assert [entry.words for entry in entries] == [("frame0.tif",), ("frame1.tif",)]
    assert not common
    assert main(["sheet", store, "-o", str(tmp_path / "S.HTML")]) == 0
    assert "<p>In all: " in (tmp_path / "S.HTML").read_text()


def test_clear_parts_of_a_picture_are_dark_on_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    samples = np.full((90, 120, 4), 200, np.uint8)
    samples[..., 3] = 255
    samples[:40, :, 3] = 0
    tifffile.imwrite(tmp_path / "part.tif", samples, photometric="rgb", extrasamples=[2])
    ((entry,), _) = sheet_entries([str(tmp_path / "part.tif")])
    assert [set(part.ravel()) for part in (entry.picture[:40], entry.picture[40:])] == [{48}, {200}]


def test_a_transparent_picture_is_refused_without_an_option_that_sheet_has_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(tmp_path / "clear.tif", np.zeros((20, 30, 4), np.uint8), photometric="rgb", extrasamples=[2])
    assert main(["sheet", str(tmp_path / "clear.tif"), "-o", str(tmp_path / "sheet.png")]) == 2
    told = capsys.readouterr().err
    assert told.endswith("clear.tif: is wholly transparent, so there is nothing to show\n")


def test_varied_options_of_frames_vary_the_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = list(map(str, stack_files(tmp_path / "stack")))
    folder, store = tmp_path / "trial", str(tmp_path / "store")
    words = ["sweep", *files, "--align=no", "--bg=mean", "--store", store, "-o", str(folder)]
    words += ["--vary", "--crop=90x70+10+20|50x80+0+0", "--vary", "--rotate=0|90", "--vary", "--cutless=p1|p2"]
    assert main(words) == 0
    shapes = [tifffile.imread(folder / f"{number}.tif").shape[:2] for number in range(1, 9, 2)]
    assert shapes == [(70, 90), (90, 70), (80, 50), (50, 80)]
    told = capsys.readouterr().err
    assert "1 of 8: --crop=90x70+10+20 --rotate=0 --cutless=p1  sharpness " in told
    assert "2 of 8: --crop=90x70+10+20 --rotate=0 --cutless=p2  the same picture as 1" in told
    assert (folder / "index.html").read_text().count("the same picture as") == 4
    assert main(["sweep", "-o", str(folder), "--pick", "3", "--quiet", f"--report={tmp_path / 'r.json'}"]) == 0
    assert tifffile.imread(folder / "pick-3.tif").shape[:2] == (260, 190)
    assert (tmp_path / "r.json").exists()


def test_a_sweep_that_ends_half_way_leaves_a_sheet_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = list(map(str, stack_files(tmp_path / "stack")))
    folder, real = tmp_path / "trial", sweep_run.run_plan
    words = ["sweep", *files, "--align=no", "--laplacian", "--crop=90x70+10+20", "--store", str(tmp_path / "store")]
    words += ["-o", str(folder), "--vary"]
    assert main([*words, "--maskblur=s1|s2|s3|s4"]) == 0
    for ending, code in ((Interrupted(2), 130), (Refusal("no room"), 4), (Incomplete("full"), 4)):

        def run_two(plan: Any, store: Any, resources: Any, request: Any, *more: Any, ending: Any = ending) -> Any:
            if request.result.name == "3.tif":
                raise ending
            return real(plan, store, resources, request, *more)

        monkeypatch.setattr(sweep_run, "run_plan", run_two)
        capsys.readouterr()
        assert main([*words, "--maskblur=s1|s2|s5"]) == code
        told = capsys.readouterr().err
        assert "2 of 3 are done" in told
        assert "to go on: imfuse-tiles sweep" in told
        assert (folder / "index.html").read_text().count("<img ") == 2
        assert not (folder / "4.tif").exists()
    monkeypatch.setattr(sweep_run, "run_plan", real)
    assert main([*words, "--maskblur=s1|s2|s5"]) == 0
    assert sorted(path.name for path in folder.glob("*.tif")) == ["1.tif", "2.tif", "3.tif"]


def test_a_disk_too_small_for_all_results_is_found_out_before_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = list(map(str, stack_files(tmp_path / "stack")))
    words = ["sweep", *files, "--align=no", "--bg=mean", "--store", str(tmp_path / "store"), "-o", str(tmp_path / "d")]
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 3_000_000)
    assert main([*words, "--vary", "--gamma=1|1.5|2|2.5|3"]) == 2
    assert "of disk" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()
    assert main([*words, "--vary", "--gamma=1|1.5"]) == 0


def test_presets_vary_and_the_one_that_looks_at_the_frames_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = list(map(str, stack_files(tmp_path / "stack")))
    words = ["sweep", *files, "--align=no", "--crop=90x70+10+20", "--store", str(tmp_path / "store"), "-o"]
    assert main([*words, str(tmp_path / "d"), "--vary", "--preset=auto|default|macro-insect"]) == 0
    recipes = [" ".join(found) for found in json.loads((tmp_path / "d" / "sweep.json").read_text())["words"]]
    assert ["--bg=pyramid" in recipe for recipe in recipes] == [True, False, False]
    assert ["--statistic=r9" in recipe for recipe in recipes] == [False, True, False]
    assert "3 of 3: --preset=macro-insect  sharpness" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "e"), "--vary", "--preset=auto|default", "--preset", "default"]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cutless=p1|p2"], "several values are a variation: --vary '--cutless=p1|p2'"),
        (["--vary", "--cutless=p1|p1"], "p1 is the same as a value before it"),
        (["--vary", "--cutless=p1|p2", "--report", "r.html"], "--report is for one result: give it to --pick N"),
        (["--vary", "--cutless=p1|p2", "--format=png"], "--format is for one result"),
        (["--vary", "--cutless=p1|p2", "--pick", "1"], "--vary has no meaning with it"),
        (["--pick", "1"], "a.tif is not allowed"),
    ],
)
def test_words_that_a_sweep_has_no_use_for_are_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "a.tif", "-o", str(tmp_path / "none"), *words]) == 2
    assert message in capsys.readouterr().err


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
