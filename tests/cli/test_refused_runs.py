"""What cannot be done is refused in one line, before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from program import Shell, contents
from stacks import frames


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
    before = contents(place)
    code, out, err = shell("fuse", "--wavelet", "-o", "r.tif", "IMAGES", str(moved))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    # A frame that does not fit the others is named as the first that differs from the first.
    assert (part if where == "last" or name not in ("small", "grey", "eight") else "all frames must agree") in err
    assert moved.name in err
    assert contents(place) == before


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
    before = contents(place)
    output = [] if "-o" in words or "--output" in words else ["-o", "r.tif"]
    code, out, err = shell("fuse", *output, "IMAGES", *words)
    assert (code, out) == (2, "")
    assert part in err
    assert err.startswith("imfuse-tiles: ")
    assert err.count("\n") == 1
    assert contents(place) == before


def test_no_image_is_refused(shell: Shell) -> None:
    code, _, err = shell("fuse", "--wavelet", "-o", "r.tif")
    assert (code, err) == (2, "imfuse-tiles: no images given\n")


def test_an_output_that_is_there_is_kept_unless_force_is_given(shell: Shell, place: Path) -> None:
    Path("r.tif").write_text("mine")
    before = contents(place)
    code, _, err = shell("fuse", "--wavelet", "-o", "r.tif", "IMAGES")
    assert code == 3
    assert "r.tif" in err
    assert "--force" in err
    assert contents(place) == before
    assert shell("fuse", "--wavelet", "-o", "r.tif", "-f", "IMAGES")[0] == 0
    assert tifffile.imread("r.tif").shape[:2] == (80, 70)


def test_an_extra_file_that_is_there_is_noticed_before_anything_is_computed(shell: Shell, place: Path) -> None:
    Path("r.mask.tif").write_text("mine")
    before = contents(place)
    code, _, err = shell("fuse", "--wavelet", "-X", "-o", "r.tif", "IMAGES")
    assert (code, "r.mask.tif" in err) == (3, True)
    assert contents(place) == before


def test_a_store_in_use_is_exit_code_3(shell: Shell, place: Path) -> None:
    from imfuse_tiles.storage.store import Store

    store = Store(str(place / "store"))
    store.create()
    with store.locked():
        code, _, err = shell("fuse", "--wavelet", "-o", "r.tif", "--store", store.root, "IMAGES")
    assert code == 3
    assert f"process {os.getpid()}" in err


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
