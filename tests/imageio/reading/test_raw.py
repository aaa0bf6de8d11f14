"""Raw files are refused in a photographer's words; their thumbnails are never taken for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import read_header

RGB = np.random.default_rng(3).integers(0, 255, (40, 60, 3), np.uint8)
SENSOR = RGB[..., 1].astype(np.uint16) * 256
PLAIN = {"photometric": "rgb", "metadata": None}


def with_dng_tags(path: Path) -> None:
    tifffile.imwrite(path, RGB, extratags=[(50706, "B", 4, (1, 4, 0, 0), True)], **PLAIN)


def behind_a_thumbnail(path: Path) -> None:
    """The real picture in a tree below an untagged thumbnail."""
    with tifffile.TiffWriter(path) as tif:
        tif.write(RGB[::4, ::4], subifds=1, **PLAIN)
        tif.write(RGB, **PLAIN)


def sensor_below(path: Path) -> None:
    with tifffile.TiffWriter(path) as tif:
        tif.write(RGB, subifds=1, **PLAIN)
        tif.write(SENSOR, photometric=32803, metadata=None)


def sensor_behind(path: Path) -> None:
    with tifffile.TiffWriter(path) as tif:
        tif.write(RGB, **PLAIN)
        tif.write(SENSOR, photometric=32803, metadata=None, subfiletype=1)


def behind_a_reduced_page(path: Path) -> None:
    """A larger picture that says of itself to be the reduced one."""
    with tifffile.TiffWriter(path) as tif:
        tif.write(RGB[::4, ::4], **PLAIN)
        tif.write(RGB, subfiletype=1, **PLAIN)


BY_CONTENT = [with_dng_tags, behind_a_thumbnail, sensor_below, sensor_behind, behind_a_reduced_page]


@pytest.mark.parametrize("write", BY_CONTENT)
def test_a_raw_file_is_known_by_its_content(write, tmp_path: Path) -> None:
    write(tmp_path / "a.tif")
    with pytest.raises(Refusal, match=r"a\.tif: is a camera raw file \(.*\); develop it to TIFF first"):
        read_header(tmp_path / "a.tif")


@pytest.mark.parametrize("ending", ["CR2", "nef", "ARW", "dng", "pef"])
def test_a_tiff_with_the_name_of_a_raw_file_is_one(ending: str, tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / f"a.{ending}") as tif:
        for step in (1, 8, 4, 2):
            tif.write(RGB[::step, ::step], **PLAIN)
    with pytest.raises(Refusal, match="is a camera raw file") as refusal:
        read_header(tmp_path / f"a.{ending}")
    assert "pages" not in str(refusal.value)


@pytest.mark.parametrize(
    "start",
    [b"FUJIFILMCCD-RAW 0201", b"FOVb\0\0", b"IIU\0\x18\0\0\0", b"IIRO\x08\0\0\0", b"\0MRM", b"II\x1a\0\0\0HEAPCCDR",
     b"\0\0\0\x18ftypcrx \0\0\0\1", b"II*\0\x10\0\0\0CR\2\0"],
)  # fmt: skip
def test_raw_files_of_other_forms_are_known_by_their_beginning(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(start + bytes(99))
    with pytest.raises(Refusal, match=r"is a camera raw file .*; develop it"):
        read_header(tmp_path / "a")


def test_a_small_thumbnail_beside_the_picture_does_no_harm(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(RGB, subifds=1, **PLAIN)
        tif.write(RGB[::4, ::4], **PLAIN)
        tif.write(RGB[::2, ::2], **PLAIN)
    assert (read_header(tmp_path / "a.tif").width, read_header(tmp_path / "a.tif").page) == (60, 0)


def test_the_picture_behind_its_thumbnail_in_the_chain_is_taken(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(RGB[::4, ::4], **PLAIN)
        tif.write(RGB, **PLAIN)
    assert (read_header(tmp_path / "a.tif").width, read_header(tmp_path / "a.tif").page) == (60, 1)


@pytest.mark.parametrize(("start", "kind"), [(b"8BPS\0\1", "a Photoshop file"), (b"%PDF", "a PDF")])
def test_other_formats_are_called_by_their_name(start: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(start + bytes(99))
    with pytest.raises(Refusal, match=f"is {kind}.*, which is not read; convert it to TIFF"):
        read_header(tmp_path / "a.tif")
