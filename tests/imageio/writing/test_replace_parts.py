"""A result that is replaced is there before or after, wherever replacing it is killed, and nothing else is replaced."""

import json
import os
from contextlib import suppress

import numpy as np
import pytest
import zarr
from planar import planar

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.imageio.writing import write_tiled
from imfuse_tiles.imageio.writing.replace_parts import locked, restore_replaced


def test_force_replaces_results_and_nothing_else(picture, tmp_path):
    described, image = picture(1, "uint8", 60, 60)
    write_tiled(tmp_path / "a.zarr", described, planar(image), "id")
    with pytest.raises(AlreadyExists):
        write_tiled(tmp_path / "a.zarr", described, planar(image), "id")
    write_tiled(tmp_path / "a.zarr", described, planar(255 - image), "id", force=True)
    assert np.array_equal(zarr.open_group(tmp_path / "a.zarr", mode="r")["0"][0], 255 - image[..., 0])
    store = {"attributes": {"imfuse_tiles": {"format": 1}, "ome": {"multiscales": []}}}
    for name, content in {"b.zarr": "{}", "c.zarr": json.dumps(store), "d_files": ""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ("zarr.json" if content else "holiday.jpg")).write_text(content)
    for name in ("b.zarr", "c.zarr", "d.dzi"):
        with pytest.raises(Refusal, match="not even --force overwrites it"):
            write_tiled(tmp_path / name, described, planar(image), "id", force=True)


class Killed(Exception):
    """Ends writing in the middle."""


def killed_while_replacing(monkeypatch, folder, count):
    """Nothing is moved in a folder any more after so many moves."""
    left = iter(range(count))

    def replace(old, new, plain=os.replace):
        if new.parent == folder and next(left, None) is None:
            raise Killed
        plain(old, new)

    monkeypatch.setattr("imfuse_tiles.imageio.writing.replace_parts.os.replace", replace)


@pytest.mark.parametrize("name", ["a.ome.zarr", "a.dzi"])
@pytest.mark.parametrize("count", range(5))
def test_a_result_whose_replacement_is_killed_is_there_again(name, count, picture, tmp_path, monkeypatch):
    described, image = picture(1, "uint8", 60, 50)
    write_tiled(tmp_path / name, described, planar(image), "old")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with monkeypatch.context() as patch, suppress(Killed):
        killed_while_replacing(patch, tmp_path, count)
        patch.setattr("imfuse_tiles.imageio.writing.replace_parts._remove_replaced", lambda places: None)
        write_tiled(tmp_path / name, described, planar(255 - image), "new", force=True)
    with pytest.raises(AlreadyExists):
        write_tiled(tmp_path / name, described, planar(image), "other")
    after = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and "partial" not in str(file)}
    assert after.keys() == before.keys()
    complete = count >= (2 if name == "a.ome.zarr" else 4)
    assert (after != before) == complete
    write_tiled(tmp_path / name, described, planar(255 - image), "new", force=True)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_that_is_being_replaced_is_left_to_the_run_that_does(picture, tmp_path):
    described, image = picture(1, "uint8", 60, 50)
    write_tiled(tmp_path / "a.zarr", described, planar(image), "old")
    old = (tmp_path / "a.zarr").rename(tmp_path / ".a.zarr.old-1")
    with locked(old, old):
        restore_replaced([tmp_path / "a.zarr"])
        assert [path.name for path in tmp_path.iterdir()] == [".a.zarr.old-1"]
    restore_replaced([tmp_path / "a.zarr"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
