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
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store

#: Frames are taken to lie so far apart, in shares of their sides: what is left of them needs less.
APART = 0.2


def check_room_early(stack: Stack, recipe: Recipe, store: Store, plan: Callable[[Stack], Plan]) -> Plan | None:
    """The plan for frames that are to be compared as if they lay over each other already.

    None where ``plan`` refuses that and may not refuse the smaller area that all frames show when they lie far apart;
    and where no frames are to be compared, which is soon refused anyway. Raises the Refusal of ``plan`` for what it
    refuses in any case.
    """
    if not is_to_estimate(stack, recipe, store):
        return None
    try:
        return plan(crop_stack(stack, recipe))
    except Refusal as refusal:
        try:
            plan(warp_stack(replace(stack, alignment=_far_apart(stack)), recipe))
        except Refusal:
            raise refusal from None
    return None


def _far_apart(stack: Stack) -> Alignment:
    """An alignment of which a small area is left."""
    height, width = stack.file_frame
    names = [header.name for header in stack.headers]
    moved = (1.0, 0.0, APART * width, 0.0, 1.0, APART * height, 0.0, 0.0, 1.0)
    frames = tuple(FrameTransform(name, SAME if number else moved) for number, name in enumerate(names))
    return Alignment("shift", names[0], (width, height), frames)
