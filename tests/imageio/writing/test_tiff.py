"""TIFF results hold every sample, are readable by others and take little memory to write."""

import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from imfuse_tiles.imageio.reading import read_header, read_rows
from imfuse_tiles.imageio.writing import Picture, write_picture
from imfuse_tiles.imageio.writing.tiff import needs_bigtiff

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.writing.tiff_tags",)

COMPRESSIONS = ["deflate", "lzw", "none"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("planes", [1, 2, 3, 4])
def test_every_sample_comes_back(compression, dtype, planes, picture, bands, tmp_path):
    described, image = picture(planes, dtype)
    path = tmp_path / "a.tif"
    write_picture(path, described, bands(image), compression=compression)
    assert np.array_equal(tifffile.imread(path).reshape(image.shape), image)
    header = read_header(path)
    assert (header.dtype, header.has_alpha) == (dtype, described.alpha)
    channels = 3 if planes > 2 else 1
    assert np.array_equal(read_rows(header, 0, 301), np.moveaxis(image, -1, 0)[:channels])


@pytest.mark.parametrize("planes", [3, 4])
def test_pillow_reads_the_same_8_bit_pixels(planes, picture, bands, tmp_path):
    described, image = picture(planes, "uint8")
    write_picture(tmp_path / "a.tif", described, bands(image))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.tif")), image)


def test_tags_say_what_is_inside(picture, bands, tmp_path):
    texts = {"description": "--wavelet=p5 --masklevel=t5", "software": "imfuse-tiles v1", "name": "Käfer"}
    described, image = picture(4, **texts)
    write_picture(tmp_path / "a.tif", described, bands(image))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        page = tif.pages[0]
        assert (len(tif.pages), page.photometric.name, page.planarconfig.name) == (1, "RGB", "CONTIG")
        assert page.extrasamples == (2,)  # alpha that is not premultiplied
        assert (page.compression.name, page.predictor.name) == ("ADOBE_DEFLATE", "HORIZONTAL")
        assert page.tags["ImageDescription"].value == texts["description"]
        assert page.tags["Software"].value == texts["software"]
        assert page.tags["PageName"].value in (texts["name"], texts["name"].encode())
        assert "Make" not in page.tags
        assert "DateTime" not in page.tags


def test_empty_texts_leave_no_tags(picture, bands, tmp_path):
    described, image = picture(1)
    write_picture(tmp_path / "a.tif", described, bands(image))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert not {"ImageDescription", "Software", "Make"} & {tag.name for tag in tif.pages[0].tags}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_bytes_depend_on_the_picture_alone(compression, picture, bands, tmp_path):
    described, image = picture(3, height=700, width=900)
    ways = [(1, 37), (2, 37), (4, 1), (2, 700)]
    for number, (workers, height) in enumerate(ways):
        path = tmp_path / f"{number}.tif"
        write_picture(path, described, bands(image, height), compression=compression, workers=workers)
    assert len({(tmp_path / f"{number}.tif").read_bytes() for number in range(len(ways))}) == 1


def test_bigtiff_is_used_only_where_classic_tiff_might_not_do():
    small, large = Picture(20_000, 26_000, 4, "uint16"), Picture(20_000, 27_000, 4, "uint16")
    assert not needs_bigtiff(small, "none")
    assert needs_bigtiff(large, "none")
    assert not needs_bigtiff(small, "deflate")
    assert needs_bigtiff(small, "lzw")  # noise grows by a third under LZW


def test_bigtiff_comes_back_like_classic(picture, bands, tmp_path, monkeypatch):
    monkeypatch.setattr("imfuse_tiles.imageio.writing.tiff.CLASSIC_LIMIT", 1000)
    described, image = picture(4)
    write_picture(tmp_path / "a.tif", described, bands(image))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_bigtiff
        assert np.array_equal(tif.pages[0].asarray(), image)


@pytest.mark.parametrize("ending", ["tif", "png"])
def test_writing_takes_the_memory_of_some_strips(ending, tmp_path):
    described = Picture(6000, 2000, 3, "uint16")
    band = np.random.default_rng(1).integers(0, 999, (50, 2000, 3), np.uint16)
    write_picture(tmp_path / f"warm.{ending}", Picture(50, 2000, 3, "uint16"), [band])
    tracemalloc.start()
    write_picture(tmp_path / f"a.{ending}", described, (band for _ in range(120)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20  # the picture has 69 MiB
