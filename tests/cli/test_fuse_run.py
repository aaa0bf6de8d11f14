"""A run from the command line: its result, the files beside it, what it prints, and what it does not compute again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from program import Shell

from imfuse_tiles import __version__

#: Modules without a test file of their own name.
TESTED_MODULES = ("cli.report_file", "cli.request_from_args", "cli.show_run")


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
