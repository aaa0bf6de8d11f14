"""Colours that a file tells by numbers become its profile, or are told of; never taken for sRGB without a word."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading.coded_colours import coded_profile, exif_profile
from imfuse_tiles.imageio.reading.profiles import (
    adobe_rgb,
    converted,
    gamma_profile,
    rgb_profile,
    same_colours,
    srgb,
)

TESTED_MODULES = ("imageio.reading.png_tags",)
SCENE = np.random.default_rng(3).integers(0, 255, (40, 50, 3), np.uint8)
P3 = (0.68, 0.32, 1.0, 0.265, 0.69, 1.0, 0.15, 0.06, 1.0)
CHROMA_SRGB = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
CHROMA_P3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def png(path: Path, *chunks: tuple[bytes, bytes], image: np.ndarray = SCENE) -> Path:
    """A PNG file with chunks behind its header."""
    content = bytes(imagecodecs.png_encode(image))
    more = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    path.write_bytes(content[:33] + more + content[33:])
    return path


def told(path: Path) -> tuple[bytes, str]:
    """The profile of a stack of one file, and what is said of it."""
    stack = open_stack([path])
    return stack.tags.profile, " ".join(stack.notices)


def gamma(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", value.to_bytes(4, "big")


def chroma(values: tuple[int, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *values)


D65 = (0.3127, 0.3290, 1.0)
PNGS = {
    "sRGB by code": ([(b"cICP", bytes([1, 13, 0, 1]))], b""),
    "linear light": ([(b"cICP", bytes([1, 8, 0, 1]))], gamma_profile(1.0, grey=False)),
    "code before gamma": ([(b"cICP", bytes([1, 13, 0, 1])), gamma(100_000)], b""),
    "Display P3, gamma 2.2": ([(b"cICP", bytes([12, 4, 0, 1]))], rgb_profile(D65, P3, gamma=2.2)),
    "sRGB before chromaticities": ([(b"sRGB", b"\0"), chroma(CHROMA_P3)], b""),
    "the chromaticities of sRGB": ([gamma(45455), chroma(CHROMA_SRGB)], b""),
    "others with a gamma": ([gamma(55556), chroma(CHROMA_P3)], rgb_profile(D65, P3, gamma=1.8)),
    "that cannot be": ([chroma((0, 0, *CHROMA_P3[2:]))], "chromaticities that cannot be"),
    "HDR": ([(b"cICP", bytes([9, 16, 0, 1]))], r"HDR light \(PQ\)"),
    "video": ([(b"cICP", bytes([9, 1, 0, 0]))], "colours as video codes them"),
    "unknown": ([(b"cICP", bytes([99, 13, 0, 1]))], "colours of code 99/13"),
}


@pytest.mark.parametrize("kind", PNGS)
def test_what_a_png_tells_of_its_colours(kind, tmp_path):
    chunks, expected = PNGS[kind]
    profile, notice = told(png(tmp_path / "a.png", *chunks))
    if isinstance(expected, bytes):
        assert (profile, notice) == (expected, "")
    else:
        assert profile == b""
        assert re.search(expected, notice)


@pytest.mark.parametrize("transfer", [1, 4, 8, 13, 14])
@pytest.mark.parametrize("primaries", [1, 5, 6, 9, 12])
def test_grey_is_grey_and_white_is_white_in_every_code(primaries, transfer):
    profile = coded_profile(primaries, transfer, grey=False) or srgb()
    ramp = np.repeat(np.linspace(0, 1, 20, dtype=np.float32)[None, :, None], 3, axis=2)
    light = converted(ramp, profile, gamma_profile(1.0, grey=False))
    assert np.ptp(light, axis=2).max() < 1e-3
    assert (light[0, 0].max(), light[0, -1].min()) == (0, pytest.approx(1, abs=1e-3))
    expected = {4: ramp**2.2, 8: ramp, 13: np.where(ramp < 0.04045, ramp / 12.92, ((ramp + 0.055) / 1.055) ** 2.4)}
    if transfer in expected:
        assert np.abs(light - expected[transfer]).max() < 1e-3


def adobe_exif(index: str | None, space: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x8769] = {40961: space, **({0xA005: {1: index}} if index else {})}
    return exif


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_adobe_rgb_by_exif_alone_is_the_profile(ending, tmp_path):
    for name, index, space in (("a", "R03", 65535), ("b", "R98", 1), ("c", None, 65535)):
        Image.fromarray(SCENE).save(tmp_path / f"{name}.{ending}", exif=adobe_exif(index, space))
    assert told(tmp_path / f"a.{ending}") == (adobe_rgb(), "")
    assert told(tmp_path / f"b.{ending}") == (b"", "")
    profile, notice = told(tmp_path / f"c.{ending}")
    assert profile == b""
    assert "has colours that are not sRGB by their EXIF, which is not carried" in notice
    mixed = open_stack([tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"])
    assert mixed.headers[1].profiles == (srgb(), adobe_rgb())
    with Image.open(tmp_path / f"a.{ending}") as image:
        image.convert("L").save(tmp_path / f"g.{ending}", exif=adobe_exif("R03", 65535))
    grey = open_stack([tmp_path / f"g.{ending}"])
    assert grey.headers[0].channels == 3 or grey.tags.profile == b""


def test_adobe_rgb_is_what_others_take_for_it():
    ramp = np.linspace(0, 1, 60, dtype=np.float32).reshape(1, 20, 3)
    others = converted(ramp, bytes(imagecodecs.cms_profile("adobergb")), srgb())
    assert np.abs(converted(ramp, adobe_rgb(), srgb()) - others).max() < 0.01
    assert not same_colours(adobe_rgb(), srgb())
    assert exif_profile(0, b"") == exif_profile(1, b"R98\0") == b""


def test_damaged_profiles_and_those_of_other_pixels_are_left_out_with_a_word(tmp_path):
    odd = {"rubbish": b"rubbish profile" * 20, "short": srgb()[:200],
           "CMYK": srgb()[:16] + b"CMYK" + srgb()[20:]}  # fmt: skip
    for name, profile in odd.items():
        paths = [tmp_path / f"{name}{number}.png" for number in range(2)]
        for number, path in enumerate(paths):
            Image.fromarray(SCENE + number).save(path, icc_profile=profile)
        stack = open_stack(paths)
        assert stack.tags.profile == b""
        assert "and 1 more: the colour profile is damaged or of another kind than the pixels" in stack.notices[0]
    Image.fromarray(SCENE).save(tmp_path / "good.png", icc_profile=gamma_profile(1.5, grey=False))
    with pytest.raises(Refusal, match=r"rubbish0\.png: has a damaged colour profile, unlike other frames"):
        open_stack([tmp_path / "good.png", tmp_path / "rubbish0.png"])


def test_alpha_does_not_change_what_is_white(tmp_path):
    picture = np.full((30, 40, 4), 0.5, np.float32)
    picture[5:, :9] = np.nan
    picture[5:, :9, 3] = 0
    picture[..., 3] = np.where(np.isnan(picture[..., 0]), 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", extrasamples=["unassalpha"])
    stack = open_stack([tmp_path / "a.tif"])
    assert stack.headers[0].white == 0
    assert len(stack.notices) == 1
