"""Windows of uncompressed TIFFs: the same samples as the rows, and little more read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import open_frame, read_header
from imfuse_tiles.imageio.reading.plain_tiff import PlainWindows
from imfuse_tiles.kernels import read_rows

LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 7},
    "one strip": {"rowsperstrip": 200},
    "tiles": {"tile": (32, 48)},
    "planes": {"planarconfig": "separate", "rowsperstrip": 50},
    "tiles of planes": {"planarconfig": "separate", "tile": (64, 16)},
    "big end first": {"byteorder": ">", "rowsperstrip": 9},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_window_is_a_part_of_the_rows(tmp_path: Path, layout: str, dtype: str) -> None:
    how, path = dict(LAYOUTS[layout]), tmp_path / "frame.tif"
    planes = np.random.default_rng(3).integers(0, 200, (3, 150, 170)).astype(dtype) / (1 if dtype[0] == "u" else 200)
    separate = how.get("planarconfig") == "separate"
    with tifffile.TiffWriter(path, byteorder=how.pop("byteorder", "<")) as file:
        picture = planes.astype(dtype) if separate else np.moveaxis(planes, 0, -1).astype(dtype)
        file.write(picture, photometric="rgb", **how)
    header = read_header(path)
    assert header.window_access
    with open_frame(header) as rows, open_frame(header, windows=True) as windows:
        whole = rows.rows(0, 150)
        assert (whole == planes.astype(dtype)).all()
        assert (windows.rows(20, 90) == whole[:, 20:90]).all()
        for y0, y1, x0, x1 in [(0, 150, 0, 170), (31, 33, 47, 49), (5, 120, 60, 169), (149, 150, 169, 170)]:
            assert (windows.window(y0, y1, x0, x1) == whole[:, y0:y1, x0:x1]).all()


def test_compressed_frames_have_no_windows(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "frame.tif", np.zeros((40, 50), np.uint8), compression="zlib", tile=(16, 16))
    assert not read_header(tmp_path / "frame.tif").window_access


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "frame.tif"
    tifffile.imwrite(path, np.zeros((40, 50), np.uint8))
    header = read_header(path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(Refusal, match="changed while in use"), open_frame(header, windows=True):
        pass


@pytest.mark.parametrize("layout", ["strips", "one strip", "tiles"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_many_samples_are_read_by_compiled_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str,
                                                dtype: str) -> None:  # fmt: skip
    monkeypatch.setattr(read_rows, "FEW", 1)
    picture = np.random.default_rng(3).integers(0, 200, (150, 170, 4)).astype(dtype)
    tifffile.imwrite(tmp_path / "frame.tif", picture[..., :3], photometric="rgb", **LAYOUTS[layout])
    header = read_header(tmp_path / "frame.tif")
    with open_frame(header) as rows, open_frame(header, windows=True) as windows:
        assert (rows.rows(3, 148) == np.moveaxis(picture[3:148, :, :3], -1, 0)).all()
        for y0, y1, x0, x1 in [(0, 150, 0, 170), (31, 33, 47, 49), (5, 120, 60, 169), (149, 150, 169, 170)]:
            assert (windows.window(y0, y1, x0, x1) == np.moveaxis(picture[y0:y1, x0:x1, :3], -1, 0)).all()


def test_a_file_that_ends_while_it_is_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_rows, "FEW", 1)
    path = tmp_path / "frame.tif"
    tifffile.imwrite(path, np.ones((40, 50, 3), np.uint8), photometric="rgb")
    windows = PlainWindows(read_header(path))
    os.truncate(path, path.stat().st_size - 3000)
    with pytest.raises(ValueError, match="ended while reading"):
        windows.read_window(0, 40, 0, 50, np.empty((3, 40, 50), np.uint8))
    windows.close()
