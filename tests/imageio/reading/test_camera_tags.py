"""Tags of cameras, read from every kind of file and written into every kind of file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.writing import Picture, tiff, write_picture

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.metadata", "imageio.reading.exif", "imageio.writing.exif")

RGB_PROFILE = bytes(16) + b"RGB " + bytes(range(200))
GREY = np.zeros((20, 30, 3), np.uint8)


def exif() -> Image.Exif:
    """What a camera would say, orientation and resolution with it."""
    said = Image.Exif()
    said[271], said[272], said[315], said[274], said[282] = "Canon", "EOS R5", "Ana Müller", 6, 300.0
    below = said.get_ifd(0x8769)
    below[33434], below[34855] = TiffImagePlugin.IFDRational(1, 125), 100
    below[36867], below[40962] = "2023:01:18 10:11:12", 9999
    said.get_ifd(0x8825)[1] = "N"
    said.get_ifd(0x8825)[2] = (52.0, 31.0, 12.5)
    return said


@pytest.fixture(params=["jpg", "png"])
def photograph(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"photo.{request.param}"
    Image.fromarray(GREY).save(path, exif=exif(), icc_profile=RGB_PROFILE)
    return path


def written(path: Path, tags: Tags) -> Path:
    picture = Picture(20, 30, 3, "uint8", description="--wavelet", software="imfuse-tiles", tags=tags)
    write_picture(path, picture, [GREY])
    return path


def as_others_read(path: Path) -> dict[str, object]:
    """What Pillow finds in a file."""
    with Image.open(path) as image:
        said = image.getexif()
        below, gps = said.get_ifd(0x8769), said.get_ifd(0x8825)
        return {
            "make": said.get(271), "model": said.get(272), "description": said.get(270), "orientation": said.get(274),
            "exposure": float(below[33434]), "iso": below[34855], "date": below[36867], "width": below.get(40962),
            "latitude": tuple(map(float, gps[2])), "profile": image.info.get("icc_profile"),
        }  # fmt: skip


WANTED = {
    "make": "Canon", "model": "EOS R5", "description": "--wavelet", "orientation": None, "exposure": 1 / 125,
    "iso": 100, "date": "2023:01:18 10:11:12", "width": None, "latitude": (52.0, 31.0, 12.5), "profile": RGB_PROFILE,
}  # fmt: skip


@pytest.mark.parametrize("ending", ["tif", "png", "jpg"])
def test_tags_go_from_any_file_into_any_other(photograph: Path, tmp_path: Path, ending: str) -> None:
    assert as_others_read(written(tmp_path / f"out.{ending}", read_tags(photograph))) == WANTED


@pytest.mark.parametrize("big", [False, True])
def test_what_was_written_is_read_again(
    photograph: Path, tmp_path: Path, big: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if big:
        monkeypatch.setattr(tiff, "CLASSIC_LIMIT", 10)
    tags = read_tags(photograph)
    path = written(tmp_path / "first.tif", tags)
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff is big
        assert file.pages[0].tags["ExifTag"].value["ISOSpeedRatings"] == 100
        assert file.pages[0].tags["GPSTag"].value["GPSLatitudeRef"] == "N"
        assert np.array_equal(file.asarray(), GREY)
    again = read_tags(path)
    assert (again.exif, again.gps, again.profile) == (tags.exif, tags.gps, tags.profile)
    assert {tag: again.main[tag] for tag in tags.main} == tags.main


def test_both_orders_of_bytes_mean_the_same() -> None:
    """A directory with a SHORT, a LONG, a RATIONAL and a text, written twice."""

    def block(order: str) -> bytes:
        mark = b"II*\0" if order == "<" else b"MM\0*"
        entries = [
            struct.pack(order + "HHIHH", 18246, 3, 1, 5, 0),
            struct.pack(order + "HHI", 272, 2, 3) + b"ab\0\0",
            struct.pack(order + "HHII", 33434, 5, 1, 8 + 2 + 4 * 12 + 4),
            struct.pack(order + "HHII", 34855, 4, 1, 70_000),
        ]
        return mark + struct.pack(order + "IH", 8, 4) + b"".join(entries) + bytes(4) + struct.pack(order + "II", 1, 250)

    little, large = block_tags(block("<"), b""), block_tags(block(">"), b"")
    assert little == large
    assert little.main[33434].data == struct.pack("<II", 1, 250)


@pytest.mark.parametrize("cut", [0, 3, 9, 20, 40, 90])
def test_a_damaged_block_gives_what_is_whole(cut: int) -> None:
    whole = exif().tobytes()[6:]
    assert isinstance(block_tags(whole[:cut], b""), Tags)
    rotten = bytearray(whole)
    rotten[8 : 8 + cut] = b"\xff" * cut
    assert isinstance(block_tags(bytes(rotten), b""), Tags)


def test_a_profile_is_only_for_pictures_of_its_kind() -> None:
    tags = Tags(profile=RGB_PROFILE)
    assert tags.profile_for(3) == tags.profile_for(4) == RGB_PROFILE
    assert tags.profile_for(1) == b""


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("nothing")
    for name in ("text.txt", "none.tif"):
        with pytest.raises(Refusal, match=name):
            read_tags(tmp_path / name)
