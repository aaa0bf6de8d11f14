"""Bad files are refused in one line, wherever they stand in the stack, and odd ones are read as documented."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from corpus import BAD, BLOCKS, IMAGE, IMAGE8, NAMES, ODD, SPOILED, exact_jpeg, grey, tiff

from imfuse_tiles.cli.main import main

POSITIONS = {"first": 0, "middle": 1, "last": 2}
OPTIONS = ("--blur=s1,S2", "--maskblur=s2", "--cutblur=s1", "--workers", "1", "--memory", "800M", "--quiet")


@pytest.fixture
def stack(tmp_path):
    """A stack of three files, one of which is made by ``make`` if it is not to be plain."""

    def written(make=tiff, position=None, plain=tiff, name="f{}.tif") -> list[Path]:
        folder = tmp_path / "stack"
        folder.mkdir(exist_ok=True)
        paths = [folder / name.format(number) for number in range(3)]
        for number, path in enumerate(paths):
            (make if number == position else plain)(path)
        return paths

    return written


@pytest.fixture
def fused(called, tmp_path):
    """The program on a stack: how it ended, and the pixels of the result if there is one."""

    def run(*words, name="r"):
        result = tmp_path / f"{name}.tif"
        ended = called("fuse", *OPTIONS, "--store", tmp_path / f"{name}.store", "-o", result, *words)
        return ended, tifffile.imread(result) if result.exists() else None

    return run


def nothing_written(folder: Path) -> bool:
    return [path.name for path in folder.iterdir()] == ["stack"]


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_in_one_line_and_nothing_is_written(kind, position, stack, fused, tmp_path):
    paths = stack(BAD[kind][0], POSITIONS[position])
    ended, _ = fused(*paths)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert f": {paths[POSITIONS[position]]}: " in ended.line
    assert nothing_written(tmp_path)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("kind", SPOILED)
def test_what_only_shows_when_pixels_are_decoded_leaves_nothing_behind(kind, position, stack, fused, tmp_path):
    plain = stack_like(kind)
    paths = stack(SPOILED[kind], POSITIONS[position], plain)
    ended, _ = fused(*paths)
    assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
    assert f": {paths[POSITIONS[position]]}: " in ended.line
    assert nothing_written(tmp_path)


def stack_like(kind):
    """What writes plain files of the same type."""
    if kind in ("not a number", "infinity", "minus infinity"):
        return lambda path: tiff(path, (IMAGE / 65535).astype("f4"))
    eight = "JPEG" in kind or kind == "a strip that grows beyond measure"
    return lambda path: tiff(path, IMAGE8 if eight else IMAGE)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> np.ndarray:
    """What the program makes of three plain files."""
    place = tmp_path_factory.mktemp("plain")
    paths = [place / f"f{number}.tif" for number in range(3)]
    for path in paths:
        tiff(path)
    words = ["fuse", *OPTIONS, "--store", place / "store", "-o", place / "r.tif", *paths]
    assert main([str(word) for word in words]) == 0
    return tifffile.imread(place / "r.tif")


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_file_is_read_like_a_plain_one(kind, position, stack, fused, plain):
    ended, odd = fused(*stack(ODD[kind], POSITIONS[position]), name="odd")
    assert ended.code == 0, ended.err
    assert np.array_equal(odd, plain)


CONVERTED = {
    "0 is white": (lambda path: grey(path, 65535 - IMAGE[..., 0], photometric="miniswhite"), IMAGE[..., 0]),
    "half floats": (lambda path: grey(path, (BLOCKS / 256).astype("f2")), (BLOCKS / 256).astype("f4")),
    "double floats": (lambda path: grey(path, BLOCKS / 256), (BLOCKS / 256).astype("f4")),
    "a JPEG": (exact_jpeg, BLOCKS),
}


@pytest.mark.parametrize("kind", CONVERTED)
def test_what_is_converted_gives_what_the_converted_file_gives(kind, stack, fused):
    make, image = CONVERTED[kind]
    _, plain = fused(*stack(plain=lambda path: grey(path, image)), name="plain")
    ended, odd = fused(*stack(make, 1, plain=lambda path: grey(path, image)), name="odd")
    assert ended.code == 0, ended.err
    assert np.array_equal(odd, plain)


DIFFERENT = {
    "another size": lambda path: tiff(path, IMAGE[:-1]),
    "turned": lambda path: tiff(path, np.ascontiguousarray(np.rot90(IMAGE))),
    "another depth": lambda path: tiff(path, IMAGE8),
    "floats": lambda path: tiff(path, IMAGE.astype("f4")),
    "grey": lambda path: grey(path, IMAGE[..., 0]),
}


@pytest.mark.parametrize("position", ["middle", "last"])
@pytest.mark.parametrize("kind", DIFFERENT)
def test_a_frame_unlike_the_others_is_named(kind, position, stack, fused, tmp_path):
    paths = stack(DIFFERENT[kind], POSITIONS[position])
    ended, _ = fused(*paths)
    assert (ended.code, f": {paths[POSITIONS[position]]}: " in ended.line) == (2, True)
    assert "all frames must agree" in ended.line
    assert nothing_written(tmp_path)


# Stacks that are small, flat or twice there

SMALL = [(1, 1), (1, 7), (7, 1), (3, 3), (2, 40)]


@pytest.mark.parametrize("shape", SMALL, ids=str)
@pytest.mark.parametrize("count", [1, 2])
def test_images_smaller_than_the_halo_are_fused(shape, count, fused, tmp_path):
    (tmp_path / "stack").mkdir()
    paths = [tmp_path / "stack" / f"{number}.tif" for number in range(count)]
    for number, path in enumerate(paths):
        tiff(path, np.random.default_rng(number).integers(0, 65535, (*shape, 3), np.uint16))
    ended, image = fused("--wavelet", "--cutwave", "--finalblur=s3", *paths)
    empty = 6 if shape == (1, 1) else 0  # a pixel has no edge
    assert (ended.code, image.shape[:2]) == (empty, shape), ended.err


@pytest.mark.parametrize("value", [0, 30000, 65535])
def test_constant_frames_are_fused(value, fused, stack):
    paths = stack(plain=lambda path: tiff(path, np.full_like(IMAGE, value)))
    ended, image = fused("--darkness", "--wavelet", *paths)
    assert ended.code == (6 if value == 65535 else 0), ended.err  # nothing is dark there
    assert np.isfinite(image).all()


def test_a_single_slice_is_its_own_background(fused, stack):
    ended, image = fused("--bg=mean", stack()[0])
    assert ended.code == 0
    assert np.abs(image[..., :3].astype(int) - IMAGE).max() <= 1


def test_the_same_content_twice_is_allowed_the_same_file_is_not(fused, stack, tmp_path):
    paths = stack()
    assert fused(*paths)[0].code == 0
    for again in (paths[1], paths[1].parent / "." / ".." / "stack" / paths[1].name):
        ended, _ = fused(*paths, again, name="twice")
        assert (ended.code, "is given twice" in ended.line) == (2, True)
    (tmp_path / "stack" / "link.tif").symlink_to(paths[1])
    ended, _ = fused(*paths, tmp_path / "stack" / "link.tif", name="twice")
    assert (ended.code, "is given twice" in ended.line) == (2, True)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_oddly_named_files_are_files(name, fused, stack, tmp_path, monkeypatch):
    odd = tmp_path / "stack" / name
    paths = stack()
    shutil.copy(paths[1], odd)
    before = set(os.listdir(tmp_path / "stack"))
    monkeypatch.chdir(tmp_path / "stack")
    ended, image = fused("--", name, paths[2])
    assert ended.code == 0, ended.err
    assert image is not None
    assert set(os.listdir(tmp_path / "stack")) == before


def test_images_in_a_folder_that_cannot_be_written_are_read(fused, stack, tmp_path):
    for path in stack():
        path.chmod(0o444)
    (tmp_path / "stack").chmod(0o555)
    try:
        assert fused(*sorted((tmp_path / "stack").iterdir()))[0].code == 0
    finally:
        (tmp_path / "stack").chmod(0o755)
