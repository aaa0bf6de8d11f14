"""OME-TIFF, OME-Zarr and deep zoom hold every sample and every level, and are read by programs that are not ours."""

import threading

import numpy as np
import pytest
import tifffile
import zarr
from planar import planar

from imfuse_tiles.errors import AlreadyExists
from imfuse_tiles.imageio.metadata import Tags, Value
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.writing import Picture, ome_zarr, write_tiled
from imfuse_tiles.imageio.writing.ome_xml import date_taken, ome_xml
from imfuse_tiles.kernels.halve import halve

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "imageio.writing.ome_tiff", "imageio.writing.ome_xml", "imageio.writing.ome_zarr", "imageio.writing.deep_zoom",
    "imageio.writing.ome_zarr_metadata", "imageio.writing.folder_target",
)  # fmt: skip
SIZE = PhysicalSize(0.65, 0.5, 2.0)
TAKEN = Tags(exif={36867: Value(2, 20, b"2024:02:03 04:05:06\0")})


def level_of(image, level):
    """A level of an image, (planes, height, width)."""
    samples = np.moveaxis(image, -1, 0)
    for _ in range(level):
        samples = halve(samples)
    return samples


@pytest.mark.parametrize(
    ("planes", "dtype"), [(1, "float32"), (2, "uint16"), (3, "uint16"), (3, "uint8"), (4, "uint16")]
)
def test_ome_tiff_holds_every_sample_of_every_level(planes, dtype, picture, tmp_path):
    ome_types, pyvips = pytest.importorskip("ome_types"), pytest.importorskip("pyvips")
    described, image = picture(planes, dtype, 700, 1100, description="--wavelet=p5 <&>", software="imfuse-tiles v1")
    described = Picture(**{**vars(described), "size": SIZE, "tags": TAKEN, "name": "Käfer"})
    path = tmp_path / "a.ome.tif"
    write_tiled(path, described, planar(image), "id", workers=2)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        levels = tif.series[0].levels
        assert [level.shape[:2] for level in levels] == [(700, 1100), (350, 550), (175, 275)]
        for number, level in enumerate(levels):
            assert np.array_equal(np.moveaxis(level.asarray().reshape(*level.shape[:2], planes), -1, 0),
                                  level_of(image, number))  # fmt: skip
        ome_types.validate_xml(tif.ome_metadata)
    pixels = ome_types.from_tiff(path).images[0].pixels
    assert (pixels.physical_size_x, pixels.physical_size_y, pixels.physical_size_z) == (0.65, 0.5, 2.0)
    assert pixels.physical_size_x_unit.value == "µm"
    assert (pixels.size_x, pixels.size_y, pixels.size_c, pixels.channels[0].samples_per_pixel) == (
        1100,
        700,
        planes,
        planes,
    )
    whole = pyvips.Image.new_from_file(str(path)).numpy().reshape(image.shape)
    assert np.array_equal(whole, image)
    second = pyvips.Image.new_from_file(str(path), subifd=0).numpy().reshape(350, 550, planes)
    assert np.array_equal(np.moveaxis(second, -1, 0), level_of(image, 1))


def test_the_description_is_the_same_every_time_and_holds_any_text():
    described = Picture(5, 5, 1, "uint16", description='a < b & "c" \x07 \udcff 日本', tags=TAKEN)
    pytest.importorskip("ome_types").validate_xml(ome_xml(described))
    assert ome_xml(described) == ome_xml(described)
    assert "2024-02-03T04:05:06" in ome_xml(described)


@pytest.mark.parametrize("text", [b"", b"2024:13:03 04:05:06\0", b"    :  :     :  :  \0", b"\xff\xfe", b"yesterday"])
def test_a_date_that_is_none_is_left_out(text):
    assert date_taken(Tags(exif={36867: Value(2, len(text), text)})) == ""


@pytest.mark.parametrize("version", ["0.5", "0.4"])
@pytest.mark.parametrize(("planes", "dtype"), [(1, "float32"), (2, "uint16"), (3, "uint8"), (4, "uint16")])
def test_ome_zarr_holds_every_sample_of_every_level(planes, dtype, version, picture, tmp_path):
    yaozarrs, tensorstore = pytest.importorskip("yaozarrs"), pytest.importorskip("tensorstore")
    described, image = picture(planes, dtype, 700, 1100, description="--wavelet=p5")
    path = tmp_path / "a.ome.zarr"
    write_tiled(path, Picture(**{**vars(described), "size": SIZE}), planar(image), "id", version=version)
    yaozarrs.validate_zarr_store(str(path))
    group = zarr.open_group(path, mode="r")
    for level in range(3):
        expected = level_of(image, level)
        assert np.array_equal(group[str(level)][:], expected)
        driver = {"0.5": "zarr3", "0.4": "zarr"}[version]
        store = {"driver": "file", "path": str(path / str(level))}
        assert np.array_equal(tensorstore.open({"driver": driver, "kvstore": store}).result().read().result(), expected)
    attributes = dict(group.attrs)
    shown = attributes["ome"] if version == "0.5" else attributes
    assert [len(shown["multiscales"][0]["datasets"]), len(shown["omero"]["channels"])] == [3, planes]
    second = shown["multiscales"][0]["datasets"][1]["coordinateTransformations"]
    assert second == [
        {"type": "scale", "scale": [1.0, 1.0, 1.3]},
        {"type": "translation", "translation": [0, 0.25, 0.325]},
    ]


@pytest.mark.parametrize(("planes", "ending"), [(1, "jpg"), (3, "jpg"), (4, "png"), (2, "png")])
def test_deep_zoom_tiles_make_up_the_picture(planes, ending, picture, tmp_path):
    from PIL import Image

    described, image = picture(planes, "uint8", 700, 1100)
    write_tiled(tmp_path / "a.dzi", described, planar(image), "id")
    text = (tmp_path / "a.dzi").read_text()
    assert f'Format="{ending}"' in text
    assert 'Size Width="1100" Height="700"' in text
    levels = sorted(int(folder.name) for folder in (tmp_path / "a_files").iterdir())
    assert levels == list(range(12))  # 2 ** 11 is the first power of two from 1100 on
    for level in (11, 10, 5, 0):
        expected = np.moveaxis(level_of(image, 11 - level), 0, -1)
        seen = np.zeros_like(expected)
        for tile in (tmp_path / "a_files" / str(level)).iterdir():
            column, row = map(int, tile.stem.split("_"))
            part = np.asarray(Image.open(tile)).reshape(-1, Image.open(tile).width, planes)
            seen[row * 512 : row * 512 + len(part), column * 512 : column * 512 + part.shape[1]] = part
        difference = np.abs(seen.astype(int) - expected)
        assert difference.mean() < (12 if ending == "jpg" else 1e-9)


@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr", "a.dzi"])
def test_the_same_bytes_with_any_number_of_threads(name, picture, tmp_path):
    described, image = picture(3, "uint8", 1100, 1300)
    contents = []
    for workers in (1, 3):
        folder = tmp_path / str(workers)
        folder.mkdir()
        write_tiled(folder / name, described, planar(image), "id", workers=workers)
        contents.append({file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()})
    assert contents[0] == contents[1]


class Stop(Exception):
    """Ends writing in the middle."""


@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr", "a.dzi"])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 8])
def test_what_is_stopped_leaves_nothing_under_its_name_and_goes_on(name, count, picture, tmp_path):
    described, image = picture(3, "uint8", 1100, 1300)
    read = planar(image)
    regions = []

    def stopping(region):
        regions.append(region)
        if len(regions) > count:
            raise Stop
        return read(region)

    with pytest.raises(Stop):
        write_tiled(tmp_path / name, described, stopping, "id", workers=1)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []
    again = []
    write_tiled(tmp_path / name, described, lambda region: again.append(region) or read(region), "id")
    (tmp_path / "new").mkdir()
    write_tiled(tmp_path / "new" / name, described, read, "id")
    mine = {file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file() and "new" not in file.parts}
    assert not any(part.startswith(".") for file in mine for part in file.parts)
    assert mine == {file.relative_to(tmp_path / "new") for file in (tmp_path / "new").rglob("*") if file.is_file()}
    assert all((tmp_path / file).read_bytes() == (tmp_path / "new" / file).read_bytes() for file in mine)
    if name == "a.ome.zarr":
        assert len(again) == 9 - 3 * (count // 3)  # whole rows of tiles are not read again


def test_a_part_of_another_result_is_removed(picture, tmp_path):
    described, image = picture(1, "uint8", 600, 600)
    other = tmp_path / ".a.ome.zarr.partial-old-0.5"
    (other / "0").mkdir(parents=True)
    write_tiled(tmp_path / "a.ome.zarr", described, planar(image), "id")
    assert [path.name for path in tmp_path.iterdir()] == ["a.ome.zarr"]


def test_two_runs_do_not_write_the_same_folder(picture, tmp_path):
    described, image = picture(1, "uint8", 600, 600)
    reading, done = threading.Event(), threading.Event()

    def slow(region):
        reading.set()
        done.wait(20)
        return planar(image)(region)

    thread = threading.Thread(target=write_tiled, args=(tmp_path / "a.zarr", described, slow, "id"))
    thread.start()
    reading.wait(20)
    with pytest.raises(AlreadyExists, match="another run writes it now"):
        write_tiled(tmp_path / "a.zarr", described, planar(image), "id")
    done.set()
    thread.join()
    assert zarr.open_group(tmp_path / "a.zarr", mode="r")["0"].shape == (1, 600, 600)


def test_chunks_are_whole_at_the_border(tmp_path, picture):
    described, image = picture(1, "uint16", 513, 20)
    write_tiled(tmp_path / "a.zarr", described, planar(image), "id")
    import imagecodecs

    last = imagecodecs.blosc_decode((tmp_path / "a.zarr/0/c/0/1/0").read_bytes())
    assert len(last) == 2 * ome_zarr.EDGE**2
    assert np.count_nonzero(np.frombuffer(last, "<u2").reshape(512, 512)[1:]) == 0
