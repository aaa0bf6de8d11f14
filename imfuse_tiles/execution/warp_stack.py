"""The stack with frames that are resampled by an alignment and prepared as they are read, and the area left of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.alignment import SAME, Alignment, FrameTransform
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.stack import FrameWarp, Stack
from imfuse_tiles.options.alignment import AlignKeepSize
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.options.preparation import FramePart, Preparation
from imfuse_tiles.options.preparation_chain import preparation_chain
from imfuse_tiles.options.recipe import Recipe

#: Nothing is resampled where no corner of any frame moves by more: pixels, expected errors, and pixels of a frame
#: whose longer side is one pixel, for what is small is known to fewer of its pixels.
SMALLEST_MOVE, SMALLEST_ERRORS, SMALLEST_SHARE = 0.2, 4.0, 250.0
#: Frames are not cropped to less than this share of their sides.
LEAST_SIDE = 0.25


def warp_stack(stack: Stack, recipe: Recipe) -> Stack:
    """The stack resampled by its alignment; the same stack where it lies well as it is."""
    assert stack.alignment is not None
    frames, size = stack.alignment.frames, stack.file_frame
    moves = is_moved(stack.alignment)
    if not moves and not any(frame.gains for frame in frames):
        return crop_stack(stack, recipe)
    if not moves:
        frames = tuple(replace(frame, matrix=SAME) for frame in frames)
    keeps_size = moves and recipe.single_option(AlignKeepSize) is not None
    top, left, size = (0, 0, size) if keeps_size or not moves else crop(frames, size)
    part = part_of_frame(recipe, size)
    top, left, size = top + part.y0, left + part.x0, part.shape
    corner = np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    warps = []
    for frame in frames:
        matrix = np.array(frame.matrix).reshape(3, 3) @ corner
        warps.append(FrameWarp(tuple(float(number) for number in matrix.ravel()), frame.gains))
    return prepare_stack(stack.warped(warps, size, shows_less=keeps_size), recipe)


def part_of_frame(recipe: Recipe, size: Frame) -> Region:
    """What the recipe leaves of a frame, by its options in their order. Refusal when that is nothing."""
    whole = Region(0, size[0], 0, size[1])
    for op in recipe.options_of(FramePart) if not needs_computing(recipe) else ():
        part = op.region(whole.shape)
        whole = Region(whole.y0 + part.y0, whole.y0 + part.y1, whole.x0 + part.x0, whole.x0 + part.x1)
    return whole


def needs_computing(recipe: Recipe) -> bool:
    """Whether frames are prepared by more than leaving a part of them, which needs no work of its own."""
    return not all(isinstance(op, FramePart) for op in recipe.options_of(Preparation))


def prepare_stack(stack: Stack, recipe: Recipe) -> Stack:
    """The stack whose frames are prepared as they are read; the same one where a part of them is all that is asked."""
    if not needs_computing(recipe):
        return stack
    chain = preparation_chain(recipe.ops, stack.frame)
    changed = digest([stack.digest, chain.record()])
    return replace(stack, size=chain.size, unprepared_size=stack.frame, digest=changed)


def crop_stack(stack: Stack, recipe: Recipe) -> Stack:
    """The stack of which the recipe's part is read, no pixel changed; or prepared by whatever else it asks for."""
    if needs_computing(recipe) or not recipe.options_of(FramePart):
        return prepare_stack(stack, recipe)
    part = part_of_frame(recipe, stack.file_frame)
    headers = tuple(cropped_header(header, part) for header in stack.headers)
    return replace(stack, headers=headers, digest=digest([stack.digest, list(part)]))


def cropped_header(header: Header, part: Region) -> Header:
    """The header of a frame of which a part is read; it may be a part of its file already."""
    top, left, height, width = header.crop or (0, 0, header.height, header.width)
    found = header.cropped(part.y0, part.y1, part.x0, part.x1)
    return replace(found, crop=(top + part.y0, left + part.x0, height, width))


def is_moved(found: Alignment) -> bool:
    """Whether a frame lies so far beside the reference that it is more than chance, and seen."""
    least = max(SMALLEST_MOVE, SMALLEST_SHARE / max(found.size))
    return any(move > max(least, SMALLEST_ERRORS * frame.residual)
               for move, frame in zip(found.moves(), found.frames, strict=True))  # fmt: skip


def crop(frames: tuple[FrameTransform, ...], size: Frame) -> tuple[int, int, Frame]:
    """First row and column and the size of what all frames show. Refusal when that is next to nothing."""
    matrices = [np.array(frame.matrix).reshape(3, 3) for frame in frames]
    y0, y1, x0, x1 = kernels.registration_area.common_area(matrices, size[1], size[0])
    if y1 - y0 < LEAST_SIDE * size[0] or x1 - x0 < LEAST_SIDE * size[1]:
        far = frames[int(np.argmax([np.abs(np.array(f.matrix) - SAME)[[2, 5]].max() for f in frames]))]
        raise Refusal(
            f"all frames together show {max(x1 - x0, 0)} x {max(y1 - y0, 0)} pixels of {size[1]} x {size[0]}, "
            f"{far.file} lies furthest away; leave it out, or use --align-keep-size or --align=no"
        )
    return y0, x0, (y1 - y0, x1 - x0)
