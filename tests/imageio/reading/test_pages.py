"""Files that hold several pictures: all of them are frames, or none is taken without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import parse_pages, read_header, read_rows

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.page_choice", "imageio.reading.tiff_pages")

PLANES = np.random.default_rng(3).integers(0, 65535, (5, 40, 60), np.uint16)


def behind_one_directory(path: Path, planes: np.ndarray, description: str, order: str = ">", rest: bytes = b"") -> Path:
    """Planes as ImageJ writes them beyond 4 GB: a directory of the first, the others behind it."""
    stored = planes.astype(planes.dtype.newbyteorder(order))
    tifffile.imwrite(path, stored[0], byteorder=order, metadata=None, photometric="minisblack", description=description)
    with path.open("ab") as file:
        file.write(stored[1:].tobytes() + rest)
    return path


def samples(path: Path, **how: str) -> np.ndarray:
    """The pixels of all frames of a file."""
    return np.stack([read_rows(header, 0, header.height)[0] for header in open_stack([path], **how).headers])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("description", ["ImageJ=1.53t\nimages=5\nslices=5\n", "ImageJ=1.53t\nslices=5\n"])
def test_planes_behind_one_directory_are_all_frames(tmp_path: Path, description: str, order: str) -> None:
    path = behind_one_directory(tmp_path / "a.tif", PLANES, description, order, b"more")
    assert np.array_equal(samples(path), PLANES)
    assert open_stack([path]).notices == (f"{path}: 5 frames of its 5 planes behind one directory",)
    assert len({header.name for header in open_stack([path]).headers}) == 5


def test_rows_of_a_plane_can_be_read_anywhere(tmp_path: Path) -> None:
    path = behind_one_directory(tmp_path / "a.tif", PLANES, "ImageJ=1\nimages=5\n")
    assert np.array_equal(read_rows(open_stack([path]).headers[3], 7, 19)[0], PLANES[3, 7:19])


def test_a_truncated_series_of_tifffile_is_all_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PLANES, photometric="minisblack", truncate=True)
    assert np.array_equal(samples(path), PLANES)


@pytest.mark.parametrize("kind", ["pages", "planes"])
def test_among_other_files_they_are_refused_with_their_number_and_the_option(tmp_path: Path, kind: str) -> None:
    one, path = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(one, PLANES[0])
    if kind == "pages":
        tifffile.imwrite(path, PLANES, photometric="minisblack", metadata=None)
        held = "5 pages: 5 of 60 x 40"
    else:
        behind_one_directory(path, PLANES, "ImageJ=1\nimages=5\n")
        held = "5 planes behind one directory"
    with pytest.raises(Refusal, match=rf"b\.tif: has {held}; --pages=all takes them as frames, --pages=1 the first"):
        open_stack([one, path])
    assert len(open_stack([one, path], pages="1")) == 2
    with pytest.raises(Refusal, match="has no page 3, it holds 1"):
        open_stack([one, path], pages="3")


def test_pages_are_chosen_by_number(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PLANES, photometric="minisblack", metadata=None)
    assert np.array_equal(samples(path), PLANES)
    assert np.array_equal(samples(path, pages="2-3,5"), PLANES[[1, 2, 4]])
    assert np.array_equal(
        samples(behind_one_directory(path, PLANES, "ImageJ=1\nimages=5\n"), pages="4,2"), PLANES[[3, 1]]
    )
    assert np.array_equal(samples(path, pages="1"), PLANES[:1])


@pytest.mark.parametrize("text", ["", "0", "3-1", "a", "1,,2", "1,1", "-2", "2-"])
def test_other_lists_of_pages_are_refused(text: str) -> None:
    with pytest.raises(Refusal, match="--pages"):
        parse_pages(text)


def test_different_pages_are_different_stacks(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PLANES, photometric="minisblack", metadata=None)
    digests = {open_stack([path], pages=pages).digest for pages in ("all", "1-4", "2-5", "5,4,3,2,1", "1")}
    assert len(digests) == 5


def test_missing_planes_are_a_truncated_file(tmp_path: Path) -> None:
    path = behind_one_directory(tmp_path / "a.tif", PLANES[:3], "ImageJ=1\nimages=5\n")
    with pytest.raises(Refusal, match="is truncated: it tells of 5 planes and holds 3"):
        read_header(path)


def test_a_single_slice_that_kept_the_words_of_its_stack_is_a_frame(tmp_path: Path) -> None:
    path = behind_one_directory(tmp_path / "a.tif", PLANES[:1], "ImageJ=1\nimages=5\n")
    assert np.array_equal(samples(path), PLANES[:1])


def test_planes_that_nobody_tells_of_are_not_dropped(tmp_path: Path) -> None:
    path = behind_one_directory(tmp_path / "a.tif", PLANES, "what a nice day")
    with pytest.raises(Refusal, match="holds the bytes of 5 planes behind one directory that tells of one"):
        open_stack([path])
    assert np.array_equal(samples(path, pages="1"), PLANES[:1])


@pytest.mark.parametrize("text", ["channels=5", "channels=5\nslices=1", "slices=2\nframes=3\nchannels=1"])
@pytest.mark.parametrize("one", [True, False])
def test_channels_and_times_are_no_slices(tmp_path: Path, text: str, one: bool) -> None:
    planes = np.concatenate([PLANES, PLANES[:1]]) if "frames" in text else PLANES
    path, description = tmp_path / "a.tif", f"ImageJ=1.53t\nimages={len(planes)}\n{text}\n"
    if one:
        behind_one_directory(path, planes, description)
    else:
        tifffile.imwrite(path, planes, photometric="minisblack", metadata=None, description=description)
    option = "--time=1 to --time=3" if "frames" in text else "--input-channel=1 to --input-channel=5"
    with pytest.raises(Refusal, match=rf"holds (5 channels|3 times); {option} chooses one, imfuse-tiles batch"):
        open_stack([path])
    assert len(open_stack([path], pages="1,3,5")) == 3


def test_channels_of_ome_are_no_slices(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, PLANES[:4].reshape(2, 2, 40, 60), metadata={"axes": "CZYX"}, photometric="minisblack")
    with pytest.raises(Refusal, match="holds 2 channels; --input-channel=1 to"):
        open_stack([path])


def test_a_slide_of_several_planes_gives_its_largest_pages(tmp_path: Path) -> None:
    path = tmp_path / "slide.svs"
    with tifffile.TiffWriter(path) as tif:
        for plane in PLANES:
            for step in (1, 2, 4):
                tif.write(plane[::step, ::step], tile=(16, 16), metadata=None, photometric="minisblack")
    stack = open_stack([path])
    assert np.array_equal(samples(path), PLANES)
    assert stack.notices == (f"{path}: 5 frames of its 15 pages: 5 of 60 x 40, 5 of 30 x 20 and 5 of 15 x 10",)


def test_pages_that_are_other_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        for picture in (PLANES[0], PLANES[1, :39, :58]):
            tif.write(picture, metadata=None, photometric="minisblack")
    with pytest.raises(Refusal, match=r"page 2: is 58 x 39 pixels, not 60 x 40 like .* page 1"):
        open_stack([path])


# What libtiff reads although the list of lengths is wrong


@pytest.mark.parametrize("count", ["zero", "missing", "long"])
@pytest.mark.parametrize("rows", [40, 7])
def test_uncompressed_strips_are_as_long_as_their_pixels(tmp_path: Path, count: str, rows: int) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PLANES[0], photometric="minisblack", metadata=None, rowsperstrip=rows)
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tag = tif.pages[0].tags["StripByteCounts"]
        values = [0] * tag.count if count != "long" else [size + 999 for size in tif.pages[0].databytecounts]
        tag.overwrite(values if tag.count > 1 else values[0])
        if count == "missing":
            tif.filehandle.seek(tag.offset)
            tif.filehandle.write((65000).to_bytes(2, "little"))
    assert np.array_equal(samples(path), PLANES[:1])


def test_a_single_compressed_strip_without_a_length_goes_on_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PLANES[0], photometric="minisblack", metadata=None, compression="zlib", rowsperstrip=40)
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages[0].tags["StripByteCounts"].overwrite(0)
    assert np.array_equal(samples(path), PLANES[:1])
