"""Folders, patterns and lists of files: frames are found, and what lies among them is left out with a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.find_stacks import find_stacks
from imfuse_tiles.imageio.image_files import find_images
from imfuse_tiles.imageio.notices import Hint
from imfuse_tiles.imageio.open_stack import open_stack

TESTED_MODULES = ("imageio.notices",)

PIXELS = np.random.default_rng(3).integers(0, 255, (20, 30, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three frames, the second of which has a later number."""
    place = tmp_path / "stack"
    place.mkdir()
    for name in ("f1.tif", "f10.tif", "f2.tif"):
        tifffile.imwrite(place / name, PIXELS, photometric="rgb")
    return place


def names(*words: object, **how: object) -> list[str]:
    return [header.path.name for header in open_stack([str(word) for word in words], **how).headers]  # type: ignore[arg-type]


def test_a_folder_is_its_images_in_order(folder: Path) -> None:
    assert names(folder) == ["f1.tif", "f2.tif", "f10.tif"]


def test_a_pattern_is_what_it_matches(folder: Path) -> None:
    assert names(folder / "f1*.tif") == ["f1.tif", "f10.tif"]
    assert names(folder.parent / "**" / "*.tif") == ["f1.tif", "f2.tif", "f10.tif"]
    with pytest.raises(Refusal, match=r"x\*\.tif: no such file, and none that it matches"):
        open_stack([folder / "x*.tif"])


def test_a_file_that_is_named_like_a_pattern_or_list_is_meant_itself(folder: Path) -> None:
    for name in ("*.tif", "@f.tif"):
        (folder / "f1.tif").rename(folder / name)
        assert names(folder / name) == [name]
        (folder / name).rename(folder / "f1.tif")


def test_a_list_names_files_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "list.txt").write_text("# the sharp ones\nf10.tif\n\n  f1.tif\r\n", "utf-8")
    assert names(f"@{folder / 'list.txt'}") == ["f1.tif", "f10.tif"]
    monkeypatch.chdir(folder.parent)
    assert names("@stack/list.txt", order="given") == ["f10.tif", "f1.tif"]
    (folder / "list.txt").write_text("\"f1.tif\"\n'f10.tif'\n")
    assert names("@stack/list.txt") == ["f1.tif", "f10.tif"]


@pytest.mark.parametrize(("content", "what"), [
    (b"", r"empty"), (b"# nothing\n", "names no files"), (b"\xff\xfe\x00f", "no text that can be read"),
])  # fmt: skip
def test_a_list_that_is_none_is_refused(folder: Path, content: bytes, what: str) -> None:
    (folder / "list.txt").write_bytes(content)
    with pytest.raises(Refusal, match=what):
        open_stack([f"@{folder / 'list.txt'}"])


def test_what_lies_among_frames_is_left_out_with_a_line_for_each_kind(folder: Path) -> None:
    for name in ("._f1.tif", ".DS_Store", "f1.xmp", "notes.txt", "a.mov", "b.csv"):
        (folder / name).write_bytes(b"\0\x05\x16\x07 of the system")
    Image.fromarray(PIXELS[::4, ::4]).save(folder / "f1_thumb.jpg")
    Image.fromarray(PIXELS[::2, ::2]).save(folder / "sheet.jpg")
    Image.fromarray(PIXELS).save(folder / "f2.jpg")
    stack = open_stack([folder])
    assert [header.path.name for header in stack.headers] == ["f1.tif", "f2.tif", "f10.tif"]
    assert stack.notices == (
        "left out: .DS_Store, ._f1.tif, hidden",
        "left out: a.mov, b.csv, f1.xmp and 1 more, no images",
        "left out: f1_thumb.jpg, small pictures by their names",
        "left out: f2.jpg, beside better files of the same names",
        "left out: sheet.jpg, small pictures by their size",
    )
    told_quietly = [notice for notice in stack.notices if not isinstance(notice, Hint)]
    assert [notice.split()[2] for notice in told_quietly] == ["f1_thumb.jpg,", "f2.jpg,", "sheet.jpg,"]


def test_nothing_that_is_named_is_left_out(folder: Path) -> None:
    (folder / "f1.xmp").write_text("<x/>")
    with pytest.raises(Refusal, match=r"f1\.xmp: is no image"):
        open_stack([folder / "f1.tif", folder / "f1.xmp"])


def test_what_is_named_and_found_is_one_frame(folder: Path) -> None:
    assert names(folder, folder / "*.tif", folder / "f1.tif") == ["f1.tif", "f2.tif", "f10.tif"]


def test_a_damaged_image_of_a_folder_is_refused_and_not_left_out(folder: Path) -> None:
    (folder / "f3.tif").write_bytes(b"")
    with pytest.raises(Refusal, match=r"f3\.tif: is empty"):
        open_stack([folder])


def test_frames_that_are_all_called_previews_are_frames(tmp_path: Path) -> None:
    for number in range(3):
        tifffile.imwrite(tmp_path / f"preview_{number}.tif", PIXELS, photometric="rgb")
    assert len(names(tmp_path)) == 3


def test_numbers_behind_a_point_are_no_endings(tmp_path: Path) -> None:
    for number in range(3):
        tifffile.imwrite(tmp_path / f"scan.{number}", PIXELS, photometric="rgb")
    assert names(tmp_path) == ["scan.0", "scan.1", "scan.2"]


def test_folders_without_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(Refusal, match="is a directory of 1 folders without files; name one of them"):
        open_stack([tmp_path])
    (tmp_path / "a" / "notes.txt").write_text("x")
    with pytest.raises(Refusal, match=r"no images there, only .* \(1 \.txt\); .*notes\.txt: is no image that is read"):
        open_stack([tmp_path / "a"])


def test_a_folder_of_images_that_are_not_read_says_what_lies_there(tmp_path: Path) -> None:
    for name in ("2.bmp", "1.BMP", "notes.txt", "README", ".hidden"):
        (tmp_path / name).write_bytes(b"BM of another program" if "m" in name.lower()[-3:] else b"x")
    with pytest.raises(Refusal) as refused:
        open_stack([tmp_path])
    assert str(refused.value) == (
        f"{tmp_path}: no images there, only files of other kinds (2 .bmp, 1 without an ending, 1 .txt); "
        f"{tmp_path / '1.BMP'}: is a BMP, which is not read; convert it to TIFF"
    )
    with pytest.raises(Refusal, match=r"no stacks there: no images there, only files of other kinds \(2 \.bmp"):
        find_stacks([tmp_path])


def test_a_link_to_nothing_that_is_called_like_a_frame_is_refused(folder: Path) -> None:
    (folder / ".#f1.tif").symlink_to("lock of an editor")
    (folder / "notes.txt").symlink_to("nowhere")
    assert len(names(folder)) == 3
    for target in ("nowhere", "f3.tif"):
        (folder / "f3.tif").symlink_to(target)
        with pytest.raises(Refusal, match=r"f3\.tif: is a link to a file that is not there"):
            open_stack([folder])
        (folder / "f3.tif").unlink()


def test_a_frame_that_is_missing_among_others_is_told(folder: Path) -> None:
    for number in (1, 2, 4, 5, 6):
        tifffile.imwrite(folder / f"s{number}.tif", PIXELS + np.uint8(number), photometric="rgb")
    stack = open_stack([folder / "s*.tif"])
    assert stack.notices == ("numbers are skipped between s2.tif and s4.tif: frames may be missing",)


def test_a_folder_of_hidden_files_holds_no_images(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").write_bytes(b"x")
    with pytest.raises(Refusal, match="no images there, only hidden files"):
        open_stack([tmp_path])


def test_an_empty_name_is_not_the_folder_one_is_in() -> None:
    with pytest.raises(Refusal, match="the name of an image is empty"):
        find_images([""], [])
