"""Names of results, layers and options about them, through the command line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from stacks import frames, recipe_of, stack_of, written

from imfuse_tiles import __version__
from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal
from imfuse_tiles.planning.plan import make_plan, stages_from
from imfuse_tiles.planning.result_names import LONGEST, default_name, find_finished_result, result_digests

#: Modules without a test file of their own name.
TESTED_MODULES = ("planning.result_pages", "planning.run_history")

STACK = frames(4, shape=(90, 80))


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stack, in a folder to work in with a cache of its own."""
    paths = written(tmp_path / "in", STACK)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return [str(path) for path in paths]


def fuse(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a run that must succeed prints."""
    capsys.readouterr()
    assert main(["fuse", "--quiet", *words]) == 0
    return capsys.readouterr().out.strip()


def test_names_are_six_digits_of_the_images_and_six_of_the_options(tmp_path: Path) -> None:
    stack = stack_of(tmp_path / "in", STACK)
    plan, other = (make_plan(recipe_of(text), stack) for text in ("--wavelet", "--wavelet=p6"))
    name = default_name(plan, None, False, "tif").name
    assert re.fullmatch(r"[0-9a-f]{6}_[0-9a-f]{6}\.result\.tif", name)
    assert result_digests(plan)[:6] == result_digests(other)[:6]
    assert result_digests(plan)[7:] != result_digests(other)[7:]


def test_a_base_is_a_folder_or_begins_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan(recipe_of("--wavelet"), stack_of(tmp_path / "in", STACK))
    assert default_name(plan, "in", False, "png") == Path("in", f"{result_digests(plan)}.result.png")
    assert default_name(plan, "in/fly-", False, "tif") == Path("in", f"fly-{result_digests(plan)}.result.tif")
    assert default_name(plan, "", False, "tif").name == f"{tmp_path.name}{result_digests(plan)}.result.tif"
    long = default_name(plan, None, True, "tif").name
    assert long == f"{result_digests(plan)}--wavelet=p5--masklevel=t5.result.tif"


def test_a_long_name_is_no_longer_than_file_systems_allow(tmp_path: Path) -> None:
    plan = make_plan(recipe_of(" ".join(f"--blur=s{s}" for s in range(1, 40))), stack_of(tmp_path / "in", STACK))
    name = default_name(plan, None, True, "tif").name
    assert len(name) <= LONGEST + len(".result.tif")
    assert find_finished_result(plan, tmp_path, "tif") is None
    (tmp_path / name).touch()
    assert find_finished_result(plan, tmp_path, "tif") == tmp_path / name
    assert find_finished_result(plan, tmp_path, "png") is None


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    plan = make_plan(recipe_of("--wavelet"), stack_of(tmp_path / "in", STACK))
    with pytest.raises(Refusal, match="tif, png, jpg"):
        default_name(plan, None, False, "bmp")


def test_the_name_can_be_asked_for(images: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    name = fuse(capsys, "--wavelet", "--showname", *images)
    assert not (tmp_path / "cache").exists()
    assert fuse(capsys, "--wavelet", *images) == name
    assert fuse(capsys, "--version").startswith(f"imfuse-tiles {__version__}\n")


def test_a_result_that_is_there_is_not_made_again(images: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    name = fuse(capsys, "--wavelet", *images)
    before = Path(name).stat().st_mtime_ns
    assert main(["fuse", "--rmcache"]) == 0
    assert fuse(capsys, "--wavelet", *images) == name
    assert Path(name).stat().st_mtime_ns == before
    assert fuse(capsys, "--wavelet", "-f", *images) == name
    assert Path(name).stat().st_mtime_ns > before


def test_a_result_of_another_name_below_this_folder_is_found(
    images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = fuse(capsys, "--wavelet", *images)
    for folder, found in {"keep/2024": True, ".trash": False}.items():
        kept = Path(folder, f"fly-{name}")
        kept.parent.mkdir(parents=True)
        Path(name).rename(kept)
        assert fuse(capsys, "--wavelet", *images) == (str(kept) if found else name)
        kept.rename(name)
    assert main(["fuse", "--wavelet", "--bits=8", *images]) == 3, "there is one, but of 16 bits"


def test_a_result_of_a_file_that_was_edited_since_is_made_anew(
    images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (80, 90), "#102030").save("b.png")
    words = ("--wavelet", "--finalthreshold=t60", "--bg=b.png", *images)
    name = fuse(capsys, *words)
    assert fuse(capsys, *words) == name
    Image.new("RGB", (80, 90), "#302010").save("b.png")
    assert fuse(capsys, *words) != name


def test_layers_are_named_pages_that_make_the_result(images: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    name = fuse(capsys, "--wavelet", "--substacks=n2,r0", "--finalthreshold=t40", "--bg=#102030", "--layered", *images)
    assert "_layered.result.tif" in name
    with tifffile.TiffFile(name) as file:
        pages = {page.tags["PageName"].value: page.asarray() for page in file.pages}
    assert list(pages) == ["result", "background #102030", "substack 2-4", "substack 1-2"]
    canvas = pages["background #102030"][..., :3] / 65535
    for layer in ("substack 2-4", "substack 1-2"):
        opacity = pages[layer][..., 3:] / 65535
        canvas = pages[layer][..., :3] / 65535 * opacity + canvas * (1 - opacity)
    assert np.abs(canvas - pages["result"] / 65535).max() < 2 / 65535


def test_image_editors_find_all_pages_to_be_layers_of_one_picture(
    images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    # What GIMP looks at: a page that is no thumbnail and no mask, its name, its size, its place and its opacity.
    name = fuse(capsys, "--wavelet", "--finalthreshold=t40", "--bg=mean", "--layered", "--bits=8", *images)
    with tifffile.TiffFile(name) as file:
        assert [page.tags["PageName"].value for page in file.pages] == ["result", "background Mean", "substack 1-4"]
        for page in file.pages:
            assert page.subfiletype == 0
            assert page.shape[:2] == file.pages[0].shape[:2]
            assert not {"XPosition", "YPosition", "SubIFDs"} & {tag.name for tag in page.tags}
        for layer in file.pages[1:]:
            assert layer.shape[2] == 4
            assert layer.extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)


def test_layers_that_were_lost_are_made_again(
    images: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("--wavelet", "--finalalpha", "--bg=mean", "--layered", "--store", str(tmp_path / "s"), *images)
    fuse(capsys, "-o", "a.tif", *words)
    victim = next((tmp_path / "s" / "picture").glob("*/c/0/0/0"))
    victim.write_bytes(victim.read_bytes()[:-3])
    fuse(capsys, "-o", "b.tif", *words)
    for page in range(3):
        assert np.array_equal(tifffile.imread("a.tif", key=page), tifffile.imread("b.tif", key=page))


def test_only_tiff_has_layers(images: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuse", "--wavelet", "--bg=mean", "--layered", "-o", "r.png", *images]) == 2
    assert "PNG holds no layers; use .tif" in capsys.readouterr().err


def test_a_depth_map_as_jpeg_lies_on_black(images: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    fuse(capsys, "--wavelet", "-X", "-o", "r.jpg", *images)
    with Image.open("r.depthmap.jpg") as image:
        assert (image.mode, image.size) == ("RGB", (80, 90))


def test_tags_of_a_camera_are_copied_when_asked_for(
    images: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = Image.Exif()
    said[271], said[272] = "Canon", "EOS R5"
    Image.new("RGB", (8, 8)).save(tmp_path / "camera.jpg", exif=said)
    fuse(capsys, "--wavelet", f"--exif={tmp_path / 'camera.jpg'}", "-o", "r.tif", *images)
    fuse(capsys, "--wavelet", "-o", "plain.tif", *images)
    with tifffile.TiffFile("r.tif") as file, tifffile.TiffFile("plain.tif") as plain:
        tags, others = file.pages[0].tags, plain.pages[0].tags
        assert (tags["Make"].value, tags["Model"].value) == ("Canon", "EOS R5")
        assert tags["ImageDescription"].value == "--wavelet=p5 --masklevel=t5"
        assert "Make" not in others
        assert "Model" not in others
    assert main(["fuse", "--wavelet", "--exif=none.jpg", "-o", "x.tif", *images]) == 2


@pytest.mark.parametrize(
    ("step", "again"),
    [("mask", 5), ("level", 4), ("merge", 3), ("focus", 2), ("post", 1)],
)
def test_everything_from_a_step_on_is_computed_again(images: list[str], tmp_path: Path, step: str, again: int) -> None:
    import json

    words = ["fuse", "--quiet", "--wavelet", "--report", "report.json", "-o", "r.tif", *images]
    assert main(words) == 0
    first = Path("r.tif").read_bytes()
    assert main([*words, f"--force={step}"]) == 0
    stages = json.loads(Path("report.json").read_text())["stages"]
    assert [stage["computed"] > 0 for stage in stages] == [False] * (len(stages) - again) + [True] * again
    assert Path("r.tif").read_bytes() == first


def test_what_builds_on_a_step_is_computed_again_with_it(tmp_path: Path) -> None:
    plan = make_plan(recipe_of("--wavelet --maskfft --maskblur"), stack_of(tmp_path, STACK), block_limit=0)
    merged = [stage.key for stage in plan.stages if stage.name.startswith(("merge", "cells", "far"))]
    assert len(merged) == 4
    assert set(merged) <= set(stages_from(plan, "merge"))
    assert not set(merged) & set(stages_from(plan, "focus"))
