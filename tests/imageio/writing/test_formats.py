"""What each format holds: said by the program, and found in the files by programs that are not ours."""

import base64
import json
import shutil
import struct
import subprocess
from dataclasses import replace

import numpy as np
import pillow_heif
import pytest
import pyvips
import tifffile
import zarr
from PIL import Image
from written_pictures import ALL, DATE, LENS, LOST, PROFILE, SIZE, TAGS, WORDS, example, samples_of, write

from imfuse_tiles.imageio.metadata import Tags, Value
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading import open_frame, read_header, read_headers
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.size_metadata import read_physical_size
from imfuse_tiles.imageio.writing import (
    ENDINGS,
    Picture,
    format_of,
    losses,
)
from imfuse_tiles.kernels.eight_bits import eight_bits


def exiftool(path):
    """What exiftool tells of a file, empty where there is no exiftool."""
    if not shutil.which("exiftool"):
        return {}
    done = subprocess.run(["exiftool", "-j", "-n", "-icc_profile:all", "-all", path], capture_output=True, check=True)
    return json.loads(done.stdout)[0]


@pytest.mark.parametrize("name", LOST)
def test_the_program_says_what_a_format_does_not_hold(name):
    picture = replace(example(name)[0], planes=4, dtype="uint16")
    found = {WORDS[words.partition(" (")[0]] for words in losses(format_of(name), picture)}
    assert found == LOST[name]


def test_every_ending_is_in_the_table():
    assert {format_of(name).kind for name in LOST} == {found.kind for found in ENDINGS.values()}


def test_what_is_not_there_is_not_lost():
    assert [losses(format_of(name), Picture(4, 4, 3, "uint8")) for name in LOST] == [[]] * len(LOST)


@pytest.mark.parametrize("name", LOST)
def test_what_a_format_holds_is_found_in_the_file(name, tmp_path):
    picture, image = example(name)
    path = tmp_path / name
    write(path, picture, image)
    held = ALL - LOST[name]
    samples = samples_of(path)
    assert ("16 bits" in held) == (samples.dtype == np.uint16)
    assert ("alpha" in held) == (samples.shape[2] == 4)
    if name != "a.jpg":
        assert np.array_equal(samples, image)
    facts = exiftool(path) if path.is_file() and not name.endswith(".dzi") else {}
    if facts:
        assert ("camera" in held) == (facts.get("DateTimeOriginal") == "2024:02:03 04:05:06")
        assert ("camera" in held) == (facts.get("LensModel") == "MP-E 65m")
        if name != "a.jxl":  # where exiftool does not look for it
            assert ("profile" in held) == ("ProfileDescription" in facts)
        assert facts["XResolution"] == pytest.approx(1e4 / 0.65, rel=1e-6)
        assert facts["YResolution"] == pytest.approx(20000, rel=1e-6)
        assert "Warning" not in facts
    if format_of(name).kind in ("tiff", "png", "jpeg", "ome-tiff", "jxl"):
        tags = read_tags(path)
        assert (tags.exif, tags.profile) == (TAGS.exif, PROFILE)
        size = read_physical_size(path)
        assert (size.x, size.y) == pytest.approx((0.65, 0.5), rel=1e-5)
        assert (size.z == 2.0) == ("z step" in held)


def test_ome_zarr_keeps_camera_and_profile_as_attributes(tmp_path):
    picture, image = example("a.ome.zarr")
    write(tmp_path / "a.ome.zarr", picture, image)
    kept = zarr.open_group(tmp_path / "a.ome.zarr", mode="r").attrs["imfuse_tiles"]
    assert base64.b64decode(kept["icc_profile"]) == PROFILE
    assert block_tags(base64.b64decode(kept["exif"]), b"").exif == TAGS.exif
    assert kept["z_step_micrometers"] == 2.0
    assert read_physical_size(tmp_path / "a.ome.zarr") == SIZE


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg", "a.jxl", "a.ome.tif"])
def test_a_print_resolution_is_kept(name, tmp_path):
    picture, image = example(name)
    write(tmp_path / name, replace(picture, size=PhysicalSize(dpi=(300.0, 240.0))), image)
    facts = exiftool(tmp_path / name)
    if facts:
        assert (facts["XResolution"], facts["YResolution"], facts["ResolutionUnit"]) == (300, 240, 2)
    if facts:
        size = read_physical_size(tmp_path / name)
        assert size.dpi == ((0.0, 0.0) if name == "a.ome.tif" else pytest.approx((300, 240), rel=1e-3))


@pytest.mark.parametrize("name", LOST)
def test_hostile_tags_spoil_no_pixel(name, tmp_path):
    """Whatever a camera's file said: numbers without end, texts without sense."""
    random = np.random.default_rng(7)
    junk = {tag: Value(7, 50, random.bytes(50)) for tag in (36867, 37500, 42036, 1, 65535)}
    ends = {
        270: Value(2, 9, b"\xff\xfe]]>\0\0&<"),
        305: Value(4, 0, b""),
        315: Value(12, 2, struct.pack("<d", 1.0) * 2),
    }
    wild = PhysicalSize(1e-6, 1e9, 1e9, (1e9, 1e-6))
    picture, image = example(name)
    picture = replace(picture, tags=Tags(ends, junk, junk, b"not a profile" * 9), size=wild, description="\udc80\x00<")
    write(tmp_path / name, picture, image)
    assert name == "a.jpg" or np.array_equal(samples_of(tmp_path / name), image)
    if format_of(name).kind in ("tiff", "png", "jpeg", "ome-tiff", "jxl"):
        assert (read_header(tmp_path / name).height, read_header(tmp_path / name).width) == (40, 60)


def test_the_name_btf_asks_for_bigtiff(tmp_path):
    for name in ("a.btf", "a.ome.btf", "a.tif", "a.ome.tif"):
        picture, image = example(name)
        write(tmp_path / name, picture, image)
        with tifffile.TiffFile(tmp_path / name) as tif:
            assert tif.is_bigtiff == name.endswith(".btf")


def from_others(path, image):
    """A file of 8 bits that this program does not write, with everything that it holds, and what it loses."""
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({DATE: "2024:02:03 04:05:06", LENS: "MP-E 65m"})
    exif[282], exif[283], exif[296] = 1e4 / 0.65, 20000.0, 3
    pillow_heif.register_heif_opener()
    kind = {"heic": "heif"}.get(path.suffix[1:], path.suffix[1:])
    Image.fromarray((image >> 8).astype(np.uint8)).save(path, kind, exif=exif.tobytes(), icc_profile=PROFILE)


def test_the_opacity_of_a_grey_ome_zarr_is_alpha_again(tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (40, 30, 2), np.uint8)
    write(tmp_path / "a.ome.zarr", Picture(40, 30, 2, "uint8"), image)
    (header,), _ = read_headers(tmp_path / "a.ome.zarr", "any")
    assert (header.channels, header.has_alpha) == (1, True)
    with open_frame(header.veiled()) as frame:
        assert np.array_equal(np.moveaxis(frame.rows(0, 40), 0, -1), image)


@pytest.mark.parametrize("second", LOST)
@pytest.mark.parametrize("first", ["a.tif", "a.png", "a.jpg", "a.ome.tif", "a.jxl", "a.ome.zarr", "a.webp", "a.avif",
                                   "a.heic"])  # fmt: skip
def test_from_format_to_format(first, second, tmp_path):
    """What a file holds that this program reads goes on into every other format that holds it."""
    foreign = first not in LOST
    picture, image = example("a.tif" if foreign else first)
    (from_others if foreign else lambda path, image: write(path, picture, image))(tmp_path / first, image)
    header = read_headers(tmp_path / first, "any")[0][0].veiled()
    with open_frame(header) as frame:
        samples = np.moveaxis(frame.rows(0, picture.height), 0, -1)
    tags, size = read_tags(tmp_path / first), read_physical_size(tmp_path / first)
    planes = samples.shape[2] if format_of(second).alpha else 3
    if format_of(second).bits == 8 and samples.dtype == np.uint16:
        samples = eight_bits(samples)
    samples = np.ascontiguousarray(samples[..., :planes])
    target = tmp_path / second.replace("a.", "b.")
    write(target, Picture(picture.height, picture.width, planes, str(samples.dtype), tags=tags, size=size), samples)
    if second not in ("a.jpg", "a.dzi"):
        assert np.array_equal(samples_of(target), samples)
    if first != "a.jpg" and not foreign:
        assert np.array_equal(samples, (image if samples.dtype == np.uint16 else eight_bits(image))[..., :planes])
    assert (planes == 4) == (first != "a.jpg" and format_of(second).alpha)
    if "camera" not in LOST[second] and first != "a.ome.zarr":
        kept = read_tags(target).exif
        assert (kept[DATE].data, kept[LENS].data) == (TAGS.exif[DATE].data, TAGS.exif[LENS].data)
    if format_of(second).kind in ("tiff", "png", "jpeg", "ome-tiff", "jxl"):
        lost = first in LOST and "profile" in LOST[first]
        assert read_tags(target).profile == (b"" if lost else PROFILE)
    if "pixel size" not in LOST[second]:
        again = read_physical_size(target)
        assert (again.x, again.y) == pytest.approx((0.65, 0.5), rel=1e-4)
        if "z step" not in LOST[second] | LOST.get(first, {"z step"}):
            assert again.z == 2.0


@pytest.mark.parametrize("name", ["a.tif", "a.btf", "a.png", "a.jpg", "a.ome.tif", "a.dzi"])
def test_libvips_reads_the_same(name, tmp_path):
    picture, image = example(name)
    write(tmp_path / name, picture, image)
    place = tmp_path / "a_files" / "6" / "0_0.png" if name == "a.dzi" else tmp_path / name
    found = pyvips.Image.new_from_file(str(place)).numpy()
    assert found.dtype == image.dtype
    assert name == "a.jpg" or np.array_equal(found, image)
