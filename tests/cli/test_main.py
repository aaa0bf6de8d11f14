"""The command line from outside: exit codes, one line for what is wrong, nothing written, and quick help."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from stacks import frames, written

from imfuse_tiles import __version__
from imfuse_tiles.cli import main as main_module
from imfuse_tiles.cli.main import COMMANDS, main

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "cli.fuse_run",
    "cli.list_options",
    "cli.report_file",
    "cli.request_from_args",
    "cli.show_plan",
    "cli.show_run",
    "cli.verify",
    "errors",
)

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stack of three frames in ``in``, where the command runs, and a cache of its own."""
    written(tmp_path / "in", frames(3, shape=(80, 70)))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def shell(place: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs the command line; images of the stack take the place of IMAGES. Gives exit code, output, errors."""

    def run(*words: str) -> tuple[int, str, str]:
        images = sorted(str(path) for path in (place / "in").glob("s*.tif"))
        capsys.readouterr()
        code = main([each for word in words for each in (images if word == "IMAGES" else [word])])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_program_starts_no_threads_for_algebra_and_ends_without_a_search_for_cycles() -> None:
    told = "import gc, os; from imfuse_tiles.cli.main import program; print(program(), gc.get_freeze_count() > 0, "
    told += "os.environ['OPENBLAS_NUM_THREADS'])"
    for said, threads in (({}, 1), ({"OPENBLAS_NUM_THREADS": "3"}, 3)):
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | said
        command = [sys.executable, "-c", told, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        lines = done.stdout.splitlines()
        assert (lines[0], lines[-1]) == (f"imfuse-tiles {__version__}", f"0 True {threads}")


# A run


def test_a_run_writes_the_result_and_prints_its_name(shell: Shell, place: Path) -> None:
    code, out, err = shell("fuse", "--wavelet", "-o", "r.tif", "IMAGES")
    assert (code, out) == (0, "r.tif\n")
    assert "mask wavelet: 1 block," in err
    assert f"the store {place / 'cache' / 'imfuse-tiles'}" in err
    assert os.listdir(place / "work") == ["r.tif"]
    with tifffile.TiffFile("r.tif") as tiff:
        tags = {tag.name: tag.value for tag in tiff.pages[0].tags.values()}
        assert tiff.asarray().shape == (80, 70, 3)
        assert tiff.asarray().dtype == np.uint16
    assert tags["ImageDescription"] == "--wavelet=p5 --masklevel=t5"
    assert tags["Software"] == f"imfuse-tiles v{__version__}"


def test_extra_files_lie_beside_the_result(shell: Shell, place: Path) -> None:
    (place / "out").mkdir()
    code, _, _ = shell("fuse", "--wavelet", "-X", "-o", str(place / "out" / "r.tif"), "--quiet", "IMAGES")
    assert code == 0
    shapes = {path.name: tifffile.imread(path).shape for path in (place / "out").iterdir()}
    assert shapes == {
        "r.tif": (80, 70, 3),
        "r.mask.tif": (80, 70),
        "r.depthmap.tif": (80, 70, 4),
        "r.depth.tif": (80, 70),
    }


def computed(shell: Shell, *words: str) -> set[str]:
    """The stages of which a run computes anything."""
    assert shell("fuse", "--wavelet", *words, "--quiet", "--report", "r.json", "IMAGES")[0] == 0
    return {stage["name"] for stage in json.loads(Path("r.json").read_text())["stages"] if stage["computed"]}


def test_maps_are_made_when_they_are_asked_for_and_no_picture_is_written_twice(shell: Shell) -> None:
    assert computed(shell, "-o", "r.tif") >= {"read frames", "montage", "write result"}
    before = Path("r.tif").stat().st_mtime_ns
    assert computed(shell, "-X", "-o", "r.tif") == {"montage", "write result"}
    assert Path("r.tif").stat().st_mtime_ns == before
    assert Path("r.depth.tif").is_file()


def test_a_montage_that_was_made_with_its_maps_serves_without(shell: Shell) -> None:
    computed(shell, "-X", "-o", "r.tif")
    assert computed(shell, "--finalblur=t9", "-o", "other.tif") == {"write result"}


def test_quiet_prints_only_the_name(shell: Shell) -> None:
    assert shell("fuse", "--quiet", "--bg=mean", "-o", "r.tif", "IMAGES") == (0, "r.tif\n", "")


def test_quiet_prints_what_makes_another_picture_and_no_other_notes(shell: Shell, place: Path) -> None:
    (place / "in" / "notes.txt").write_text("of the day")
    tifffile.imwrite(place / "in" / "x_thumb.tif", np.zeros((20, 20, 3), np.uint8), photometric="rgb")
    folder = str(place / "in")
    told = shell("fuse", "--bg=mean", "-o", "r.tif", folder)[2]
    assert "note: left out: notes.txt, no images" in told
    left_out = "note: left out: x_thumb.tif, small pictures by their names\n"
    assert left_out in told
    assert shell("fuse", "--quiet", "--bg=mean", "-f", "-o", "r.tif", folder) == (0, "r.tif\n", left_out)
    assert shell("fuse", "--bg=mean", "IMAGES")[0] == 0
    name = shell("fuse", "--bg=mean", "IMAGES")
    assert name[2].startswith("already up to date")
    assert shell("fuse", "--quiet", "--bg=mean", "IMAGES") == (0, name[1], "")


def test_the_same_command_again_reads_and_writes_no_pixel(shell: Shell) -> None:
    words = ("fuse", "--wavelet", "--maskwave", "-o", "r.tif", "--quiet", "--report", "r.json", "IMAGES")
    assert shell(*words)[0] == 0
    first, before = json.loads(Path("r.json").read_text()), Path("r.tif").stat().st_mtime_ns
    assert all(stage["computed"] == stage["blocks"] > 0 and stage["reused"] == 0 for stage in first["stages"])
    assert shell(*words)[0] == 0
    second = json.loads(Path("r.json").read_text())
    assert all(stage["computed"] == 0 and stage["reused"] == stage["blocks"] > 0 for stage in second["stages"])
    assert Path("r.tif").stat().st_mtime_ns == before


def test_the_report_tells_everything_about_a_run(shell: Shell, place: Path) -> None:
    shell("fuse", "--wavelet", "-X", "-o", "r.tif", "--report", "r.json", "--quiet", "--tile", "32", "IMAGES")
    report = json.loads(Path("r.json").read_text())
    assert {"version", "options", "wall_seconds", "peak_rss_bytes", "output", "stages"} <= report.keys()
    assert report["version"] == __version__
    assert report["options"] == "--wavelet=p5 --masklevel=t5"
    assert set(report["output"]) == {"result", "mask", "depthmap", "depth"}
    assert report["peak_rss_bytes"] > 50 << 20
    names = {"name", "key", "kind", "halo", "blocks", "computed", "reused", "seconds", "bytes_read", "bytes_written"}
    assert all(names <= stage.keys() for stage in report["stages"])
    kinds = {stage["name"]: (stage["kind"], stage["halo"], stage["blocks"]) for stage in report["stages"]}
    assert kinds["read frames"][0] == "read"
    assert kinds["mask wavelet"] == ("local", 31, 9)
    assert kinds["normalise wavelet mask"][0] == "reduce"
    assert kinds["montage"] == ("fold", 0, 9)


def test_a_changed_late_option_computes_only_what_it_touches(shell: Shell) -> None:
    report = ["--report", "r.json", "--quiet", "IMAGES"]
    shell("fuse", "--wavelet", "--cutwave=p50", "-o", "a.tif", *report)
    shell("fuse", "--wavelet", "--cutwave=p60", "-o", "b.tif", *report)
    computed = {stage["name"]: stage["computed"] for stage in json.loads(Path("r.json").read_text())["stages"]}
    assert {name for name, count in computed.items() if count} == {"montage", "write result"}


def test_images_may_come_in_any_order(shell: Shell, place: Path) -> None:
    images = sorted(str(path) for path in (place / "in").glob("s*.tif"))
    assert shell("fuse", "--wavelet", "-o", "a.tif", *images)[0] == 0
    assert shell("fuse", "--wavelet", "-o", "b.tif", *images[::-1])[0] == 0
    assert shell("fuse", "--wavelet", "--revert", "-o", "c.tif", *images)[0] == 0
    a, b, c = (tifffile.imread(f"{name}.tif") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_options_may_be_shortened_and_stand_anywhere(shell: Shell) -> None:
    assert shell("fuse", "IMAGES", "--wave=p5", "--maskw", "--out", "r.tif", "--quiet")[0] == 0
    with tifffile.TiffFile("r.tif") as tiff:
        assert tiff.pages[0].description == "--wavelet=p5 --maskwave=p20 --masklevel=t5"


def test_a_result_without_a_name_is_named_after_sources_and_options(shell: Shell) -> None:
    code, out, _ = shell("fuse", "--wavelet", "--quiet", "-B", "--", "IMAGES")
    assert code == 0
    assert out.startswith("work")
    assert out.endswith(".result.tif\n")
    long = shell("fuse", "--wavelet", "--quiet", "-L", "IMAGES")[1]
    assert "--wavelet=p5--masklevel=t5" in long
    assert Path(long.strip()).is_file()


def test_eight_bits_are_the_sixteen_rounded(shell: Shell) -> None:
    shell("fuse", "--wavelet", "-o", "a.tif", "IMAGES")
    shell("fuse", "--wavelet", "-o", "b.tif", "--bits", "8", "IMAGES")
    sixteen, eight = tifffile.imread("a.tif"), tifffile.imread("b.tif")
    assert eight.dtype == np.uint8
    assert np.array_equal(eight, np.rint(sixteen / 257).astype(np.uint8))


def test_a_jpeg_shows_what_is_transparent_on_black(shell: Shell) -> None:
    """It must not turn out at the end of a run that the format holds no transparency."""
    words = ("--wavelet", "--cutalpha", "-X", "--quiet", "IMAGES")
    assert shell("fuse", "-o", "a.tif", *words)[0] == 0
    assert shell("fuse", "-o", "b.jpg", *words)[0] == 0
    samples = tifffile.imread("a.tif").astype(float) / 65535
    assert samples.shape[2] == 4
    assert samples[..., 3].min() < 0.5
    flat = np.asarray(Image.open("b.jpg"), float) / 255
    assert flat.shape == (80, 70, 3)
    assert np.abs(flat - samples[..., :3] * samples[..., 3:]).mean() < 0.02
    assert np.asarray(Image.open("b.depthmap.jpg")).shape == (80, 70, 3)


def test_nothing_asked_for_is_chosen_by_a_look_at_the_frames_and_printed(shell: Shell) -> None:
    code, _, err = shell("fuse", "-o", "r.tif", "IMAGES")
    assert code == 0
    assert "auto: --bg=pyramid" in err
    assert "noise" in err
    for name, words in (("named", ["--bg=pyramid"]), ("preset", ["--preset", "pyramid"]), ("auto", ["--preset=auto"])):
        assert shell("fuse", *words, "-o", f"{name}.tif", "IMAGES")[0] == 0
        assert np.array_equal(tifffile.imread("r.tif"), tifffile.imread(f"{name}.tif"))
    assert "auto" not in shell("fuse", "--quiet", "-o", "quiet.tif", "IMAGES")[2]


def test_what_is_done_to_masks_alone_is_put_into_the_default_preset(shell: Shell) -> None:
    assert "using --preset default" in shell("fuse", "--cutwave=p99", "-o", "r.tif", "IMAGES")[2]


# Plans


@pytest.mark.parametrize("words", [["plan"], ["fuse", "--dry-run"], ["plan", "--json"]])
def test_a_plan_writes_nothing(shell: Shell, place: Path, words: list[str]) -> None:
    before = files(place)
    code, out, err = shell(*words, "--wavelet", "--cutwave", "-o", "r.tif", "IMAGES")
    assert (code, err) == (0, "")
    assert files(place) == before
    if "--json" in words:
        plan = json.loads(out)
        assert [stage["name"] for stage in plan["stages"]][:2] == ["read frames", "mask wavelet"]
        assert plan["memory_bytes"] <= plan["memory_limit"]
        assert plan["disk_bytes"] == plan["disk_to_write_bytes"] > 0
    else:
        assert "mask wavelet" in out
        assert "still to be written" in out


def test_a_plan_tells_what_is_done_already(shell: Shell) -> None:
    words = ("--wavelet", "-o", "r.tif", "--tile", "40", "IMAGES")
    shell("fuse", *words)
    plan = json.loads(shell("plan", "--json", *words)[1])
    assert plan["disk_to_write_bytes"] == 0
    assert all(stage["done"] == stage["blocks"] for stage in plan["stages"])
    assert "time: nothing is left to be computed" in shell("plan", *words)[1]


# Refusals


def bad(place: Path) -> dict[str, Path]:
    """Files that cannot be a frame of the stack."""
    folder = place / "bad"
    folder.mkdir()
    good = frames(1, shape=(80, 70))[0]
    made = {
        name: folder / f"{name}.tif" for name in ("truncated", "text", "empty", "small", "grey", "eight", "missing")
    }
    whole = (place / "in" / "s00.tif").read_bytes()
    made["truncated"].write_bytes(whole[: len(whole) // 2])
    made["text"].write_text("no picture")
    made["empty"].write_bytes(b"")
    tifffile.imwrite(made["small"], np.moveaxis(good, 0, -1)[:60], photometric="rgb")
    tifffile.imwrite(made["grey"], good[0])
    tifffile.imwrite(made["eight"], np.moveaxis((good >> 8).astype(np.uint8), 0, -1), photometric="rgb")
    return made


@pytest.mark.parametrize(
    ("name", "part"),
    [("missing", "no such file"), ("text", "is no image that is read (see"), ("empty", "0 bytes"), ("truncated", ""),
     ("small", "is 70 x 60 pixels, not 70 x 80"), ("grey", "is grey, not RGB"), ("eight", "8-bit")],
)  # fmt: skip
@pytest.mark.parametrize("where", ["first", "last"])
def test_a_bad_image_is_named_and_nothing_is_written(
    shell: Shell, place: Path, name: str, part: str, where: str
) -> None:
    image = bad(place)[name]
    moved = place / "in" / ("a.tif" if where == "first" else "z.tif")
    if image.exists():
        image.rename(moved)
    before = files(place)
    code, out, err = shell("fuse", "--wavelet", "-o", "r.tif", "IMAGES", str(moved))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    # A frame that does not fit the others is named as the first that differs from the first.
    assert (part if where == "last" or name not in ("small", "grey", "eight") else "all frames must agree") in err
    assert moved.name in err
    assert files(place) == before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--wavlet"], "did you mean --wavelet"),
        (["--wavelet=R3"], "--wavelet takes"),
        (["--wavelet=p"], "p"),
        (["--wavelet=w60", "--blur=w60"], "allowed is at most 100%"),
        (["--wavelet=w100", "--blur"], "leave 0%"),
        (["--wavelet", "--cutwave", "--cutless"], "--cutless must be the first"),
        (["--wavelet", "--cutless", "--cutless"], "given once"),
        (["--wavelet", "--masklevel", "--masklevel"], "--masklevel is given 2 times"),
        (["--wavelet", "--frobnicate"], "--frobnicate"),
        (["--wavelet", "-Z"], "-Z"),
        (["--wavelet", "--tile", "5"], "--tile 5"),
        (["--wavelet", "--tile", "many"], "many"),
        (["--wavelet", "--workers", "0"], "--workers 0"),
        (["--wavelet", "--memory", "lots"], "--memory lots"),
        (["--wavelet", "--memory", "200M"], "--memory"),
        (["--wavelet", "--scheduler", "cloud"], "sync, threads"),
        (["--wavelet", "--bits", "12"], "8 or 16"),
        (["--preset", "nonesuch"], "default"),
        (["--bg=nonesuch"], "nonesuch"),
        (["--wavelet", "-o", "no/such/folder/r.tif"], "no such directory"),
        (["--wavelet", "-o", "r.bmp"], ".tif"),
        (["--wavelet", "-o", "."], "is a folder; name a file in it"),
        (["--wavelet", "--report", "no/such/folder/r.json"], "no/such/folder/r.json"),
        (["--wavelet", "--store", "../in"], "not a store"),
        (["--wavelet", "-o"], "-o"),
        (["--wavelet", "--output"], "--output needs a value"),
        (["--output", "--wavelet"], "--wavelet is an option"),
        (["--wavelet", "--basename=x", "-o", "r.tif"], "--basename"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is_written(
    shell: Shell, place: Path, words: list[str], part: str
) -> None:
    before = files(place)
    output = [] if "-o" in words or "--output" in words else ["-o", "r.tif"]
    code, out, err = shell("fuse", *output, "IMAGES", *words)
    assert (code, out) == (2, "")
    assert part in err
    assert err.startswith("imfuse-tiles: ")
    assert err.count("\n") == 1
    assert files(place) == before


def test_no_image_is_refused(shell: Shell) -> None:
    code, _, err = shell("fuse", "--wavelet", "-o", "r.tif")
    assert (code, err) == (2, "imfuse-tiles: no images given\n")


def test_an_output_that_is_there_is_kept_unless_force_is_given(shell: Shell, place: Path) -> None:
    Path("r.tif").write_text("mine")
    before = files(place)
    code, _, err = shell("fuse", "--wavelet", "-o", "r.tif", "IMAGES")
    assert code == 3
    assert "r.tif" in err
    assert "--force" in err
    assert files(place) == before
    assert shell("fuse", "--wavelet", "-o", "r.tif", "-f", "IMAGES")[0] == 0
    assert tifffile.imread("r.tif").shape[:2] == (80, 70)


def test_an_extra_file_that_is_there_is_noticed_before_anything_is_computed(shell: Shell, place: Path) -> None:
    Path("r.mask.tif").write_text("mine")
    before = files(place)
    code, _, err = shell("fuse", "--wavelet", "-X", "-o", "r.tif", "IMAGES")
    assert (code, "r.mask.tif" in err) == (3, True)
    assert files(place) == before


def test_a_store_in_use_is_exit_code_3(shell: Shell, place: Path) -> None:
    from imfuse_tiles.storage.store import Store

    store = Store(str(place / "store"))
    store.create()
    with store.locked():
        code, _, err = shell("fuse", "--wavelet", "-o", "r.tif", "--store", store.root, "IMAGES")
    assert code == 3
    assert f"process {os.getpid()}" in err


# Commands


def test_no_command_and_a_wrong_one_tell_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)
    assert main(["fly"]) == 2
    assert capsys.readouterr().err == f"imfuse-tiles: unknown command fly; allowed are {', '.join(COMMANDS)}\n"


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_names_every_command(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main([name, "--help"])
    except SystemExit as end:
        code = end.code  # type: ignore[assignment]
    assert code == 0
    assert len(capsys.readouterr().out) > 40


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--version"], ["fuse", "--version"]):
        assert main(words) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"imfuse-tiles {__version__}"
        assert lines[1].startswith(f"Python {sys.version_info[0]}.")
        assert {line.split()[0] for line in lines[2:]} >= {"numpy", "zarr", "dask", "numba", "tifffile"}
        assert f"numpy {np.__version__}" in lines


def test_a_bug_is_one_line_with_its_place_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(words: object) -> int:
        raise KeyError("oops")

    monkeypatch.setattr(main_module, "_dispatch", broken)
    assert main(["fuse"]) == 1
    assert "KeyError" in capsys.readouterr().err


# Quick help


@pytest.fixture(scope="module")
def outside() -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=480)

    return run


@pytest.mark.parametrize("words", [["--help"], ["fuse", "--help"], ["ops"], ["fuse", "--wavlet"]], ids=" ".join)
def test_help_and_refusals_load_no_heavy_library(
    words: list[str], outside: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    code = f"""
import sys
from imfuse_tiles.cli.main import main
main({words!r})
heavy = {{"numpy", "numba", "zarr", "dask", "scipy", "cv2", "PIL", "tifffile", "imagecodecs", "rich", "pywt", "psutil"}}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    assert outside("-c", code).stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [["--help"], ["fuse", "--help"]], ids=" ".join)
def test_help_answers_in_less_than_three_tenths_of_a_second(
    words: list[str], outside: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Processor time, since other programs run on this machine too; the help waits for nothing."""
    used = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert outside("-m", "imfuse_tiles", *words).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if used[-1] < 0.3:
            return
    pytest.fail(f"{min(used):.2f} s")


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "no/folder/r.tif"],
        ["-o", "r.bmp"],
        ["--video", "v.xyz"],
        ["--video=no/v.gif"],
        ["--report", "no/r.json"],
        ["-o", ""],
        ["--store="],
        ["--report="],
        ["--video=r.gif", "--report=./r.gif"],
        ["-o", "r.tif", "--video=r.tif"],
        ["--report=r.html", "--performance=r.html"],
        ["--report=r.json", "--save-transforms=r.json"],
    ],
    ids=" ".join,
)
def test_a_file_that_cannot_be_written_is_refused_before_frames_are_looked_at(shell: Shell, words: list[str]) -> None:
    code, _, err = shell("fuse", *words, "IMAGES")
    assert code == 2
    assert len(err.splitlines()) == 1
