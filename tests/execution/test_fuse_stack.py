"""Arrays of NumPy, Zarr and dask are fused like files of the same samples, and are known by their content."""

from __future__ import annotations

from pathlib import Path

import dask.array
import numpy as np
import pytest
import tifffile
import zarr
from stacks import frames, recipe_of, written

from imfuse_tiles import Refusal, fuse_images, fuse_stack
from imfuse_tiles.imageio.reading.memory_array import array_headers, open_rows
from imfuse_tiles.options.cuts import CutBlur
from imfuse_tiles.options.recipe import Recipe

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.memory_array",)

RECIPE = recipe_of("--blur=s1 --cutblur=s1 --align=no --balance=no")
STACK = frames(3, shape=(110, 130))  # (z, colours, y, x)


def array_of(kind: str, samples: np.ndarray, folder: Path) -> object:
    """The samples as an array of a kind."""
    if kind == "numpy":
        return samples
    if kind == "dask":
        return dask.array.from_array(samples, chunks=(2, 40, 50, *samples.shape[3:]))
    chunks = (1, 32, 64, *samples.shape[3:])
    array = zarr.create_array(folder / "in.zarr", shape=samples.shape, dtype=samples.dtype, chunks=chunks)
    array[...] = samples
    return array


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, np.ndarray]:
    """What files of the samples are fused to: in colours, and grey."""
    results = {}
    for colours in (True, False):
        folder = tmp_path_factory.mktemp("files")
        paths = written(folder / "in", STACK if colours else STACK[:, :1])
        fuse_images(paths, RECIPE, folder / "r.tif", store=folder / "store")
        results[colours] = tifffile.imread(folder / "r.tif")
    return results


@pytest.mark.parametrize("colours", [True, False])
@pytest.mark.parametrize("kind", ["numpy", "zarr", "dask"])
def test_an_array_is_fused_like_files(kind: str, colours: bool, wanted: dict[bool, np.ndarray], tmp_path: Path) -> None:
    samples = np.moveaxis(STACK, 1, -1) if colours else STACK[:, 0]
    array = array_of(kind, np.ascontiguousarray(samples), tmp_path)
    outcome = fuse_stack(array, RECIPE, tmp_path / "r.tif", store=tmp_path / "store", tile=64)
    assert np.array_equal(tifffile.imread(outcome.output["result"]), wanted[colours])


def test_the_same_samples_are_the_same_stack(tmp_path: Path) -> None:
    samples = STACK[:, 0].copy()
    first = fuse_stack(samples, RECIPE, tmp_path / "a.tif", store=tmp_path / "store")
    again = fuse_stack(array_of("dask", samples, tmp_path), RECIPE, tmp_path / "b.tif", store=tmp_path / "store")
    assert sum(stage.computed for stage in first.stages) > 0
    assert sum(stage.computed for stage in again.stages) == 0
    samples[1, 50, 50] ^= 1
    changed = fuse_stack(samples, RECIPE, tmp_path / "c.tif", store=tmp_path / "store")
    assert sum(stage.computed for stage in changed.stages) == sum(stage.computed for stage in first.stages)


class Counted:
    """An array that notes how many samples are asked for at once."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, index: tuple[int | slice, ...]) -> np.ndarray:
        part = self.array[index]
        self.most = max(self.most, part.size)
        return part


def test_only_bands_of_an_array_are_read(tmp_path: Path) -> None:
    array = Counted(np.tile(STACK[:, 0], (1, 12, 1)))
    fuse_stack(array, recipe_of("--bg=max --align=no --balance=no"), tmp_path / "r.tif", store=tmp_path / "store")
    assert 0 < array.most <= 512 * 130 < array.array[0].size


@pytest.mark.parametrize(("array", "what"), [
    (np.zeros((3, 20, 20), "i4"), "has int32 samples; allowed are uint8, uint16"),
    (np.zeros((2, 3, 20, 20, 20), "u1"), "no stack; allowed are"),
    (np.zeros((0, 20, 20), "u1"), "has no pixels"),
    ([1, 2], "an array of NumPy, Zarr or dask, not list"),
])  # fmt: skip
def test_other_arrays_are_refused(array: object, what: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=what):
        fuse_stack(array, RECIPE, tmp_path / "r.tif", store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_an_array_is_let_go_at_the_end() -> None:
    with array_headers(STACK[:, 0]) as headers:
        open_rows(headers[0])
    with pytest.raises(Refusal, match="while fuse_stack runs"):
        open_rows(headers[0])


def test_samples_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    samples = (STACK[:, 0] / 65535).astype(np.float32)
    samples[1, 7, 9] = np.nan
    with pytest.raises(Refusal, match="array slice 2: has 1 NaN"):
        fuse_stack(samples, RECIPE, tmp_path / "r.tif", store=tmp_path / "store")


def test_a_recipe_without_options_is_the_automatic_one(tmp_path: Path) -> None:
    paths = written(tmp_path / "in", STACK)
    fuse_images(paths, recipe_of(""), tmp_path / "r.tif", store=tmp_path / "store")
    assert tifffile.imread(tmp_path / "r.tif").shape == (110, 130, 3), "opaque"
    with pytest.raises(Refusal, match="none that makes a mask or a background"):
        fuse_images(paths, Recipe((CutBlur(),)), tmp_path / "s.tif", store=tmp_path / "store")
