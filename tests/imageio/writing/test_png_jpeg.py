"""PNG results hold every sample, JPEG results come close; both say what is inside."""

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from imfuse_tiles.imageio.writing import Picture, write_picture
from imfuse_tiles.kernels.eight_bits import eight_bits

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.writing.encode", "imageio.writing.jpeg", "imageio.writing.png")

TEXTS = {"description": "--wavelet=p5", "software": "imfuse-tiles v1", "name": "Käfer"}


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("planes", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(301, 403), (1, 1), (1, 50), (50, 1)])
def test_every_sample_of_a_png_comes_back(dtype, planes, size, picture, bands, tmp_path):
    described, image = picture(planes, dtype, *size)
    write_picture(tmp_path / "a.png", described, bands(image))
    stored = imagecodecs.png_decode((tmp_path / "a.png").read_bytes())
    assert stored.dtype == dtype
    assert np.array_equal(stored.reshape(image.shape), image)


def test_pillow_reads_a_png_of_several_strips(picture, bands, tmp_path):
    described, image = picture(4, "uint8", 900, 1200)
    write_picture(tmp_path / "a.png", described, bands(image))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), image)


def test_a_png_is_no_larger_than_libpng_makes_it(picture, bands, tmp_path):
    described, image = picture(3, "uint16")
    write_picture(tmp_path / "a.png", described, bands(image))
    assert (tmp_path / "a.png").stat().st_size < 1.02 * len(imagecodecs.png_encode(image))


def test_png_bytes_depend_on_the_picture_alone(picture, bands, tmp_path):
    described, image = picture(3, "uint16", 700, 900)
    for number, (workers, height) in enumerate([(1, 37), (2, 64), (3, 700)]):
        write_picture(tmp_path / f"{number}.png", described, bands(image, height), workers=workers)
    assert len({(tmp_path / f"{number}.png").read_bytes() for number in range(3)}) == 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("planes", [1, 3])
def test_a_jpeg_is_close_to_the_picture(dtype, planes, picture, bands, tmp_path):
    described, image = picture(planes, dtype)
    write_picture(tmp_path / "a.jpg", described, bands(image))
    stored = np.asarray(Image.open(tmp_path / "a.jpg")).reshape(image.shape)
    assert abs(stored.astype(int) - eight_bits(image)).mean() < 2.5


def test_16_bits_become_the_nearest_8_bits():
    values = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(eight_bits(values), np.rint(values / 257).astype(np.uint8))
    assert np.array_equal(eight_bits(np.arange(256, dtype=np.uint8)), np.arange(256))


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_exif_says_what_is_inside(ending, picture, bands, tmp_path):
    described, image = picture(3, "uint8", **TEXTS)
    write_picture(tmp_path / f"a.{ending}", described, bands(image))
    with Image.open(tmp_path / f"a.{ending}") as stored:
        exif = stored.getexif()
    assert (exif[270], exif[305]) == (TEXTS["description"], TEXTS["software"])
    assert exif[285].encode("latin-1").decode() == TEXTS["name"]


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_short_texts_and_none_at_all_make_valid_files(ending, picture, bands, tmp_path):
    for number, texts in enumerate(({}, {"name": "a"}, {"name": "abc", "software": "abcd"})):
        described, image = picture(3, "uint8", **texts)
        path = tmp_path / f"{number}.{ending}"
        write_picture(path, described, bands(image))
        with Image.open(path) as stored:
            stored.load()
            assert stored.getexif().get(285, "") == texts.get("name", "")


def test_a_description_too_long_for_jpeg_is_left_out(picture, bands, tmp_path):
    described, image = picture(1, "uint8", description="x" * 70_000)
    write_picture(tmp_path / "a.jpg", described, bands(image))
    assert 270 not in Image.open(tmp_path / "a.jpg").getexif()


def test_flat_pictures_stay_small(tmp_path):
    flat = np.zeros((1000, 1000, 4), np.uint16)
    write_picture(tmp_path / "a.png", Picture(1000, 1000, 4, "uint16"), [flat])
    assert (tmp_path / "a.png").stat().st_size < flat.nbytes / 300
