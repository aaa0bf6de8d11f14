"""Fusing from a program: image files, or an array."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.align_stack import Transforms, align_stack
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.outcome import Outcome
from imfuse_tiles.execution.pipeline import open_store_for, plan_of, run_plan
from imfuse_tiles.execution.pixel_size import fused_pixel_size
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.imageio.open_stack import open_stack, stack_of_headers
from imfuse_tiles.imageio.reading.memory_array import array_headers
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe, check_recipe, is_automatic
from imfuse_tiles.options.resources import Resources, available_cores, worker_count
from imfuse_tiles.planning.auto_preset import choose
from imfuse_tiles.planning.memory import default_memory


def fuse_images(
    images: Sequence[str | Path], recipe: Recipe, result: str | Path, *, store: str | Path | None = None,
    extra: bool = False, bits: int = 16, force: bool = False, memory: int | None = None, workers: int | None = None,
    tile: int | None = None, scheduler: str = "threads", lean: bool = False, progress: Progress | None = None,
    transforms: Transforms | None = None,
) -> Outcome:  # fmt: skip
    """Fuse image files into ``result`` (.tif, .png, .ome.zarr and so on), as ``imfuse-tiles fuse`` does.

    ``images``: of one size, sorted by name, the front one first; folders, patterns and single files of many pictures
    are understood as on the command line. ``store``: folder that keeps all that is computed (None: one of the cache
    folder). ``extra``: write mask and depth maps beside the result. ``bits``: 8 or 16. ``force``: overwrite what is
    there. ``memory``: bytes for everything (None: a quarter of the machine's, at most 4 GB). ``tile``: edge of a block
    in pixels. ``lean``: delete what no later stage needs as soon as it is computed.
    ``transforms``: how the frames lie over each other, instead of comparing them: a file of transforms, or float (n, 3,
    3) that map a pixel (x, y, 1) of the reference to the place in each frame that shows the same.
    Raises as :func:`run_plan` does.
    """
    stack = open_stack(images, recipe.revert)
    threads = worker_count(scheduler, workers or available_cores())
    resources = Resources(memory or default_memory(), threads, tile, scheduler, lean=lean)
    return _fuse(stack, recipe, Path(result), store, resources, extra, bits, force, progress, transforms)


def fuse_stack(
    stack: Any, recipe: Recipe, result: str | Path, *, store: str | Path | None = None, extra: bool = False,
    bits: int = 16, force: bool = False, memory: int | None = None, workers: int | None = None,
    tile: int | None = None, lean: bool = False, white: float | None = None, progress: Progress | None = None,
    transforms: Transforms | None = None,
) -> Outcome:  # fmt: skip
    """Fuse an array into ``result``; the other arguments are those of :func:`fuse_images`.

    ``stack``: of NumPy, Zarr or dask, (z, y, x) or (z, y, x, colours) with 1, 3 or 4 (alpha) colours, the front frame
    first; uint8 or uint16 of full range, or floating point of 0 to 1 (``white``: the sample that is white). It is read
    as it is needed, by chunks or rows, and once before to know it by its content: the same samples are the same stack,
    wherever they come from. Blocks are computed in threads. Raises Refusal for other shapes and types.
    """
    resources = Resources(memory or default_memory(), workers or available_cores(), tile, "threads", lean=lean)
    with array_headers(stack) as headers:
        frames = stack_of_headers(headers[::-1] if recipe.revert else headers, [], white=white)
        return _fuse(frames, recipe, Path(result), store, resources, extra, bits, force, progress, transforms)


def _fuse(
    stack: Stack, recipe: Recipe, result: Path, store: str | Path | None, resources: Resources, extra: bool,
    bits: int, force: bool, progress: Progress | None, transforms: Transforms | None,
) -> Outcome:  # fmt: skip
    kept = open_store_for(stack, store)
    stack = align_stack(stack, recipe, kept, resources, transforms=transforms)
    if is_automatic(recipe):
        recipe = choose(recipe, stack).recipe
    elif not (recipe.generators or recipe.backgrounds):
        raise Refusal("the recipe has options for masks and none that makes a mask or a background: nothing to be seen")
    plan = plan_of(check_recipe(recipe), stack, kept, resources, extra)
    size = fused_pixel_size(stack, recipe.ops)
    request = ExportRequest(result, extra=extra, bits=bits, force=force, tags=stack.tags, size=size)
    return run_plan(plan, kept, resources, request, progress)
