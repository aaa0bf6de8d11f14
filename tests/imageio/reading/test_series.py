"""Files of several series, times, channels and slices: what is chosen is read, and nothing is chosen silently."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

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
    "imageio.reading.zarr_facts",
    "imageio.reading.zarr_folder",
    "imageio.reading.zarr_images",
    "imageio.reading.zarr_metadata",
)

#: Times, channels, slices, rows and columns.
STACK = np.random.default_rng(5).integers(0, 65535, (2, 3, 4, 40, 60), np.uint16)


def samples(*paths: Path, **how: str | int) -> np.ndarray:
    """The pixels of the frames that a selection leaves, (frames, planes, y, x)."""
    selection = Selection(**how)  # type: ignore[arg-type]
    headers = open_stack(list(paths), selection=selection, ignore_alpha=True).headers
    return np.stack([read_rows(header, 0, header.height) for header in headers])


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


def ome_zarr(path: Path, stack: np.ndarray, axes: str, version: int, colours: tuple[str, ...] = ("0",) * 3) -> Path:
    """An OME-Zarr of two levels, 0.4 or 0.5."""
    group = zarr.open_group(path, mode="w", zarr_format=version)  # type: ignore[arg-type]
    chunks = (*(1 for _ in stack.shape[:-2]), 16, 32)
    for level, step in enumerate((1, 2)):
        part = np.ascontiguousarray(stack[..., ::step, ::step])
        array = group.create_array(str(level), shape=part.shape, dtype=part.dtype, chunks=chunks)  # type: ignore[arg-type]
        array[...] = part
    channels = [{"label": name, "color": colour} for name, colour in zip(LABELS, colours, strict=True)]
    about = {"multiscales": [{"axes": [{"name": name} for name in axes], "datasets": [{"path": "0"}, {"path": "1"}]}],
             "omero": {"channels": channels}}  # fmt: skip
    group.attrs.update(about if version == 2 else {"ome": {"version": "0.5", **about}})
    return path


LABELS = ("DAPI", "GFP", "red")
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


@pytest.mark.parametrize("how", [{}, {"shards": (1, 32, 64)}, {"compressors": None}])
def test_zarr_arrays_without_metadata_are_stacks(how: dict[str, object], tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a.zarr", shape=(4, 40, 60), dtype="u2", chunks=(1, 16, 32), **how)  # type: ignore[arg-type]
    array[...] = STACK[0, 0]
    assert np.array_equal(samples(tmp_path / "a.zarr")[:, 0], STACK[0, 0])


@pytest.mark.parametrize("version", [2, 3])
def test_three_channels_of_red_green_and_blue_are_colours(version: int, tmp_path: Path) -> None:
    stack = np.swapaxes(STACK[0], 0, 1)
    path = ome_zarr(tmp_path / "a.zarr", stack, "zcyx", version, ("FF0000", "00FF00", "0000FF"))
    assert np.array_equal(samples(path), stack)
    other = ome_zarr(tmp_path / "b.zarr", stack, "zcyx", version)
    assert np.array_equal(samples(other, channel="rgb"), stack)


def test_images_below_a_folder_are_its_series(tmp_path: Path) -> None:
    for number in range(2):
        ome_zarr(tmp_path / "many.zarr" / str(number), STACK[number, 0], "zyx", 3)
    (tmp_path / "many.zarr/zarr.json").write_text(
        json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"bioformats2raw.layout": 3}}})
    )
    with pytest.raises(Refusal, match=r"holds 2 series \(0, 1\); --series=1 to --series=2 chooses one"):
        open_stack([tmp_path / "many.zarr"])
    assert np.array_equal(samples(tmp_path / "many.zarr", series="2")[:, 0], STACK[1, 0])
    for field in ("A/1/0", "A/1/1", "B/2/0"):
        ome_zarr(tmp_path / "plate.zarr" / field, STACK[0, 0], "zyx", 3)
    for place, about in (("", {"plate": {"wells": [{"path": "A/1"}, {"path": "B/2"}]}}),
                         ("A/1", {"well": {"images": [{"path": "0"}, {"path": "1"}]}}),
                         ("B/2", {"well": {"images": [{"path": "0"}]}})):  # fmt: skip
        (tmp_path / "plate.zarr" / place / "zarr.json").write_text(
            json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"ome": about}})
        )
    assert [one.name for one in series_in(tmp_path / "plate.zarr")] == ["A/1/0", "A/1/1", "B/2/0"]
    assert len(samples(tmp_path / "plate.zarr", series="B/2/0")) == 4


def test_a_chunk_that_changes_makes_another_stack(tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    stack = open_stack([path])
    assert open_stack([path]).digest == stack.digest
    content = open_stack([path], check_inputs=True).digest
    chunk = path / "0/c/2/1/1"
    content_before = chunk.read_bytes()
    chunk.write_bytes(content_before)
    assert open_stack([path]).digest != stack.digest
    assert open_stack([path], check_inputs=True).digest == content
    with pytest.raises(Refusal, match="was changed while in use"):
        read_rows(stack.headers[2], 0, 40)
    read_rows(stack.headers[1], 0, 40)


@pytest.mark.parametrize(("old", "new", "what"), [
    (b'"zstd"', b'"pickle"', "has a Zarr codec 'pickle'"), (b'"uint16"', b'"int16"', "has int16 samples"),
    (b'"uint16"', b'["uint16"]', "has .* samples|damaged"), (b"40", b"-4", "no pixels"), (b"{", b"[", "is damaged"),
    (b'"chunk_shape"', b'"chunk"', "damaged Zarr metadata"),
])  # fmt: skip
def test_damaged_metadata_of_zarr_are_refused(old: bytes, new: bytes, what: str, tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    about = path / "0" / "zarr.json"
    assert old in about.read_bytes()
    about.write_bytes(about.read_bytes().replace(old, new, 1))
    with pytest.raises(Refusal, match=what):
        open_stack([path])


def test_chunks_beyond_measure_are_refused(tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    about = json.loads((path / "0/zarr.json").read_text())
    about["chunk_grid"]["configuration"]["chunk_shape"] = [1, 1 << 20, 1 << 20]
    (path / "0/zarr.json").write_text(json.dumps(about))
    with pytest.raises(Refusal, match="claims chunks of 1 x 1048576 x 1048576, impossible"):
        open_stack([path])


def test_a_spoiled_chunk_is_refused(tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    chunk = path / "0/c/2/1/1"
    chunk.write_bytes(chunk.read_bytes()[:50])
    stack = open_stack([path])
    with pytest.raises(Refusal, match=r"a\.zarr: damaged ZARR"):
        read_rows(stack.headers[2], 0, 40)


def test_paths_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    ome_zarr(tmp_path / "other.zarr", STACK[0, 0], "zyx", 3)
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(text.replace('"path": "0"', '"path": "../other.zarr/0"'))
    with pytest.raises(Refusal, match="which is no path in it"):
        open_stack([path])


def test_a_folder_of_arrays_that_are_no_images_is_refused(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "a.zarr", mode="w").create_array("x", shape=(9, 9), dtype="u1")
    with pytest.raises(Refusal, match="is a Zarr folder without images of OME-Zarr; name one of its arrays"):
        open_stack([tmp_path / "a.zarr"])


@pytest.mark.parametrize("version", [2, 3])
def test_mutated_zarr_folders_are_read_or_refused(version: int, tmp_path: Path) -> None:
    path, random = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", version), np.random.default_rng(version)
    files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    about = [file for file in files if file.name in ("zarr.json", ".zarray", ".zattrs")]
    read = 0
    for number in range(40):
        file = (about if number % 3 else files)[random.integers(len(about if number % 3 else files))]
        content = file.read_bytes()
        changed = bytearray(content)
        for place in random.integers(0, len(content), 3):
            changed[place] = random.choice([0, 48, 57, 91, 125, 255, int(random.integers(256))])
        file.write_bytes(changed[: len(changed) if number % 5 else int(random.integers(len(changed) + 1))])
        with suppress(Refusal):
            read += len(samples(path))
        file.write_bytes(content)
    assert read > 0
    assert np.array_equal(samples(path)[:, 0], STACK[0, 0])
