"""Many stacks: found in folders, by names, by times and in files; a bad one does not stop the others."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from program import begin, finished, run, until
from stacks import frames, written

from imfuse_tiles.cli import batch as batch_command
from imfuse_tiles.cli import batch_run
from imfuse_tiles.cli.batch import NOT_HERE
from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.find_stacks import find_stacks
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "cli.batch_run",
    "imageio.find_stacks",
    "imageio.group_images",
)

HOW = ("--bg=max", "--align=no", "--balance=no", "--quiet", "--workers", "1")
PIXELS = np.random.default_rng(3).integers(0, 255, (20, 30, 3), np.uint8)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three folders of stacks, the second of which has a damaged frame."""
    for name in ("a", "b", "c/deep"):
        (tmp_path / "in" / name).mkdir(parents=True)
        written(tmp_path / "in" / name, frames(3, shape=(60, 70)))
    (tmp_path / "in" / "b" / "bad.tif").write_bytes(b"II*\0")
    (tmp_path / "in" / "notes.txt").write_text("x")
    return tmp_path / "in"


def named(*parents: Path, **how: object) -> dict[str, list[str]]:
    """Names of the stacks and of their files."""
    return {stack.name: [path.name for path in stack.images] for stack in find_stacks(parents, **how)}  # type: ignore[arg-type]


def test_a_stack_for_each_folder_goes_on_after_a_bad_one_and_resumes(folders: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    words = ["batch", *HOW, "--store", str(tmp_path / "stores"), "-o", str(out), str(folders)]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "imfuse-tiles: b: " in told
    assert "bad.tif: damaged TIFF" in told
    assert "1 of 3 stacks are not done: b" in told
    assert sorted(path.name for path in out.iterdir()) == ["a.tif", "batch.json", "c_deep.tif"]
    alone = tmp_path / "alone.tif"
    assert main(["fuse", *HOW, "--store", str(tmp_path / "x"), "-o", str(alone), str(folders / "a")]) == 0
    assert np.array_equal(tifffile.imread(alone), tifffile.imread(out / "a.tif"))
    report = json.loads((out / "batch.json").read_text())
    assert (report["done"], report["failed"], report["stacks"]["b"]["code"]) == (2, 1, 2)
    assert sum(stage["computed"] for stage in report["stacks"]["a"]["report"]["stages"]) > 0
    (folders / "b" / "bad.tif").unlink()
    assert main(words) == 0
    report = json.loads((out / "batch.json").read_text())
    assert [sum(stage["computed"] for stage in report["stacks"][name]["report"]["stages"]) > 0 for name in "ab"] == [
        False, True,
    ]  # fmt: skip


def test_pictures_that_are_not_read_are_named_with_their_folder(folders: Path, tmp_path: Path, capsys) -> None:
    (folders / "b" / "bad.tif").unlink()
    for name in ("d/1.bmp", "d/2.bmp", "d/notes.txt", "a/3.gif"):
        (folders / name).parent.mkdir(exist_ok=True)
        (folders / name).write_bytes({"p": b"BM of another program", "f": b"GIF89a", "t": b"x"}[name[-1]])
    words = ["batch", *HOW, "--store", str(tmp_path / "stores"), "-o", str(tmp_path / "out"), str(folders)]
    assert main(words) == 0
    told = capsys.readouterr().err.splitlines()
    assert told == [
        f"note: {folders / 'a'}: left out: 3.gif: a GIF is not read; convert to TIFF",
        f"note: {folders / 'd'}: left out: 1.bmp, 2.bmp: a BMP is not read; convert to TIFF",
    ]
    assert not (tmp_path / "out" / "d.tif").exists()


def test_what_is_left_out_is_told_once_while_folders_are_watched(folders: Path, tmp_path: Path, capsys) -> None:
    (folders / "1.bmp").write_bytes(b"BM of another program")
    args, recipe = batch_command.arguments.parse_fuse_args(
        batch_command.parser(), [*HOW, "--store", str(tmp_path / "stores"), "-o", str(tmp_path), str(folders)]
    )
    batch_run.watch(batch_run.BatchRun(args, recipe), 1e6, looks=3)
    assert capsys.readouterr().err.count("1.bmp") == 1


def test_results_among_the_folders_are_no_stacks(folders: Path, capsys) -> None:
    (folders / "b" / "bad.tif").unlink()
    words = ["batch", *HOW, "--store", str(folders.parent / "stores"), "-o", str(folders / "out"), str(folders)]
    assert main(words) == 0
    assert main([*words, "--dry-run"]) == 0
    assert capsys.readouterr().out.count(": 3 files, ") == 3


def test_a_store_beside_its_images_is_no_stack(tmp_path: Path) -> None:
    written(tmp_path / "a", frames(2, shape=(30, 40)))
    Store(str(tmp_path / "a" / "store")).create()
    assert list(named(tmp_path)) == ["a"]


def test_names_that_differ_in_their_last_number_are_a_stack(tmp_path: Path) -> None:
    for name in ("ant_1", "ant_2", "ant_10", "bee-01b", "bee-02b", "7", "8"):
        tifffile.imwrite(tmp_path / f"{name}.tif", PIXELS, photometric="rgb")
    assert named(tmp_path, group="name") == {
        "stack": ["7.tif", "8.tif"], "ant": ["ant_1.tif", "ant_2.tif", "ant_10.tif"],
        "bee": ["bee-01b.tif", "bee-02b.tif"],
    }  # fmt: skip
    assert len(named(tmp_path, group="file")) == 7


@pytest.mark.parametrize("by_camera", [True, False])
def test_a_gap_in_time_begins_another_stack(by_camera: bool, tmp_path: Path) -> None:
    for number, second in enumerate((0, 1, 2, 30, 31, 58)):
        exif = Image.Exif()
        if by_camera:
            exif.get_ifd(0x8769)[36867] = f"2026:01:02 03:04:{second:02}"
        Image.fromarray(PIXELS).save(tmp_path / f"f{number}.jpg", exif=exif)
        os.utime(tmp_path / f"f{number}.jpg", (1e9 + (0 if by_camera else second),) * 2)
    assert [len(files) for files in named(tmp_path, group="time").values()] == [3, 2, 1]
    assert [len(files) for files in named(tmp_path, group="time", gap=27.5).values()] == [3, 3] or not by_camera
    assert list(named(tmp_path, group="time")) == ["f0", "f3", "f5"]


def test_each_time_and_channel_of_a_file_is_a_stack(tmp_path: Path) -> None:
    stack = np.random.default_rng(1).integers(0, 65535, (2, 3, 4, 50, 60), np.uint16)
    tifffile.imwrite(tmp_path / "x.ome.tif", stack, metadata={"axes": "TCZYX"}, photometric="minisblack")
    words = ["batch", *HOW, "--store", str(tmp_path / "s"), "-o", str(tmp_path / "out")]
    assert main([*words, str(tmp_path / "x.ome.tif")]) == 0
    for t in range(2):
        for c in range(3):
            found = tifffile.imread(tmp_path / "out" / f"x_time{t + 1}_channel{c + 1}.tif")
            assert np.array_equal(found, stack[t, c].max(0))


def test_fuse_takes_the_time_channel_and_level_that_are_named(tmp_path: Path) -> None:
    stack = np.random.default_rng(1).integers(0, 65535, (2, 3, 4, 64, 96), np.uint16)
    with tifffile.TiffWriter(tmp_path / "x.ome.tif") as tif:
        tif.write(stack, subifds=1, metadata={"axes": "TCZYX"}, photometric="minisblack")
        tif.write(stack[..., ::2, ::2], subfiletype=1, photometric="minisblack")
    for level, step in ((0, 1), (1, 2)):
        words = ["--time", "2", "--input-channel", "3", f"--input-level={level}", "--store", str(tmp_path / "s")]
        result = tmp_path / f"{level}.tif"
        assert main(["fuse", *HOW, *words, "-o", str(result), str(tmp_path / "x.ome.tif")]) == 0
        assert np.array_equal(tifffile.imread(result), stack[1, 2, :, ::step, ::step].max(0))


def test_files_of_several_pictures_are_taken_one_by_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.zeros((4, 20, 30), np.uint8), photometric="minisblack")
    assert named(tmp_path) == {"a": ["a.tif"], "b": ["b.tif"]}


def test_stacks_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for parent in ("p", "q"):
        (tmp_path / parent / "a").mkdir(parents=True)
        tifffile.imwrite(tmp_path / parent / "a" / "f.tif", PIXELS, photometric="rgb")
    assert list(named(tmp_path / "p", tmp_path / "q")) == ["a", "a_2"]


@pytest.mark.parametrize(("words", "what"), [
    (["-o", "out"], "no folders given"), (["."], "missing: -o DIR"), (["-o", "out", "no"], "no such file or"),
    (["-o", "out", "."], "no stacks there"), (["-o", "out", "--group", "day", "."], "--group day: allowed are folder"),
    (["-o", "out", "--watch=x", "."], "--watch x: allowed is a number"),
    (["-o", "out", "--report=r.html", "."], "the report of a batch is JSON"),
    (["-o", "out", ".", "-B"], "does not take --basename"),
    (["-o", ".", "."], "-o .: is where the stacks are looked for"),
    (["-o", "out", "--watch", "--part=1/2", "."], "--watch runs by itself"), (["-o", "f", "."], "f: is no folder"),
])  # fmt: skip
def test_wrong_words_are_refused(words: list[str], what: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    if what.startswith("f:"):
        (tmp_path / "f").write_text("x")
    assert main(["batch", "--bg=max", *words]) == 2
    assert what in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_is_fused_when_it_has_been_quiet_for_a_while(folders: Path, tmp_path: Path, monkeypatch) -> None:
    (folders / "b" / "bad.tif").unlink()
    for path in folders.rglob("*.tif"):
        os.utime(path, (1e9, 1e9))
    late = folders / "a" / "f9.tif"
    late.write_bytes((folders / "a").joinpath(sorted(os.listdir(folders / "a"))[0]).read_bytes())
    run_of = watched(folders, tmp_path / "out", tmp_path / "stores")
    assert sorted(run_of(60, 1)) == ["b", "c_deep"]
    assert sorted(run_of(0, 1)) == ["a", "b", "c_deep"]


def watched(folders: Path, out: Path, stores: Path) -> Callable[[float, int], list[str]]:
    """Look at the folders some times; the names of stacks that are fused."""

    def look(quiet_time: float, looks: int) -> list[str]:
        words = [*HOW, "--store", str(stores), "-o", str(out), "--watch", "30", str(folders)]
        args, recipe = batch_command.arguments.parse_fuse_args(
            batch_command.parser(), ["--watch=30", *words[:-3], words[-1]]
        )
        args.words = ["batch"]
        out.mkdir(exist_ok=True)
        run_all = batch_run.BatchRun(args, recipe)
        assert batch_run.watch(run_all, quiet_time, looks) == 0
        return list(run_all.entries)

    return look


def test_watching_ends_with_a_signal_and_keeps_what_is_done(folders: Path, tmp_path: Path) -> None:
    (folders / "b" / "bad.tif").unlink()
    process = begin("batch", *HOW, "--store", tmp_path / "stores", "-o", tmp_path / "out", "--watch=0", folders)
    report = tmp_path / "out/batch.json"
    assert until(lambda: report.exists() and json.loads(report.read_text())["done"] == 3, pause=0.1)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.tif", "b.tif", "c_deep.tif", "batch.json"}


def test_parts_share_the_blocks_of_each_stack(folders: Path, tmp_path: Path) -> None:
    (folders / "b" / "bad.tif").unlink()
    words = ("batch", *HOW, "--tile", "32", "--store", tmp_path / "stores", "-o", tmp_path / "out")
    second = begin(*words, "--part=2/2", folders)
    first = run(*words, "--part=1/2", folders)
    assert (first.code, finished(second).code) == (0, 0), first.err
    reports = {path.name for path in (tmp_path / "out").glob("*.json")}
    assert reports == {"batch.part1.json", "batch.part2.json"}
    assert len(list((tmp_path / "out").glob("*.tif"))) == 3


def test_a_parent_that_is_no_folder_of_stacks(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no stacks there"):
        find_stacks([tmp_path])


def test_the_help_names_only_what_a_batch_takes(capsys) -> None:
    assert main(["batch", "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("usage: imfuse-tiles batch [OPTIONS] PLACE...")
    assert "-o, --output DIR" in told
    assert "--mask-channel N|NAME" in told
    assert [name for name in NOT_HERE if f"--{name.replace('_', '-')} " in told] == []
