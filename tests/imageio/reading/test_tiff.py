"""TIFF frames come out sample by sample as they were stored, band by band."""

import tracemalloc

import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import open_frame, read_header, read_rows

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "imageio.reading.tiff_header",
    "imageio.reading.tiff_layout",
    "imageio.reading.tiff_planes",
    "imageio.reading.tiff_rows",
)

LAYOUTS = {
    "one strip": {},
    "strips": {"rowsperstrip": 7},
    "strips of a row": {"rowsperstrip": 1, "compression": "lzw"},
    "lzw": {"rowsperstrip": 16, "compression": "lzw"},
    "lzw with predictor": {"rowsperstrip": 16, "compression": "lzw", "predictor": True},
    "deflate with predictor": {"rowsperstrip": 10, "compression": "deflate", "predictor": True},
    "one strip of deflate": {"rowsperstrip": 1000, "compression": "deflate"},
    "packbits": {"rowsperstrip": 9, "compression": "packbits"},
    "zstd": {"rowsperstrip": 9, "compression": "zstd"},
    "lzma": {"rowsperstrip": 9, "compression": "lzma"},
    "tiles": {"tile": (16, 32)},
    "tiles with predictor": {"tile": (32, 16), "compression": "lzw", "predictor": True},
    "a tile larger than the image": {"tile": (128, 128), "compression": "deflate"},
    "big endian": {"byteorder": ">", "rowsperstrip": 5},
    "big endian tiles": {"byteorder": ">", "tile": (16, 16), "compression": "lzw", "predictor": True},
    "BigTIFF": {"bigtiff": True, "rowsperstrip": 5},
}
SEPARATE = {
    "planes": {"planarconfig": "separate"},
    "planes in strips": {"planarconfig": "separate", "rowsperstrip": 8, "compression": "lzw"},
    "planes in tiles": {"planarconfig": "separate", "tile": (16, 48), "compression": "deflate"},
}


def in_bands(path, height):
    header = read_header(path)
    with open_frame(header) as frame:
        tops = range(0, header.height, height)
        return np.concatenate([frame.rows(y, min(y + height, header.height)) for y in tops], axis=1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_every_layout_is_read_exactly(layout, dtype, samples, pixels, planes, tiff):
    image = pixels(dtype, samples)
    path = tiff("a.tif", image, **LAYOUTS[layout])
    band = read_rows(read_header(path), 0, 61)
    assert band.dtype == dtype
    assert band.flags.c_contiguous
    assert np.array_equal(band, planes(image))


@pytest.mark.parametrize("layout", SEPARATE)
@pytest.mark.parametrize("samples", [3, 4])
def test_separate_planes_are_read_exactly(layout, samples, pixels, planes, tiff):
    image = pixels("uint16", samples)
    path = tiff("a.tif", image, **SEPARATE[layout])
    assert np.array_equal(in_bands(path, 11), planes(image))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("height", [1, 16, 25, 61])
def test_bands_of_any_height_make_up_the_frame(layout, height, pixels, planes, tiff):
    image = pixels("uint16", 3)
    assert np.array_equal(in_bands(tiff("a.tif", image, **LAYOUTS[layout]), height), planes(image))


@pytest.mark.parametrize("layout", [*LAYOUTS, *SEPARATE])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_window_is_a_part_of_its_rows(layout, dtype, pixels, tiff):
    header = read_header(tiff("a.tif", pixels(dtype, 3), **(LAYOUTS | SEPARATE)[layout]))
    for frame_header in (header, header.cropped(2, 60, 3, 40)):
        with open_frame(frame_header) as frame:
            assert np.array_equal(frame.window(5, 23, 7, 30), frame.rows(5, 23)[..., 7:30])


def test_bands_may_be_read_in_any_order(pixels, planes, tiff):
    image = pixels()
    header = read_header(tiff("a.tif", image, rowsperstrip=8, compression="lzw"))
    with open_frame(header) as frame:
        for y0, y1 in ((50, 61), (0, 3), (3, 30), (7, 9), (60, 61)):
            assert np.array_equal(frame.rows(y0, y1), planes(image)[:, y0:y1])


def test_the_header_tells_geometry_and_how_rows_are_bundled(pixels, tiff):
    header = read_header(tiff("a.tif", pixels("uint16", 4), rowsperstrip=8, compression="lzw"))
    assert header.shape == (3, 61, 83)
    assert (header.format, header.dtype, header.has_alpha) == ("tiff", "uint16", True)
    assert (header.random_access, header.rows_per_segment) == (True, 8)
    assert read_header(tiff("b.tif", pixels("uint8", 1))).rows_per_segment == 1  # plain rows in one strip
    whole = read_header(tiff("c.tif", pixels(), rowsperstrip=1000, compression="lzw"))
    assert (whole.random_access, whole.rows_per_segment) == (False, 61)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_where_zero_is_white_the_samples_are_inverted(dtype, pixels, tiff):
    image = pixels(dtype, 1)
    header = read_header(tiff("a.tif", image, photometric="miniswhite"))
    assert np.array_equal(read_rows(header, 3, 9)[0], np.iinfo(dtype).max - image[3:9, :, 0])


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floating_point_samples_become_float32(dtype, pixels, planes, tiff):
    image = pixels(dtype)
    header = read_header(tiff("a.tif", image, compression="deflate", predictor=True))
    assert header.dtype == "float32"
    assert np.array_equal(read_rows(header, 0, 61), planes(image).astype(np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_samples_that_are_no_numbers_are_refused_and_counted(bad, pixels, tiff):
    image = pixels("float64")
    image[40, 2:5, 1] = bad
    header = read_header(tiff("a.tif", image))
    assert read_rows(header, 0, 40).shape == (3, 40, 83)
    with pytest.raises(Refusal, match=r"a\.tif: has 3 NaN or infinite samples in rows 30\.\.60"):
        read_rows(header, 30, 61)


def test_jpeg_inside_tiff_is_decoded_to_rgb(tiff):
    y, x = np.mgrid[:64, :96]
    image = np.stack([2 * y, 2 * x, 128 + 0 * x], -1).astype(np.uint8)
    for name, layout in (("strips.tif", {"rowsperstrip": 16}), ("tiles.tif", {"tile": (32, 32)})):
        path = tiff(name, image, compression="jpeg", compressionargs={"level": 95}, **layout)
        difference = read_rows(read_header(path), 0, 64).astype(int) - np.moveaxis(image, -1, 0)
        assert abs(difference).max() <= 16
        assert abs(difference).mean() < 2


def test_jpeg_inside_tiff_that_ends_early_is_refused(pixels, tiff):
    image = pixels("uint8", height=64)
    path = tiff("a.tif", image, compression="jpeg", rowsperstrip=64)
    with tifffile.TiffFile(path) as tif:
        start, size = tif.pages[0].dataoffsets[0], tif.pages[0].databytecounts[0]
    content = bytearray(path.read_bytes())
    content[start + size * 97 // 100 : start + size] = bytes(size - size * 97 // 100)
    path.write_bytes(content)
    with pytest.raises(Refusal, match=r"a\.tif: damaged TIFF: .*ends early"):
        read_rows(read_header(path), 0, 64)


def test_thumbnails_pyramids_and_masks_are_no_second_page(pixels, planes, tmp_path):
    image, path = pixels(), tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        small = {"photometric": "rgb", "metadata": None}
        tif.write(image[::4, ::4], subfiletype=1, **small)
        tif.write(image, subifds=1, **small)
        tif.write(image[::2, ::2], subfiletype=1, **small)
        tif.write(image[..., 0] > 9, subfiletype=4, photometric="mask", metadata=None)
    assert np.array_equal(read_rows(read_header(path), 0, 61), planes(image))


def test_files_named_in_ome_metadata_are_not_opened(pixels, planes, tiff, tmp_path):
    other = tiff("other.tif", pixels(seed=6))
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels DimensionOrder="XYCZT" ID="Pixels:0" SizeC="3" SizeT="1" SizeX="83" '
        'SizeY="61" SizeZ="1" Type="uint16"><TiffData IFD="0" PlaneCount="1">'
        '<UUID FileName="other.tif">urn:uuid:0</UUID></TiffData></Pixels></Image></OME>'
    )
    image = pixels(seed=7)
    path = tiff("a.ome.tif", image, description=xml)
    other.unlink()
    assert np.array_equal(read_rows(read_header(path), 0, 61), planes(image))


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"rowsperstrip": 16, "compression": "lzw", "predictor": True},
        {"tile": (64, 64), "compression": "deflate"},
        {"tile": (128, 128), "byteorder": ">"},
        {"rowsperstrip": 32, "compression": "zstd", "planarconfig": "separate"},
    ],
)
def test_a_band_takes_the_memory_of_a_band(layout, pixels, tiff):
    header = read_header(tiff("a.tif", pixels(height=2048, width=700), **layout))
    frame_bytes = 2048 * 700 * 3 * 2
    with open_frame(header) as frame:
        frame.rows(0, 1)
        tracemalloc.start()
        band = frame.rows(1000, 1064)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < band.nbytes + header.decode_bytes + 100_000
    assert peak < frame_bytes / 4


def test_only_the_strips_touched_are_decoded(pixels, tiff, monkeypatch):
    from imfuse_tiles.imageio.reading.tiff_rows import TiffRows

    decoded = []
    decode = TiffRows._segment
    monkeypatch.setattr(TiffRows, "_segment", lambda rows, index: decoded.append(index) or decode(rows, index))
    header = read_header(tiff("a.tif", pixels(), rowsperstrip=8, compression="lzw"))
    with open_frame(header) as frame:
        frame.rows(17, 30)
        frame.rows(30, 33)
    assert decoded == [2, 3, 4]
