"""Small stacks for tests: samples, files, and what a run makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.progress import Progress, StageReport
from imfuse_tiles.execution.run import Run
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.stack import FULL, Stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.storage.store import Store


def recipe_of(text: str) -> Recipe:
    """The recipe of options as they stand on a command line."""
    return parse_fuse_args(fuse_parser("fuse"), text.split())[1]


def frames(slices: int = 5, planes: int = 3, dtype: str = "uint16", shape: tuple[int, int] = (300, 260)) -> np.ndarray:
    """A stack (slices, planes, y, x) whose sharp area moves, with noise and a flat area."""
    random = np.random.default_rng(11)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    detail = random.random((planes, *shape)).astype(np.float32)
    smooth = 0.5 + 0.3 * np.sin(x / 40) * np.cos(y / 30)
    made = []
    for z in range(slices):
        sharp = np.exp(-(((x / shape[1] - (z + 0.5) / slices) * 3) ** 2))
        plane = smooth + (detail - 0.5) * sharp * 0.6
        plane[:, 200:, 200:] = 0.125
        made.append(np.clip(plane, 0, 1).astype(np.float32))
    samples = np.stack(made)
    return samples if dtype == "float32" else np.rint(samples * FULL[dtype]).astype(dtype)


def written(folder: Path, stack: np.ndarray) -> list[Path]:
    """A stack as TIFF files, front first."""
    folder.mkdir(exist_ok=True)
    for z, planes in enumerate(stack):
        picture = planes[0] if len(planes) == 1 else np.moveaxis(planes, 0, -1)
        tifffile.imwrite(folder / f"s{z:02}.tif", picture, photometric="rgb" if len(planes) == 3 else "minisblack")
    return sorted(folder.glob("s*.tif"))


def stack_of(folder: Path, stack: np.ndarray | None = None) -> Stack:
    """A stack as a run opens it."""
    return open_stack(written(folder, frames() if stack is None else stack))


def run(plan: Plan, store: Store, progress: Progress | None = None, **how: Any) -> list[StageReport]:
    """Run a plan on a store and read the result, in tiles of 100 by two threads unless said otherwise."""
    resources = Resources(**{"memory": 2 << 30, "workers": 2, "tile": 100, "scheduler": "threads"} | how)
    store.create()
    work = Run(survey(plan, store, resources), store, progress or Progress())
    return work.execute(lambda: open_pool(resources, store.root), lambda: result(plan, store))


def whole(store: Store, path: str) -> np.ndarray:
    """All samples of an array."""
    array = store.arrays.open(path)
    return array.read([(0, size) for size in array.shape])


def result(plan: Plan, store: Store) -> np.ndarray:
    """The result's planes after a run."""
    return whole(store, plan.result.outputs[0].path)


def ran(stack: Stack, recipe: Recipe, store: Path, **how: Any) -> np.ndarray:
    """The result's planes of a run in a store of its own."""
    plan, place = make_plan(recipe, stack), Store(str(store))
    run(plan, place, **how)
    return result(plan, place)


def imagined(slices: int = 5, frame: tuple[int, int] = (3000, 4000), **more: Any) -> Stack:
    """A stack of files that do not exist: enough for a plan."""
    facts: dict[str, Any] = {
        "format": "tiff", "height": frame[0], "width": frame[1], "channels": 3, "has_alpha": False, "dtype": "uint16",
        "rows_per_segment": 8, "decode_bytes": 1 << 20, "size": 1, "mtime_ns": 0,
    }  # fmt: skip
    headers = tuple(Header(path=Path(f"/nowhere/s{z:03}.tif"), **facts | more) for z in range(slices))
    return Stack(headers, "0123456789abcdef")
