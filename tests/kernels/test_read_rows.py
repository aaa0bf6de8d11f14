"""Rows that compiled code reads from a file are those of the file, however long that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imfuse_tiles.kernels.read_rows import can_read, read_rows


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("pixel", [3, 4])
def test_a_part_of_rows_comes_into_its_planes(tmp_path: Path, dtype: str, pixel: int) -> None:
    picture = np.random.default_rng(1).integers(0, 200, (20, 30, pixel)).astype(dtype)
    (tmp_path / "rows").write_bytes(b"head" + picture.tobytes())
    row, size = picture[0].nbytes, picture[0, 0].nbytes
    planes = np.zeros((3, 12, 15), dtype)
    with (tmp_path / "rows").open("rb") as file:
        count = read_rows(file.fileno(), 4 + 5 * row + 7 * size, row, 11, pixel, planes, (2, 3), 9)
    expected = np.zeros_like(planes)
    expected[:, 2:11, 3:14] = np.moveaxis(picture[5:14, 7:18, :3], -1, 0)
    assert count == 9
    np.testing.assert_array_equal(planes, expected)


def test_a_file_that_ends_early_gives_the_rows_that_it_has(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(bytes(range(90)))
    planes = np.zeros((3, 4, 10), np.uint8)
    with (tmp_path / "rows").open("rb") as file:
        assert read_rows(file.fileno(), 0, 30, 10, 3, planes, (0, 0), 4) == 3
    np.testing.assert_array_equal(planes[:, 2], np.arange(60, 90, dtype=np.uint8).reshape(10, 3).T)


def test_only_many_samples_of_the_type_of_the_planes_are_read_so() -> None:
    planes, kind = np.empty((3, 4, 5), np.uint16), np.dtype("uint16")
    assert can_read(3, kind, planes, 1 << 20)
    assert not can_read(3, kind, planes, 20)
    assert not can_read(3, kind.newbyteorder(), planes, 1 << 20)
    assert not can_read(3, np.dtype("uint8"), planes, 1 << 20)
    assert not can_read(1, kind, planes[:1], 1 << 20)
    assert not can_read(3, kind, planes[..., :3], 1 << 20)
