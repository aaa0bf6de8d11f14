"""A stack laid over itself before it is planned: transforms read, remembered or estimated, and what follows of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.alignment import SAME, Alignment, FrameTransform, for_files, load_alignment
from imfuse_tiles.imageio.reading import Header, source_digest
from imfuse_tiles.imageio.stack import FrameWarp, Stack
from imfuse_tiles.options.alignment import Align, AlignKeepSize, Balance, Reference
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.options.preparation import FramePart, Preparation
from imfuse_tiles.options.preparation_chain import preparation_chain
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.stages.estimate_alignment import SMALLEST, VERSION, estimate, frame_names, rounded
from imfuse_tiles.storage.store import Store

#: Nothing is resampled where no corner of any frame moves by more: pixels, expected errors, and pixels of a frame
#: whose longer side is one pixel, for what is small is known to fewer of its pixels.
SMALLEST_MOVE, SMALLEST_ERRORS, SMALLEST_SHARE = 0.2, 4.0, 250.0
#: Frames are not cropped to less than this share of their sides.
LEAST_SIDE = 0.25

Progress = Callable[[int, int], None]
#: A file of transforms, their value, or a matrix (3, 3) for each frame, mapping pixels of the reference to the frame's.
Transforms = str | Path | Alignment | Sequence[Any] | np.ndarray


def align_stack(
    stack: Stack, recipe: Recipe, store: Store, resources: Resources, *, transforms: Transforms | None = None,
    skip_bad: bool = False, by_focus: bool = False, progress: Progress | None = None,
) -> Stack:  # fmt: skip
    """The stack with frames that are resampled as they are read, if they do not lie over each other yet.

    ``transforms``: a file that has them, or a matrix (3, 3) for each frame; else they are taken from the store, or
    estimated. ``skip_bad``: frames that do not belong to the others are left out. ``by_focus``: frames are put in the
    order of their focus. Raises Refusal for files that are damaged or do not fit.
    """
    model, balance = (recipe.single_option(Align) or Align()).word1, (recipe.single_option(Balance) or Balance()).word1
    reference = (recipe.single_option(Reference) or Reference()).index(len(stack))
    if transforms is not None:
        return warp_stack(replace(stack, alignment=known_alignment(stack, transforms, reference)), recipe)
    if model == "no" and balance in ("no", "auto") and not skip_bad and not by_focus:
        return crop_stack(stack, recipe)
    key = "alignment-" + digest([VERSION, stack.digest, model, reference, balance])
    found = stored_alignment(stack, store, key) or estimate(
        stack, model, reference, balance, resources.workers, resources.memory, progress
    )
    stack = replace(stack, alignment=found, estimate=found, alignment_key=key)
    stack = without_bad(stack) if skip_bad else stack
    return warp_stack(in_order(stack) if by_focus else stack, recipe)


def known_alignment(stack: Stack, transforms: Transforms, reference: int) -> Alignment:
    """The alignment that a file or matrices say. Refusal where they do not fit the stack."""
    names, size = frame_names(stack), stack.file_frame[::-1]
    if isinstance(transforms, Alignment):
        return for_files(transforms, names, size, "the alignment")
    if isinstance(transforms, str | Path):
        return for_files(load_alignment(transforms), names, size, str(transforms))
    matrices = np.asarray(transforms, float)
    if (
        matrices.shape != (len(names), 3, 3)
        or not np.isfinite(matrices).all()
        or not (np.linalg.det(matrices) > 0).all()
    ):
        raise Refusal(f"transforms: allowed is one matrix (3, 3) that can be inverted for each of {len(names)} frames")
    frames = tuple(FrameTransform(name, rounded(matrix)) for name, matrix in zip(names, matrices, strict=True))
    return Alignment("homography", names[reference], size, frames)


def stored_alignment(stack: Stack, store: Store, key: str) -> Alignment | None:
    """The transforms that a store remembers, None when it has none or they are not of this stack."""
    record = store.numbers.load(key) if store.exists() else None
    if record is None:
        return None
    try:
        found = Alignment.of_record(record, store.root)
    except Refusal:  # altered
        return None
    files = [frame.file for frame in found.frames]
    return found if files == frame_names(stack) and found.size == stack.file_frame[::-1] else None


def remember_alignment(stack: Stack, store: Store) -> None:
    """Keep estimated transforms in the store, so that a later run of the stack need not compare its frames."""
    if stack.estimate is not None:
        store.numbers.save(stack.alignment_key, stack.estimate.record())


def without_bad(stack: Stack) -> Stack:
    """The stack without the frames that do not belong to the others. Refusal when none is left."""
    assert stack.alignment is not None
    keep = [not frame.bad for frame in stack.alignment.frames]
    if all(keep):
        return stack
    if not any(keep):
        raise Refusal("--skip-bad would leave out all frames: none of them fits the others")
    skipped = [frame for frame, good in zip(stack.alignment.frames, keep, strict=True) if not good]
    notices = (*stack.notices, *(f"{frame.file} {frame.bad}: left out" for frame in skipped))
    return replace(take_frames(stack, [n for n, good in enumerate(keep) if good]), notices=notices)


def in_order(stack: Stack) -> Stack:
    """The stack in the order of its focus, as far as possible in the direction in which it was given."""
    assert stack.alignment is not None
    frames = stack.alignment.frames
    order = sorted(range(len(frames)), key=lambda number: (frames[number].focus, number))
    return stack if order == list(range(len(frames))) else take_frames(stack, order)


def take_frames(stack: Stack, numbers: list[int]) -> Stack:
    """Another stack of some of the frames, in the order given."""
    assert stack.alignment is not None
    headers = tuple(stack.headers[number] for number in numbers)
    frames = tuple(stack.alignment.frames[number] for number in numbers)
    return replace(stack, headers=headers, digest=source_digest(headers),
                   alignment=replace(stack.alignment, frames=frames))  # fmt: skip


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


def alignment_record(stack: Stack) -> dict[str, Any] | None:
    """What was found and done, for programs: as in a file of transforms, and whether frames are resampled."""
    if stack.alignment is None:
        return None
    return {**stack.alignment.record(), "largest_move": max(stack.alignment.moves()), "resampled": bool(stack.warps)}


def save_transforms(place: Path, stack: Stack) -> None:
    """Write the transforms of a stack to a JSON file. Refusal where it cannot be written or there are none."""
    found = stack.alignment
    if found is None:
        raise Refusal("--save-transforms: frames are not compared with --align=no")
    try:
        partial = place.with_name(f"{place.name}.partial")
        partial.write_text(json.dumps(found.record(), indent=1) + "\n")
        partial.replace(place)
    except OSError as error:
        raise Refusal(f"{place}: {error.strerror or error}") from None


def is_worth_telling(stack: Stack) -> bool:
    """Whether frames are resampled or there is something to be looked at."""
    frames = stack.alignment.frames if stack.alignment else ()
    return bool(stack.warps) or any(frame.bad or frame.warnings for frame in frames)


def alignment_lines(stack: Stack) -> list[str]:
    """What was found and done, for people: one line, and one for each frame in doubt."""
    found = stack.alignment
    if found is None:
        return []
    moves = found.moves()
    furthest = int(np.argmax(moves))
    if min(found.size) < SMALLEST and not any(moves):
        lines = [f"alignment: frames of less than {SMALLEST} pixels a side are not compared and stay as they are"]
    elif not is_moved(found):
        lines = [f"alignment: none needed, no frame lies more than {max(moves):.2f} pixels beside the reference"]
    else:
        error = sorted(frame.residual for frame in found.frames)[len(moves) // 2]
        lines = [
            f"alignment: {found.model}, largest move {moves[furthest]:.1f} pixels ({found.frames[furthest].file}), "
            f"expected error {error:.2f}, {stack.aligned_frame[1]} x {stack.aligned_frame[0]} of "
            f"{stack.file_frame[1]} x {stack.file_frame[0]} pixels"
        ]
    gains = [gain for frame in found.frames for gain in frame.gains]
    if gains:
        lines.append(f"balance: frames are multiplied by {min(gains):.3f} to {max(gains):.3f}")
    bad = [f"{frame.file} {frame.bad} (--skip-bad leaves it out)"
           for frame in found.frames if frame.bad]  # fmt: skip
    return lines + bad + [f"{frame.file} {text}" for frame in found.frames for text in frame.warnings]
