"""A stage gives what ``dask.array.map_overlap`` gives with the same kernel; no halo travels between its tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from stacks import frames, recipe_of, run, stack_of, whole

from imfuse_tiles import kernels
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = ("stages.fourier_masks", "stages.plane_readers")

Kernel = Callable[[np.ndarray], np.ndarray]


def blurred(plane: np.ndarray) -> np.ndarray:
    taps = kernels.gaussian.blur_taps(2, 0)
    return kernels.gaussian.separable(plane, taps, taps)


def dilated(plane: np.ndarray) -> np.ndarray:
    return kernels.morphology.dilate(plane, kernels.morphology.structuring_element("Octagon", 3))


def softened(plane: np.ndarray) -> np.ndarray:
    return kernels.wavelet.soften(plane, kernels.wavelet.thresholds_for(20, 5))


def overlapped(plane: np.ndarray, kernel: Kernel, reach: int, border: str) -> np.ndarray:
    """A kernel of the valid convention over dask's overlapping blocks; the border is made beforehand."""
    padded = da.pad(da.from_array(plane, chunks=(100, 100)), reach, mode=border).rechunk(100)
    made = padded.map_overlap(lambda block: np.pad(kernel(np.ascontiguousarray(block)), reach), depth=reach,
                              boundary="none", dtype=np.float32)  # fmt: skip
    return made.compute(scheduler="synchronous")[reach:-reach, reach:-reach]


@pytest.mark.parametrize(
    ("option", "kernel", "reach", "border"),
    [
        ("--blur=s2,S0,diff=no,c0", blurred, 8, "edge"),
        ("--morphology=dilate,r3,diff=no,c0", dilated, 3, "edge"),
        ("--wavelet=p20,diff=no,c0", softened, 31, "reflect"),
    ],
)
def test_a_stage_equals_map_overlap(tmp_path: Path, option: str, kernel: Kernel, reach: int, border: str) -> None:
    samples = frames(2)
    plan, store = make_plan(recipe_of(option), stack_of(tmp_path / "in", samples)), Store(str(tmp_path / "store"))
    run(plan, store, tile=100)
    stage = next(stage for stage in plan.stages if stage.name.startswith("mask "))
    assert stage.halo.radius == reach
    for mask, planes in zip(whole(store, stage.outputs[0].path), samples, strict=True):
        plane = np.divide(planes[0], np.float32(65535), dtype=np.float32)
        assert np.array_equal(mask, overlapped(plane, kernel, reach, border))
