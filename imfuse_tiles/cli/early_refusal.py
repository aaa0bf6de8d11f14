"""Refusing what memory and disk do not allow before frames are compared, which takes long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.align_stack import is_to_estimate
from imfuse_tiles.execution.warp_stack import crop_stack, warp_stack
from imfuse_tiles.imageio.alignment import SAME, Alignment, FrameTransform
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.storage.store import Store

#: Frames are taken to lie so far apart, in shares of their sides: what is left of them needs less.
APART = 0.2


def check_room_early(stack: Stack, recipe: Recipe, store: Store, check: Callable[[Stack], object]) -> None:
    """Raise the Refusal of ``check`` if frames are to be compared, and it refuses them in any case: as they lie, and
    resampled to the smaller area that all show when they lie far apart.

    Where a transform is known or none is asked for, it is soon refused anyway.
    """
    if not is_to_estimate(stack, recipe, store):
        return
    try:
        check(crop_stack(stack, recipe))
    except Refusal as refusal:
        try:
            check(warp_stack(replace(stack, alignment=_far_apart(stack)), recipe))
        except Refusal:
            raise refusal from None


def _far_apart(stack: Stack) -> Alignment:
    """An alignment of which a small area is left."""
    height, width = stack.file_frame
    names = [header.name for header in stack.headers]
    moved = (1.0, 0.0, APART * width, 0.0, 1.0, APART * height, 0.0, 0.0, 1.0)
    frames = tuple(FrameTransform(name, SAME if number else moved) for number, name in enumerate(names))
    return Alignment("shift", names[0], (width, height), frames)
