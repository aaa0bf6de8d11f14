"""JPEG XL holds every sample, and profiles that libjxl takes."""

from dataclasses import replace

import numpy as np
import pyjpegxl
import pytest
from written_pictures import PROFILE, example, samples_of, write

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.reading.profiles import gamma_profile
from imfuse_tiles.imageio.writing import (
    check_target,
    format_of,
    losses,
    write_picture,
)

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.writing.jxl_profile",)


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_libjxl_finds_the_profile(planes, dtype, picture, bands, tmp_path):
    described, image = picture(planes, dtype)
    profile = gamma_profile(1.8, planes < 3)
    write_picture(tmp_path / "a.jxl", replace(described, tags=Tags(profile=profile)), bands(image))
    assert np.array_equal(samples_of(tmp_path / "a.jxl").reshape(image.shape), image)
    assert pyjpegxl.probe((tmp_path / "a.jxl").read_bytes()).icc == profile


def test_a_profile_that_libjxl_refuses_is_not_held(tmp_path):
    picture, image = example("a.jxl")
    bad = replace(picture, tags=Tags(profile=PROFILE[:100]))
    assert losses(format_of("a.jxl"), bad) == ["the colour profile", "the distance of frames"]
    write(tmp_path / "a.jxl", bad, image)
    assert np.array_equal(samples_of(tmp_path / "a.jxl"), image)


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_jpeg_xl_holds_every_sample(planes, dtype, picture, bands, tmp_path):
    described, image = picture(planes, dtype)
    check_target(tmp_path / "a.jxl", described)
    write_picture(tmp_path / "a.jxl", described, bands(image))
    assert np.array_equal(samples_of(tmp_path / "a.jxl").reshape(image.shape), image)
    # the curve of sRGB, not light, as which the library tells 16 bits
    assert (read_tags(tmp_path / "a.jxl").profile, read_tags(tmp_path / "a.jxl").colour_notice) == (b"", "")
