"""A stack laid over itself before it is planned: transforms read, remembered or estimated, and what follows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.execution.warp_stack import crop_stack, warp_stack
from imfuse_tiles.imageio.alignment import Alignment, FrameTransform, for_files, load_alignment
from imfuse_tiles.imageio.reading import source_digest
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.alignment import Align, Balance, Reference
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.stages.estimate_alignment import OUT_OF_ORDER, VERSION, estimate, frame_names, rounded
from imfuse_tiles.storage.store import Store

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
    model, balance, reference = _asked(recipe, stack)
    if transforms is not None:
        found = known_alignment(stack, transforms, reference)
        found = found if recipe.single_option(Reference) is None else from_reference(found, reference)
        stack = replace(stack, alignment=found.without_gains() if balance == "no" else found)
    elif model == "no" and balance in ("no", "auto") and not skip_bad and not by_focus:
        return crop_stack(stack, recipe)
    else:
        key = _key(stack, model, balance, reference)
        found = stored_alignment(stack, store, key) or estimate(
            stack, model, reference, balance, resources.workers, resources.memory, progress
        )
        stack = replace(stack, alignment=found, estimate=found, alignment_key=key)
    stack = without_bad(stack) if skip_bad else stack
    return warp_stack(in_order(stack) if by_focus else stack, recipe)


def is_to_estimate(stack: Stack, recipe: Recipe, store: Store) -> bool:
    """Whether a recipe without transforms has the frames compared, as the store does not remember how they lie."""
    model, balance, reference = _asked(recipe, stack)
    wanted = model != "no" or balance not in ("no", "auto")
    return wanted and stored_alignment(stack, store, _key(stack, model, balance, reference)) is None


def _asked(recipe: Recipe, stack: Stack) -> tuple[str, str, int]:
    """Model, balance and the number of the reference frame."""
    model, balance = recipe.single_option(Align) or Align(), recipe.single_option(Balance) or Balance()
    return model.word1, balance.word1, (recipe.single_option(Reference) or Reference()).index(len(stack))


def _key(stack: Stack, model: str, balance: str, reference: int) -> str:
    """Under which a store remembers an estimate."""
    return "alignment-" + digest([VERSION, stack.digest, model, reference, balance])


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


def from_reference(found: Alignment, number: int) -> Alignment:
    """The same transforms with another frame for the reference, whose brightness the others get."""
    base = found.frames[number]
    if base.file == found.reference:
        return found
    back, frames = np.linalg.inv(np.array(base.matrix).reshape(3, 3)), []
    for frame in found.frames:
        gains = tuple(one / other for one, other in zip(frame.gains, base.gains, strict=bool(base.gains)))
        frames.append(replace(frame, matrix=rounded(np.array(frame.matrix).reshape(3, 3) @ back), gains=gains))
    return replace(found, reference=base.file, frames=tuple(frames))


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


def remember_alone(stack: Stack, store: Store) -> None:
    """Keep estimated transforms in a store that no run makes: where a later run of the stack would look for them.

    Nothing is kept where nothing can be written, or while a run works on the store.
    """
    if stack.estimate is None or (store.exists() and store.numbers.load(stack.alignment_key) is not None):
        return
    try:
        store.create()
        with store.locked():
            remember_alignment(stack, store)
    except (AlreadyExists, Refusal, OSError):
        return


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
    stack = stack if order == list(range(len(frames))) else take_frames(stack, order)
    return replace(stack, alignment=stack.alignment.without_warnings(OUT_OF_ORDER)) if stack.alignment else stack


def take_frames(stack: Stack, numbers: list[int]) -> Stack:
    """Another stack of some of the frames, in the order given."""
    assert stack.alignment is not None
    headers = tuple(stack.headers[number] for number in numbers)
    frames = tuple(stack.alignment.frames[number] for number in numbers)
    return replace(stack, headers=headers, digest=source_digest(headers),
                   alignment=replace(stack.alignment, frames=frames))  # fmt: skip
