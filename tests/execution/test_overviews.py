"""A store opens as an image in viewers of OME-Zarr: its own arrays, with smaller levels beside the result."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr
from program import contents
from stacks import frames, written

from imfuse_tiles.cli.main import main
from imfuse_tiles.execution import overviews
from imfuse_tiles.execution.overviews import has_overviews, level_paths, plane_names, write_overviews
from imfuse_tiles.execution.stored_results import find_result
from imfuse_tiles.kernels.halve import halve
from imfuse_tiles.storage.inventory import read_contents
from imfuse_tiles.storage.partial_files import HOST
from imfuse_tiles.storage.removal import remove_stages
from imfuse_tiles.storage.store import Store

SHAPE = (520, 1100)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [str(path) for path in written(tmp_path_factory.mktemp("in"), frames(2, shape=SHAPE))]


def fuse(images: list[str], folder: Path, *more: str) -> Store:
    options = ["--wavelet", "--cutwave", "--align=no", "--store", str(folder / "store"), "-o", str(folder / "r.tif")]
    assert main(["fuse", *options, "--pixel-size=0.5um", *more, *images]) == 0
    return Store.at(folder / "store")


@pytest.fixture(scope="module")
def fused(images: list[str], tmp_path_factory: pytest.TempPathFactory) -> Store:
    return fuse(images, tmp_path_factory.mktemp("fused"), "-X")


@pytest.fixture
def store(fused: Store, tmp_path: Path) -> Store:
    shutil.copytree(fused.root, tmp_path / "store")
    return Store.at(tmp_path / "store")


def validate(store: Store) -> None:
    yaozarrs = pytest.importorskip("yaozarrs")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yaozarrs.validate_zarr_store(store.root)


def datasets(store: Store) -> list[str]:
    image = zarr.open_group(store.root, mode="r").attrs["ome"]["multiscales"][0]
    return [dataset["path"] for dataset in image["datasets"]]


def test_a_finished_store_is_an_image_of_its_result(store):
    validate(store)
    result = find_result(store)
    assert datasets(store) == [result.path]
    channels = zarr.open_group(store.root, mode="r").attrs["ome"]["omero"]["channels"]
    assert tuple(channel["label"] for channel in channels) == plane_names(result)
    assert plane_names(result) == ("red", "green", "blue", "opacity", "mask", "depth", "depth opacity")
    assert [channel["active"] for channel in channels] == [True] * 3 + [False] * 4


def test_what_a_run_killed_at_its_very_end_left_half_written_goes(images, tmp_path):
    store = fuse(images, tmp_path)
    for name in ("final/{}/zarr.json", "zarr.json"):
        place = Path(store.root, name.format(find_result(store).key))
        place.with_name(f"{place.name}.{HOST}-4194999-1.partial").write_bytes(b"half")
    fuse(images, tmp_path)
    assert not list(Path(store.root).rglob("*.partial"))


def test_a_damaged_result_gets_no_smaller_levels(store, capsys):
    next(path for path in Path(store.root, find_result(store).path, "c").rglob("*") if path.is_file()).unlink()
    assert main(["export", store.root, "--pyramid"]) == 5
    assert "is missing; fuse" in capsys.readouterr().err


def test_smaller_levels_are_means_and_change_nothing_else(store):
    tensorstore = pytest.importorskip("tensorstore")
    result, before = find_result(store), contents(Path(store.root, "final"))
    assert main(["export", store.root, "--pyramid"]) == 0
    validate(store)
    assert contents(Path(store.root, "final")) == before
    assert main(["verify", store.root]) == 0
    paths = level_paths(store, result)
    assert (len(paths), datasets(store)) == (3, paths)
    samples = store.arrays.open(result.path).read([(0, 7), (0, SHAPE[0]), (0, SHAPE[1])])
    for path in paths:
        place = {"driver": "file", "path": f"{store.root}/{path}"}
        seen = tensorstore.open({"driver": "zarr3", "kvstore": place}).result().read().result()
        assert np.array_equal(seen, samples)
        samples = halve(samples)


class Stop(Exception):
    """Ends writing in the middle."""


@pytest.mark.parametrize("count", [0, 2, 4])
def test_levels_that_were_stopped_go_on(count, store, fused, tmp_path):
    result, calls = find_result(store), iter(range(count))

    def check():
        if next(calls, None) is None:
            raise Stop

    with pytest.raises(Stop):
        write_overviews(store, result, check)
    assert not has_overviews(store, result)
    assert level_paths(store, result) == [result.path]
    write_overviews(store, result)
    shutil.copytree(fused.root, tmp_path / "whole")
    write_overviews(Store.at(tmp_path / "whole"), result)
    assert contents(Path(store.root, "overviews")) == contents(tmp_path / "whole" / "overviews")


def test_a_damaged_level_is_found_and_goes_with_its_result(store, capsys):
    result = find_result(store)
    assert main(["export", store.root, "--pyramid"]) == 0
    chunk = next(path for path in Path(store.root, "overviews", result.key, "1", "c").rglob("*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"!")
    assert main(["verify", store.root]) == 5
    assert f"overviews/{result.key}/1" in capsys.readouterr().out
    stages = [stage for stage in read_contents(store).stages if stage.key == result.key]
    assert stages[0].paths == (result.path, f"overviews/{result.key}")
    remove_stages(store, stages)
    assert not Path(store.root, "overviews", result.key).exists()


def test_large_results_get_their_levels_unless_disk_is_short(images, tmp_path, monkeypatch):
    monkeypatch.setattr(overviews, "LARGE", 1000)
    store = fuse(images, tmp_path)
    assert has_overviews(store, find_result(store))
    assert datasets(store) == level_paths(store, find_result(store))
    monkeypatch.setattr(overviews, "free_bytes", lambda folder: 1000)
    shutil.rmtree(tmp_path / "store/overviews")
    assert not has_overviews(fuse(images, tmp_path), find_result(store))
    validate(store)
    monkeypatch.setattr("imfuse_tiles.planning.disk.free_bytes", lambda folder: 1000)
    assert main(["export", store.root, "--pyramid"]) == 2
