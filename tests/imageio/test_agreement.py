"""Frames of different orientation or colours are brought together with a line, or refused with the reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import open_frame, read_rows
from imfuse_tiles.imageio.reading.profiles import converted, gamma_profile, profile_name, space_of, srgb

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.orientation", "imageio.reading.profiles")
RANDOM = np.random.default_rng(4)
#: Blocks of one colour each, unlike each other and unlike themselves turned.
SCENE = np.kron(RANDOM.integers(20, 235, (6, 9, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
WIDE = gamma_profile(1.5, grey=False)
#: How to store a picture so that a tag shows it upright: what undoes each tag.
STORED = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def shown(image: np.ndarray, tag: int) -> np.ndarray:
    """An image (y, x, c) as Pillow shows it under an orientation tag."""
    exif = Image.Exif()
    exif[274] = tag
    stored = io.BytesIO()
    Image.fromarray(image).save(stored, "png", exif=exif)
    return np.asarray(ImageOps.exif_transpose(Image.open(stored)))


def stored_for(image: np.ndarray, tag: int) -> np.ndarray:
    """What has to be stored so that the tag shows the image."""
    return shown(image, STORED[tag])


@pytest.fixture
def frame(tmp_path: Path):
    """Write a frame (y, x, c) with an orientation tag, as TIFF, PNG or JPEG."""

    def write(name: str, image: np.ndarray = SCENE, tag: int = 1, **how: object) -> Path:
        path = tmp_path / name
        if path.suffix == ".tif":
            tifffile.imwrite(path, image, photometric="rgb", extratags=[(274, "H", 1, tag, True)], **how)
        else:
            exif = Image.Exif()
            exif[274] = tag
            Image.fromarray(image).save(path, exif=exif, **how)
        return path

    return write


def read(header) -> np.ndarray:
    """A frame (y, x, c), in bands of 7 rows."""
    with open_frame(header) as frame:
        bands = [frame.rows(y0, min(y0 + 7, header.height)) for y0 in range(0, header.height, 7)]
    return np.moveaxis(np.concatenate(bands, axis=1), 0, -1)


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("kind", ["tif", "png", "strips.tif", "tiles.tif"])
def test_every_turn_is_that_of_viewers(frame, tag, kind):
    options = {"strips.tif": {"rowsperstrip": 5, "compression": "zlib"}, "tiles.tif": {"tile": (16, 16)}}.get(kind, {})
    paths = [frame(f"{name}.{kind}", stored_for(SCENE, tag), tag, **options) for name in "ab"]
    stack = open_stack(paths)
    assert stack.frame == SCENE.shape[:2]
    assert stack.notices == ()
    assert np.array_equal(read(stack.headers[0]), SCENE)
    header = stack.headers[1]
    assert np.array_equal(np.moveaxis(read_rows(header, 11, 19), 0, -1), SCENE[11:19])
    assert header.random_access == (tag <= 4 and kind != "png")


def test_a_turned_stack_is_another_one_and_an_upright_one_is_not(frame, monkeypatch):
    paths = [frame(f"{name}.tif", tag=3) for name in "ab"]
    turned = open_stack(paths).digest
    monkeypatch.setattr("imfuse_tiles.imageio.reading.header.Header.turned", lambda header: header)
    assert open_stack(paths).digest != turned


def test_tags_that_differ_while_what_is_shown_agrees_are_obeyed(frame):
    stack = open_stack(
        [frame("a.tif"), frame("b.tif", stored_for(SCENE, 6), 6), frame("c.tif", stored_for(SCENE, 8), 8)]
    )
    assert all(np.array_equal(read(header), SCENE) for header in stack.headers)
    assert stack.notices == ("orientation tags differ (1, 6, 8): the frames are turned as they say",)


def test_random_tags_of_a_camera_that_looks_down_are_not_obeyed(frame):
    stack = open_stack([frame(f"{tag}.tif", SCENE, tag) for tag in (1, 3, 6, 8)])
    assert all(np.array_equal(read(header), SCENE) for header in stack.headers)
    assert "are alike as they are stored, and taken so" in stack.notices[0]


@pytest.mark.parametrize("true", [True, False])
@pytest.mark.parametrize("tag", [2, 3, 4, 6])
def test_where_sizes_do_not_tell_the_pictures_do(frame, tag, true):
    scene = SCENE[:48, :48]
    stack = open_stack([frame("a.tif", scene), frame("b.tif", stored_for(scene, tag) if true else scene, tag)])
    assert all(np.array_equal(read(header), scene) for header in stack.headers)
    assert ("turned as they say" in stack.notices[0]) == true


def test_a_refusal_names_the_tags(frame):
    paths = [frame("a.tif"), frame("b.tif", SCENE[:40], 6)]
    with pytest.raises(Refusal, match=r"b\.tif: is 40 x 72 .*, not 72 x 48 \(.*orientation tags say 6 and 1\)"):
        open_stack(paths)


# Profiles


def to_wide(image: np.ndarray) -> np.ndarray:
    """Colours of sRGB as those of the wide profile, by Pillow."""
    wide, narrow = (ImageCms.ImageCmsProfile(io.BytesIO(profile)) for profile in (WIDE, srgb()))
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(image), narrow, wide))


def test_one_profile_everywhere_is_that_of_the_stack(frame):
    paths = [frame(f"{name}.png", icc_profile=WIDE) for name in "ab"]
    stack = open_stack(paths)
    assert (stack.tags.profile, stack.notices) == (WIDE, ())
    assert np.array_equal(read(stack.headers[0]), SCENE)


def test_other_profiles_are_converted_to_the_first_with_a_line(frame):
    paths = [frame("a.png"), frame("b.png", to_wide(SCENE), icc_profile=WIDE), frame("c.png")]
    stack = open_stack(paths)
    assert np.abs(read(stack.headers[1]).astype(int) - SCENE).max() <= 2
    assert np.array_equal(read(stack.headers[2]), SCENE)
    assert stack.notices == (
        f"{paths[1]}: colours of the profile RGB built-in are converted to those of {paths[0]}, sRGB built-in",
    )
    assert stack.tags.profile == srgb()
    turned = open_stack(paths, revert=True, order="given")
    assert turned.digest != stack.digest


def test_frames_without_a_profile_are_converted_to_that_of_the_first(frame):
    stack = open_stack([frame("a.png", to_wide(SCENE), icc_profile=WIDE), frame("b.png")])
    assert stack.tags.profile == WIDE
    assert np.abs(read(stack.headers[1]).astype(int) - to_wide(SCENE)).max() <= 1


def test_profiles_that_mean_the_same_are_not_converted(frame):
    other = bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert other != srgb()
    stack = open_stack([frame("a.png", icc_profile=srgb()), frame("b.png", icc_profile=other), frame("c.png")])
    assert (stack.notices, stack.headers[1].profiles) == ((), None)


def test_a_profile_of_another_kind_is_refused(frame):
    paths = [frame("a.png"), frame("b.png", icc_profile=gamma_profile(2.2, grey=True))]
    with pytest.raises(Refusal, match=r"b\.png: has a colour profile .* of another kind than its pixels"):
        open_stack(paths)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_conversion_does_not_depend_on_the_tile_and_is_precise(dtype):
    samples = RANDOM.random((30, 40, 3)).astype(np.float32)
    if dtype != "float32":
        samples = (samples * np.iinfo(dtype).max).astype(dtype)
    full = 1.0 if dtype == "float32" else float(np.iinfo(dtype).max)
    whole = converted(samples, gamma_profile(1.0, grey=False), srgb())
    assert np.array_equal(converted(samples[7:9, 3:11], gamma_profile(1.0, grey=False), srgb()), whole[7:9, 3:11])
    linear = samples / full
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(whole / full - expected).max() <= {"uint8": 0.003, "uint16": 2e-5, "float32": 2e-5}[dtype]


def test_the_gamma_of_a_png_is_its_profile(tmp_path):
    from PIL import PngImagePlugin

    for name, gamma in (("a", 100_000), ("b", 100_000), ("c", 45_455)):
        chunks = PngImagePlugin.PngInfo()
        chunks.add(b"gAMA", gamma.to_bytes(4, "big"))
        Image.fromarray(SCENE).save(tmp_path / f"{name}.png", pnginfo=chunks)
    linear = open_stack([tmp_path / "a.png", tmp_path / "b.png"])
    assert linear.tags.profile == gamma_profile(1.0, grey=False)
    assert linear.notices == ()
    assert open_stack([tmp_path / "c.png"]).tags.profile == b""
    assert "are converted to those of" in open_stack([tmp_path / "a.png", tmp_path / "c.png"]).notices[0]


def test_profiles_are_the_same_bytes_every_day_and_have_names():
    assert gamma_profile(1.0, grey=True)[24:36] == srgb()[24:36]
    assert (space_of(srgb()), space_of(gamma_profile(1.8, grey=True)), space_of(b"")) == ("rgb", "gray", "")
    assert profile_name(srgb()) == "sRGB built-in"
    assert profile_name(b"") == profile_name(bytes(200)) == "without a name"
