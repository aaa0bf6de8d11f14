"""Small stores with results to look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile

from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.fuse_stack import fuse_images
from imfuse_tiles.execution.pipeline import plan_of, run_plan
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.stages.strokes import Strokes
from imfuse_tiles.storage.store import Store

OPTIONS = ("--laplacian=level", "--maskblur=s2", "--cutblur=s2", "--bg=Mean")


def stack_files(folder: Path, height: int = 190, width: int = 260, slices: int = 4, seed: int = 1) -> list[Path]:
    """Image files: each is sharp in one band and smooth elsewhere."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    scene = random.integers(20, 235, (height, width, 3))
    smooth = np.broadcast_to(scene.mean((0, 1)), scene.shape)
    paths = []
    for number in range(slices):
        sharp = np.zeros((height, width, 1))
        sharp[:, number * width // slices : (number + 1) * width // slices] = 1
        path = folder / f"frame{number}.tif"
        tifffile.imwrite(path, (scene * sharp + smooth * (1 - sharp)).astype(np.uint8), photometric="rgb")
        paths.append(path)
    return paths


def fused_store(folder: Path, options: tuple[str, ...] = OPTIONS, **size: int) -> Path:
    """The folder of a store of a run of :func:`stack_files`; the result lies beside it as result.tif."""
    files = stack_files(folder / "stack", **size)
    recipe = Recipe.from_options(options)
    fuse_images(files, recipe, folder / "result.tif", store=folder / "store", extra=True, scheduler="sync")
    return folder / "store"


def store_in_place(folder: Path, files: list[Path], strokes: Strokes = (), options: tuple[str, ...] = OPTIONS) -> Path:
    """The same of frames that are read where they lie."""
    stack, store = open_stack(files), Store.at(folder / "store")
    resources = Resources(1 << 30, 1, scheduler="sync", ingest="never")
    plan = plan_of(Recipe.from_options(options), stack, store, resources, extra=True)
    run_plan(replace(plan, strokes=strokes), store, resources, ExportRequest(folder / "result.tif", extra=True))
    return folder / "store"
