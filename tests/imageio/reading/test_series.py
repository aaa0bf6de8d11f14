"""Files of several series, times, channels and slices: what is chosen is read, and nothing is chosen silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hyperstacks import STACK, ome_zarr, samples

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import read_rows
from imfuse_tiles.imageio.reading.detect import series_in
from imfuse_tiles.imageio.reading.series import Selection, stacks_of
from imfuse_tiles.imageio.size_metadata import frame_size

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "imageio.reading.array_frames",
    "imageio.reading.file_facts",
    "imageio.reading.formats",
    "imageio.reading.numpy_file",
    "imageio.reading.ome_xml",
    "imageio.reading.tiff_frames",
    "imageio.reading.tiff_levels",
    "imageio.reading.tiff_series",
)


def written(folder: Path, kind: str) -> Path:
    """The stack in one file or folder of a kind."""
    path = folder / f"stack.{kind}"
    slices_last, hyper = STACK, np.ascontiguousarray(np.swapaxes(STACK, 1, 2))
    if kind == "ome.tif":
        tifffile.imwrite(path, slices_last, metadata={"axes": "TCZYX", "Channel": {"Name": ["DAPI", "GFP", "red"]}},
                         photometric="minisblack", tile=(16, 16), compression="zlib")  # fmt: skip
    elif kind == "imagej.tif":
        tifffile.imwrite(path, hyper, imagej=True, metadata={"axes": "TZCYX"})
    elif kind == "virtual.tif":
        note = "ImageJ=1.53t\nimages=24\nchannels=3\nslices=4\nframes=2\nhyperstack=true\n"
        tifffile.imwrite(path, hyper[0, 0, 0], metadata=None, photometric="minisblack", description=note)
        with path.open("ab") as file:
            file.write(hyper.reshape(-1, 40, 60)[1:].tobytes())
    elif kind == "shaped.tif":
        tifffile.imwrite(path, slices_last, metadata={"axes": "TCZYX"}, photometric="minisblack")
    else:
        ome_zarr(path, STACK, "tczyx", 2 if kind == "v2.zarr" else 3)
    return path


KINDS = ("ome.tif", "imagej.tif", "virtual.tif", "shaped.tif", "v2.zarr", "v3.zarr")


@pytest.mark.parametrize("kind", KINDS)
def test_a_channel_of_a_time_is_a_stack(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind)
    for time, channel in ((1, 1), (2, 3)):
        found = samples(path, time=str(time), channel=str(channel))
        assert np.array_equal(found[:, 0], STACK[time - 1, channel - 1])
    headers = open_stack([path], selection=Selection(time="2", channel="3")).headers
    assert np.array_equal(read_rows(headers[1], 13, 34)[0], STACK[1, 2, 1, 13:34])
    assert headers[1].part == "time 2 channel 3 slice 2" or kind in ("imagej.tif", "virtual.tif")
    assert [header.name for header in headers] == sorted({header.name for header in headers})


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_chosen_for_the_user(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind)
    with pytest.raises(Refusal, match="holds 2 times; --time=1 to --time=2 chooses one, imfuse-tiles batch fuses each"):
        open_stack([path])
    with pytest.raises(Refusal, match=r"holds 3 channels.*; --input-channel=1 to --input-channel=3 chooses one"):
        open_stack([path], selection=Selection(time="1"))
    with pytest.raises(Refusal, match="has no time 3; --time may be 1 to 2"):
        open_stack([path], selection=Selection(time="3"))
    with pytest.raises(Refusal, match="has no channel Cy5"):
        open_stack([path], selection=Selection(time="1", channel="Cy5"))
    with pytest.raises(Refusal, match="has no series 2; --series may be 1, it holds one"):
        open_stack([path], selection=Selection(series="2"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_stack_of_a_file_is_listed(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind)
    selections = list(stacks_of(series_in(path)))
    assert [(one.time, one.channel) for one in selections] == [(t, c) for t in "12" for c in "123"]
    digests = {open_stack([path], selection=one).digest for one in selections}
    assert len(digests) == 6


@pytest.mark.parametrize("kind", ["ome.tif", "v2.zarr", "v3.zarr"])
def test_channels_have_names(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind)
    assert np.array_equal(samples(path, time="1", channel="gfp")[:, 0], STACK[0, 1])
    with pytest.raises(Refusal, match=r"holds 3 channels \(DAPI, GFP, red\)"):
        open_stack([path], selection=Selection(time="1"))


def test_times_are_frames_where_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, STACK[:, 0, 0], metadata={"axes": "TYX"}, photometric="minisblack")
    assert np.array_equal(samples(path)[:, 0], STACK[:, 0, 0])
    assert np.array_equal(samples(path, time="2")[:, 0], STACK[1:, 0, 0])


def test_an_ome_tiff_of_several_files_is_one_stack(tmp_path: Path) -> None:
    paths = ome_set(tmp_path)
    assert np.array_equal(samples(paths[2], channel="1")[:, 0], STACK[0, 0])
    assert np.array_equal(samples(*paths, channel="2")[:, 0], STACK[0, 1])
    assert np.array_equal(samples(*paths[:2], channel="2")[:, 0], STACK[0, 1, :2])
    with pytest.raises(Refusal, match="holds 3 channels"):
        open_stack(paths)
    notice = open_stack(paths, selection=Selection(channel="1")).notices[0]
    assert notice.endswith("are one OME-TIFF: 4 frames of its 12 pictures, 3 channels")
    paths[1].unlink()
    with pytest.raises(Refusal, match=r"has pictures in 's1\.ome\.tif', which is not there; --pages=all"):
        open_stack([paths[0]])
    assert len(open_stack([paths[0]], pages="all").headers) == 3


NAMES = ("s0.ome.tif", "s1.ome.tif", "s2.ome.tif", "s3.ome.tif")
TIFF_DATA = (
    '<TiffData FirstZ="{}" FirstC="{}" IFD="{}" PlaneCount="1"><UUID FileName="{}">urn:uuid:{}</UUID></TiffData>'
)
PIXELS = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{}"><Image ID="Image:0">'
    '<Pixels DimensionOrder="XYCZT" SizeX="60" SizeY="40" SizeC="3" SizeZ="4" SizeT="1" Type="uint16">{}</Pixels>'
    "</Image></OME>"
)


def ome_set(folder: Path, names: tuple[str, ...] = NAMES) -> list[Path]:
    """One slice of three channels in each file, all files named in each."""
    data = "".join(TIFF_DATA.format(z, c, c, name, z) for z, name in enumerate(names) for c in range(3))
    paths = [folder / Path(name).name for name in names]
    for z, path in enumerate(paths):
        xml = PIXELS.format(z, data)
        tifffile.imwrite(path, STACK[0, :, z], description=xml, metadata=None, photometric="minisblack")
    return paths


@pytest.mark.parametrize("name", ["../s3.ome.tif", "/etc/passwd", "a\\b.tif"])
def test_xml_that_names_files_of_other_folders_is_not_followed(name: str, tmp_path: Path) -> None:
    ome_set(tmp_path, (*NAMES[:3], name))
    stack = open_stack([tmp_path / "s0.ome.tif"])
    assert [header.part for header in stack.headers] == ["page 1", "page 2", "page 3"]


def test_xml_of_a_file_that_was_cut_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "cut.ome.tif"
    tifffile.imwrite(path, STACK[0, 0, :2], metadata={"axes": "ZYX"}, photometric="minisblack")
    xml = tifffile.tiffcomment(path)
    tifffile.tiffcomment(path, xml.replace('SizeZ="2"', 'SizeZ="9"').replace('PlaneCount="2"', 'PlaneCount="9"'))
    assert np.array_equal(samples(path)[:, 0], STACK[0, 0, :2])


@pytest.mark.parametrize("kind", ["below", "beside", "v3.zarr"])
def test_a_level_is_a_smaller_stack(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"levels.{kind}"
    stack = STACK[0, 0]
    if kind == "v3.zarr":
        ome_zarr(path, stack, "zyx", 3)
    else:
        with tifffile.TiffWriter(path, ome=kind == "below") as tif:
            if kind == "below":
                about = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
                tif.write(stack, subifds=1, metadata=about, photometric="minisblack")
                tif.write(stack[:, ::2, ::2], subfiletype=1, photometric="minisblack")
            for plane in stack if kind == "beside" else ():
                for step in (1, 2):
                    tif.write(plane[::step, ::step], metadata=None, photometric="minisblack")
    assert np.array_equal(samples(path)[:, 0], stack)
    assert np.array_equal(samples(path, level=1)[:, 0], stack[:, ::2, ::2])
    headers = [open_stack([path], selection=Selection(level=level)).headers[0] for level in (0, 1)]
    assert [frame_size(header).x > 0 for header in headers] == [kind == "below", False]
    with pytest.raises(Refusal, match="has no level 2; --input-level may be 0 to 1"):
        open_stack([path], selection=Selection(level=2))


def test_a_frame_of_several_channels_in_each_file(tmp_path: Path) -> None:
    for z in range(4):
        tifffile.imwrite(tmp_path / f"z{z}.tif", STACK[0, :, z], imagej=True, metadata={"axes": "CYX"})
    assert np.array_equal(samples(tmp_path, channel="2")[:, 0], STACK[0, 1])
    with pytest.raises(Refusal, match=r"z0\.tif: has 3 pages"):
        open_stack([tmp_path])


@pytest.mark.parametrize("shape", [(4, 40, 60), (4, 40, 60, 3), (4, 40, 60, 4), (40, 60), (40, 60, 3)])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float64"])
def test_numpy_files_are_stacks(shape: tuple[int, ...], dtype: str, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    array = random.random(shape) if dtype == "float64" else random.integers(0, 255, shape).astype(dtype)
    for order in "CF":
        np.save(tmp_path / "a.npy", np.asarray(array, order=order))
        found = samples(tmp_path / "a.npy")
        grey = array if shape[-1] > 4 else np.moveaxis(array, -1, -3)[..., :3, :, :]
        assert np.array_equal(found, grey.reshape(found.shape).astype(found.dtype))


@pytest.mark.parametrize(("array", "what"), [
    (np.zeros((4, 40, 60), "i2"), "has int16 samples; allowed are uint8, uint16"),
    (np.zeros((2, 3, 4, 40, 60), "u1"), "an array of 2 x 3 x 4 x 40 x 60 is no stack; allowed are"),
    (np.array([None, 1]), "damaged NPY|samples"),
])  # fmt: skip
def test_other_numpy_files_are_refused(array: np.ndarray, what: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(Refusal, match=what):
        open_stack([tmp_path / "a.npy"])


def test_a_truncated_numpy_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", STACK[0, 0])
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-1])
    with pytest.raises(Refusal, match="is truncated: "):
        open_stack([tmp_path / "a.npy"])
