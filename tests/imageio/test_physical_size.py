"""How large a pixel is, as files of microscopes, cameras and other programs say it."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.physical_size import PhysicalSize, parse_length
from imfuse_tiles.imageio.size_metadata import read_physical_size
from imfuse_tiles.imageio.writing import Picture, write_picture

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.size_metadata",)

IMAGE = np.zeros((8, 9), np.uint16)


@pytest.mark.parametrize(
    ("text", "micrometres"),
    [("0.65um", 0.65), ("2µm", 2), ("2 μm", 2), ("300nm", 0.3), ("1.5mm", 1500), ("1e-3mm", 1), ("1cm", 1e4)],
)
def test_lengths(text, micrometres):
    assert parse_length("--z-step", text) == pytest.approx(micrometres)


@pytest.mark.parametrize("text", ["", "um", "0um", "-1um", "1", "1 parsec", "nan um", "1e99m", "1..2um", "1um2um"])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(Refusal, match=r"--z-step .*: no length; allowed are such as 0\.65um"):
        parse_length("--z-step", text)


def tiff(path, **how):
    tifffile.imwrite(path, IMAGE, **how)
    return read_physical_size(path)


def test_an_ome_description(tmp_path):
    how = {"PhysicalSizeX": 0.65, "PhysicalSizeY": 650, "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 2, "axes": "YX"}
    assert tiff(tmp_path / "a.ome.tif", ome=True, metadata=how) == PhysicalSize(0.65, 0.65, 2.0)


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m", "mm"])
def test_imagej(unit, tmp_path):
    factor = 1000 if unit == "mm" else 1
    size = tiff(tmp_path / "a.tif", imagej=True, resolution=(1 / 0.65 * factor, 2.0 * factor),
                metadata={"spacing": -2.5 / factor, "unit": unit})  # fmt: skip
    assert (size.x, size.y, size.z) == pytest.approx((0.65, 0.5, 2.5), rel=1e-4)


def test_imagej_in_pixels_says_nothing(tmp_path):
    assert tiff(tmp_path / "a.tif", imagej=True, resolution=(1, 1), metadata={"unit": "pixel", "spacing": 3}).z == 0


def test_a_resolution_finer_than_print_is_of_a_microscope(tmp_path):
    size = tiff(tmp_path / "a.tif", resolution=(15384.6, 20000), resolutionunit=3)
    assert (size.x, size.y, size.dpi) == (pytest.approx(0.65, rel=1e-4), pytest.approx(0.5), (0, 0))
    assert tiff(tmp_path / "b.tif", resolution=(300, 240), resolutionunit=2) == PhysicalSize(dpi=(300, 240))
    assert tiff(tmp_path / "c.tif", resolution=(300, 240), resolutionunit=1) == PhysicalSize()


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_pictures_for_print(name, tmp_path):
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(tmp_path / name, dpi=(300, 300))
    assert read_physical_size(tmp_path / name).dpi == pytest.approx((300, 300), rel=1e-3)


def test_damaged_files_say_nothing(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", IMAGE, resolution=(15384.6, 20000), resolutionunit=3)
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(tmp_path / "a.png", dpi=(300, 300))
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(tmp_path / "a.jpg", dpi=(300, 300))
    picture = Picture(8, 9, 1, "uint16", size=PhysicalSize(0.5, 0.5))
    write_picture(tmp_path / "a.jxl", picture, [IMAGE[..., None]])
    assert read_physical_size(tmp_path / "a.jxl") == PhysicalSize(0.5, 0.5)
    random = np.random.default_rng(1)
    for name in ("a.tif", "a.png", "a.jpg", "a.jxl"):
        whole = (tmp_path / name).read_bytes()
        for _ in range(150):
            data = bytearray(whole[: random.integers(0, len(whole) + 1)])
            for place in random.integers(0, max(len(data), 1), 4):
                data[place : place + 1] = random.bytes(1) if data else b""
            (tmp_path / "b").write_bytes(data)
            size = read_physical_size(tmp_path / "b")
            assert all(0 <= value <= 1e9 for value in (size.x, size.y, size.z, *size.dpi))
    assert read_physical_size(tmp_path / "missing.tif") == PhysicalSize()
    assert read_physical_size(tmp_path) == PhysicalSize()


def test_absurd_sizes_are_not_known(tmp_path):
    xml = '<?xml version="1.0"?><OME><Pixels PhysicalSizeX="{}" PhysicalSizeY="1" PhysicalSizeZ="{}"/></OME>'
    for x, z in (("1e300", "nan"), ("-1", "1e-30"), ("....", "2"), ("0", "e")):
        size = tiff(tmp_path / "a.tif", description=xml.format(x, z), metadata=None)
        assert (size.x, size.y) == (0, 0)


def ome_zarr(folder, axes, scale, **more):
    """An OME-Zarr of which only the metadata are there."""
    folder.mkdir()
    image = {
        "axes": axes,
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}],
    }
    (folder / ".zattrs").write_text(json.dumps({"multiscales": [{**image, **more}]}))
    return read_physical_size(folder)


def test_an_ome_zarr(tmp_path):
    axes = [{"name": "z", "type": "space", "unit": "micrometer"}, {"name": "y", "unit": "nanometer"}, {"name": "x"}]
    assert ome_zarr(tmp_path / "a", axes, [2, 650, 0.65]) == PhysicalSize(0, 0, 2)
    axes[2]["unit"] = "micrometer"
    assert ome_zarr(tmp_path / "b", axes, [2, 650, 0.65]) == PhysicalSize(0.65, 0.65, 2)
    twice = [{"type": "scale", "scale": [1, 2, 2]}, {"type": "translation", "translation": [0, 9, 9]}]
    assert ome_zarr(tmp_path / "c", axes, [2, 650, 0.65], coordinateTransformations=twice) == PhysicalSize(1.3, 1.3, 2)
    for number, bad in enumerate(([2, 650], ["2", "a", 1], 7, [2, None, 1e400], [float("nan")] * 3)):
        size = ome_zarr(tmp_path / str(number), axes, bad)
        assert (size.x, size.y) == (0, 0)


@pytest.mark.parametrize("text", ["", "[]", "7", "[" * 100_000, '{"multiscales": []}', '{"multiscales": {}}', "\xff"])
def test_an_ome_zarr_without_sense_says_nothing(text, tmp_path):
    (tmp_path / ".zattrs").write_text(text)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "zarr.json").write_text(f'{{"attributes": {text or 1}}}')
    assert read_physical_size(tmp_path) == read_physical_size(tmp_path / "b") == PhysicalSize()
