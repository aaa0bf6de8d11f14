"""Files of microscopes as stacks: their times, channels and scenes, and the size of a pixel in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hyperstacks import STACK, samples
from microscope_files import czi_file, lif, nd2
from nd2_layout import write_nd2
from pylibCZIrw import czi

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading import read_rows
from imfuse_tiles.imageio.reading.series import Selection
from imfuse_tiles.imageio.size_metadata import read_physical_size

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.czi_file", "imageio.reading.lif_file", "imageio.reading.nd2_file")


@pytest.mark.parametrize("kind", ["czi", "lif"])
def test_a_channel_of_a_time_of_a_microscopes_file_is_a_stack(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    {"czi": czi_file, "lif": lif}[kind](path, STACK)
    with pytest.raises(Refusal, match="holds 2 times; --time=1 to --time=2 chooses one"):
        open_stack([path])
    for time, channel in ((1, 1), (2, 3)):
        found = samples(path, time=str(time), channel=str(channel))
        assert np.array_equal(found[:, 0], STACK[time - 1, channel - 1])
    assert np.array_equal(samples(path, time="2", channel="rgb"), STACK[1].swapaxes(0, 1))
    header = open_stack([path], selection=Selection(time="2", channel="3")).headers[1]
    assert np.array_equal(read_rows(header, 13, 34)[0], STACK[1, 2, 1, 13:34])


def test_scenes_of_a_czi_are_series_in_their_own_colours(tmp_path: Path) -> None:
    scenes = np.random.default_rng(1).integers(0, 255, (2, 40, 60, 3), np.uint8)
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        for number, scene in enumerate(scenes):
            bgr = np.ascontiguousarray(scene[..., ::-1])
            file.write(bgr, plane={"T": 0, "C": 0, "Z": 0}, scene=number, location=(100 * number, 10))
    with pytest.raises(Refusal, match=r"holds 2 series \(scene 1, scene 2\)"):
        open_stack([tmp_path / "a.czi"])
    assert np.array_equal(samples(tmp_path / "a.czi", series="2")[0], np.moveaxis(scenes[1], -1, 0))


def test_positions_of_an_nd2_are_series(tmp_path: Path) -> None:
    both = nd2(tmp_path / "a.nd2")
    with pytest.raises(Refusal, match=r"holds 2 series \(position 1, position 2\)"):
        open_stack([tmp_path / "a.nd2"])
    found = samples(tmp_path / "a.nd2", series="2", time="2", channel="b")
    assert np.array_equal(found[:, 0], both[1, 1, :, 1])
    found = samples(tmp_path / "a.nd2", series="1", time="1", channel="rgb")
    assert np.array_equal(found, both[0, 0])


def test_a_grey_nd2_of_8_bits(tmp_path: Path) -> None:
    slices = (STACK[:1, None, 0, :, None] >> 8).astype(np.uint8)
    write_nd2(tmp_path / "a.nd2", slices, ("a",), pixel=0.1, step=0.5)
    assert np.array_equal(samples(tmp_path / "a.nd2")[:, 0], slices[0, 0, :, 0])


def test_what_is_no_nd2_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nd2").write_bytes(b"\xda\xce\xbe\x0a" + bytes(9999))
    with pytest.raises(Refusal, match=r"a\.nd2: "):
        open_stack([tmp_path / "a.nd2"])


def test_the_size_of_a_pixel_in_a_czi(tmp_path: Path) -> None:
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        file.write(STACK[0, 0, 0], plane={"T": 0, "C": 0, "Z": 0})
        file.write_metadata("a", scale_x=0.65e-6, scale_y=0.5e-6, scale_z=2e-6)
    size = read_physical_size(tmp_path / "a.czi")
    assert (size.x, size.y, size.z) == pytest.approx((0.65, 0.5, 2.0))


def test_the_size_of_a_pixel_in_a_lif(tmp_path: Path) -> None:
    lif(tmp_path / "a.lif", STACK)  # each axis is a metre long
    size = read_physical_size(tmp_path / "a.lif")
    assert (size.x, size.y, size.z) == pytest.approx((1e6 / 59, 1e6 / 39, 1e6 / 3))


def test_the_size_of_a_pixel_in_an_nd2(tmp_path: Path) -> None:
    nd2(tmp_path / "a.nd2")
    assert read_physical_size(tmp_path / "a.nd2") == PhysicalSize(0.65, 0.65, 2.0)
    (tmp_path / "a.nd2").write_bytes(b"\xda\xce\xbe\x0a" + bytes(9))
    assert read_physical_size(tmp_path / "a.nd2") == PhysicalSize()
