"""JPEG XL: what the first bits tell of colours, profiles, EXIF."""

import io
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pyjpegxl
import pytest
from PIL import Image

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import jpeg_xl
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.reading.profiles import adobe_rgb, same_colours
from imfuse_tiles.imageio.writing import Picture, write_picture
from imfuse_tiles.imageio.writing.jxl import write_jxl

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.jpeg_xl_header",)

IMAGE = np.random.default_rng(6).integers(0, 65535, (40, 60, 3), np.uint16)


def jxl_head(*fields: tuple[int, int]) -> bytes:
    """Bits, (count, value) each, behind the size 40 x 60 and what says that the colours are coded in their own way."""
    value = place = 0
    size = ((1, 0), (2, 0), (9, 39), (3, 0), (2, 0), (9, 59))
    for count, number in (*size, (1, 0), (1, 0), (1, 0), (2, 0), (1, 0), (2, 0), (1, 0), (1, 0), *fields):
        value, place = value | number << place, place + count
    return value.to_bytes(place // 8 + 8, "little")


@pytest.mark.parametrize(("fields", "words", "told"), [
    ([(1, 1), (2, 0)], "a colour profile", False),
    ([(1, 0), (2, 0), (2, 1), (2, 2), (4, 9), (1, 0), (2, 2), (4, 11)], "primaries of P3", True),
    ([(1, 0), (2, 0), (2, 1), (2, 2), (4, 9), (1, 0), (2, 2), (4, 15)], "a gamma of 2.60", True),
    ([(1, 0), (2, 0), (2, 1), (2, 1), (1, 1), (24, 5_555_556)], "a gamma of 1.80", True),
    ([(1, 0), (2, 0), (2, 1), (2, 1), (1, 0), (2, 2), (4, 6)], "linear samples", True),
    ([(1, 0), (2, 0), (2, 1), (2, 1), (1, 0), (2, 2), (4, 14)], "HDR light (PQ)", False),
    ([(1, 0), (2, 0), (2, 2), (4, 0)], "a white point of its own", False),
    ([(1, 0), (2, 0), (2, 1), (2, 1), (1, 0), (2, 2), (4, 11)], "", False),
    ([(1, 0), (2, 1), (2, 1), (1, 0), (2, 2), (4, 11)], "", False),
])  # fmt: skip
def test_colours_of_jpeg_xl_that_numbers_tell(fields: list[tuple[int, int]], words: str, told: bool) -> None:
    picture = jpeg_xl.read_picture(jxl_head(*fields))
    assert (picture.size, picture.colours, bool(picture.profile)) == ((40, 60), words, told)


def test_what_numbers_tell_is_what_libjxl_makes_of_it() -> None:
    """The profile by the library for the same picture, compared by what becomes of colours."""
    stream = imagecodecs.jpegxl_encode(IMAGE, lossless=True)  # 16 bits, which the encoder calls light
    codestream = stream[stream.index(b"jxlc") + 4 :]
    assert same_colours(jpeg_xl.read_picture(codestream[2:4096]).profile, pyjpegxl.probe(stream).icc)


def test_the_profile_of_jpeg_xl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        picture = Picture(*IMAGE.shape[:2], 3, "uint16", tags=Tags(profile=adobe_rgb()))
        write_picture(tmp_path / f"{name}.jxl", picture, [IMAGE])
    stack = open_stack([tmp_path])
    assert (stack.tags.profile, stack.notices) == (adobe_rgb(), ())
    monkeypatch.setattr(jpeg_xl, "find_spec", lambda _: None)
    stack = open_stack([tmp_path])
    assert stack.tags.profile == b""
    assert stack.notices[0].endswith("a.jxl and 1 more: has a colour profile (reading it needs imfuse-tiles[jxl]), "
                                     "which is not carried into the result; the samples are fused as sRGB")  # fmt: skip


def jpeg_xl_exif() -> bytes:
    """A block with a date."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = "2024:02:03 04:05:06"
    return exif.tobytes().removeprefix(b"Exif\0\0")


def jpeg_xl_with_profile_and_packed_exif() -> bytes:
    """A file with a profile in its codestream, and EXIF packed by Brotli."""
    packed = b"Exif" + imagecodecs.brotli_encode(bytes(4) + jpeg_xl_exif())
    picture = Picture(*IMAGE.shape[:2], 3, "uint16", tags=Tags(profile=adobe_rgb()))
    file = io.BytesIO()
    write_jxl(file, picture, [IMAGE])
    return file.getvalue() + struct.pack(">I4s", 8 + len(packed), b"brob") + packed


def test_packed_exif_of_jpeg_xl(tmp_path: Path) -> None:
    stream = jpeg_xl_with_profile_and_packed_exif()
    (tmp_path / "a.jxl").write_bytes(stream)
    assert read_tags(tmp_path / "a.jxl").exif[36867].data == b"2024:02:03 04:05:06\0"
    place = stream.index(b"brobExif") + 8
    for spoiled in range(1, 9):  # it is left out
        (tmp_path / "a.jxl").write_bytes(stream[:place] + bytes([spoiled]) + stream[place + 1 :])
        assert read_tags(tmp_path / "a.jxl").exif == {}


def test_exif_without_the_number_before_it(tmp_path: Path) -> None:
    """As another library writes it."""
    block = jpeg_xl_exif()
    (tmp_path / "a.jxl").write_bytes(pyjpegxl.encode_from_numpy(IMAGE, lossless=True, exif=block))
    assert read_tags(tmp_path / "a.jxl").exif[36867].data == b"2024:02:03 04:05:06\0"
