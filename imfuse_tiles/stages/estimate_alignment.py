"""Transforms of a stack's frames, estimated from their files: they are compared, and what was found is told."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.imageio.alignment import SAME, Alignment, FrameTransform, Numbers, corner_move
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.stages.frame_samples import LEVEL_PIXELS, frames_ahead, is_coded, sample_bytes, samples

#: Frames of a shorter side are left as they are.
SMALLEST = 160
#: Frames of one scene do not lie farther apart than this share of the shorter side; pictures of chance may seem to.
FARTHEST = 0.3
#: A richer model is taken if it puts a corner of a frame so many expected errors beside where the simpler does.
SEEN = 4.0
#: Frames are in disorder if so many lie elsewhere in the sweep, and what is said of each.
DISORDER = 0.05
OUT_OF_ORDER = "is out of the order of focus"
#: Version of the estimate: raised when its numbers change.
VERSION = 23  # 23: none is blurred among a few in disorder

Progress = Callable[[int, int], None]


def estimate(stack: Stack, model: str, reference: int, balance: str, workers: int = 1,
             memory: int = 1 << 30, progress: Progress | None = None) -> Alignment:  # fmt: skip
    """Estimate the transforms of a stack's files. ``model``: one of the option's, ``reference`` a frame's index.

    At most ``workers`` files are decoded at once, fewer where ``memory`` (bytes) is scarce; the result does not depend
    on it. Raises Refusal for files that turn out damaged.
    """
    height, width = stack.file_frame
    names = frame_names(stack)
    if len(stack) < 2 or min(height, width) < SMALLEST:
        return Alignment(model, names[reference], (width, height), tuple(FrameTransform(name, SAME) for name in names))
    ahead = frames_ahead(stack.headers[0], workers, memory)
    first, colours = "similarity" if model in ("auto", "no") else model, []
    registration = kernels.registration.Registration(width, height, len(stack), first, compare_models=model == "auto")
    for number, sample in enumerate(samples(stack.headers, True, ahead)):
        registration.add(sample.levels, sample.windows)
        colours.append((sample.colours, sample.factor))
        if progress:
            progress(number + 1, len(stack))
    found = registration.result(reference)
    richer = kernels.registration_choice.chosen_model(registration.misfits) if model == "auto" else first
    if richer != first:
        found = _richer(stack, richer, found, reference, ahead)
    light = kernels.frame_gains.brightness(colours, found)
    ratios = np.sqrt(light) if is_coded(stack.headers[0]) else light
    return _alignment(names, found, model, kernels.frame_gains.gains(ratios, balance), light.mean(axis=1), ratios)


def _richer(stack: Stack, model: str, found: Any, reference: int, ahead: int) -> Any:
    """What a richer model says of the stack, whose frames are read once more; what was found, where that is surer."""
    simple = found.registration
    registration = kernels.registration.Registration(simple.width, simple.height, simple.count, model)
    for sample in samples(stack.headers, False, ahead):
        registration.add(sample.levels, sample.windows)
    other = registration.result(reference)
    distance = kernels.registration_matrices.distance
    errors = [distance(one, two, simple.width, simple.height) / max(other.residual(number), 1e-3)
              for number, (one, two) in enumerate(zip(found.transforms, other.transforms, strict=True))]  # fmt: skip
    return other if other.group >= found.group and max(errors) > SEEN else found


def _alignment(names: list[str], found: Any, model: str, gains: list[Numbers], light: np.ndarray, ratios: np.ndarray
               ) -> Alignment:  # fmt: skip
    """``light`` (frames) and ``ratios`` of samples (frames, channels): how many times brighter than the reference."""
    registration, (focus, bad, notes) = found.registration, _sweep(found, names, light)
    size, frames = (registration.width, registration.height), []
    jumps = {n: (f"is {ratio:.2f} times as bright as its neighbours",) for n in range(len(names))
             if (ratio := kernels.frame_gains.jump(ratios.mean(axis=1), n))}  # fmt: skip
    moved = dict.fromkeys((set(registration.moved) & found.group) - found.in_doubt, "alone shows something that moved")
    for number, name in enumerate(names):
        matrix, trouble = rounded(found.transforms[number]) if model != "no" else SAME, found.trouble(number)
        if corner_move(matrix, *size) > FARTHEST * min(size):
            matrix, trouble = SAME, trouble or "seems to lie too far from the others to belong to them: left as it is"
        warnings = (*found.warnings(number), *notes.get(number, ()), *jumps.get(number, ()))
        wrong = trouble or bad.get(number, "") or moved.get(number, "")
        frames.append(FrameTransform(name, matrix, round(found.residual(number), 4), warnings, gains[number], wrong,
                                     focus.index(number)))  # fmt: skip
    return Alignment("no" if model == "no" else registration.model, names[found.reference], size, tuple(frames))


def _sweep(found: Any, names: list[str], light: np.ndarray
           ) -> tuple[list[int], dict[int, str], dict[int, tuple[str, ...]]]:  # fmt: skip
    """The order of focus; which frames are blurred or there twice; and what is to be said of others.

    ``light`` (frames): how many times brighter than the reference each is; more light is no more detail.
    """
    sweep, registration = kernels.focus_sweep, found.registration
    group = sorted(found.group)
    if len(group) < 3:
        return list(range(len(names))), {}, {}
    maps = sweep.laid_over([registration.maps[n] for n in group], [found.transforms[n] for n in group],
                           registration.map_factor) / light[group, None] ** 2  # fmt: skip
    blurred, share = sweep.blurred_frames(maps), sweep.sharp_share(maps)
    notes: dict[int, tuple[str, ...]] = {group[n]: ("is sharp nowhere",) for n in sweep.frames_sharp_nowhere(share)}
    # What is clipped elsewhere has detail in a darker frame, and what is blurred has it nowhere.
    usual = [n for n in range(len(group)) if n not in blurred and not kernels.frame_gains.jump(light, group[n])]
    order = sweep.sweep_order(maps)
    astray = sweep.out_of_order(order if len(usual) == len(group) else sweep.sweep_order(maps[usual]))
    for n in astray:
        notes[group[usual[n]]] = (*notes.get(group[usual[n]], ()), OUT_OF_ORDER)
    # Among frames in disorder one at an end of the sweep is less sharp than those that happen to be beside it.
    bad: dict[int, str] = {group[n]: "is blurred" for n in blurred if len(astray) < DISORDER * len(usual)}
    for one, other in pairwise(group):
        if np.array_equal(registration.maps[one], registration.maps[other]):
            bad[other] = f"is the same picture as {names[one]}"
    ranked = iter([group[n] for n in order])
    return [next(ranked) if n in found.group else n for n in range(len(names))], bad, notes


def frame_names(stack: Stack) -> list[str]:
    """The names of the frames: of their files, with the page behind where a file has several."""
    return [f"{header.path.name} {header.part}".rstrip() for header in stack.headers]


def rounded(matrix: np.ndarray) -> Numbers:
    """A matrix with no more digits than matter, so that its last bits, and keys made of them, are the same anywhere."""
    flat, digits = (matrix / matrix[2, 2]).ravel(), (12, 12, 6, 12, 12, 6, 15, 15, 12)
    return tuple(round(float(number), places) for number, places in zip(flat, digits, strict=True))


def estimate_bytes(stack: Stack, workers: int, memory: int) -> int:
    """Bytes that comparing the frames of a stack takes at most: those being decoded, reduced ones that later frames are
    compared with, and of the last two what patches are taken from."""
    header = stack.headers[0]
    pixels, decoded = header.height * header.width, sample_bytes(header)
    hops = kernels.registration.hops(len(stack))
    waiting = min(len(stack), max(hops) + kernels.registration.BRIDGE)
    levels = int(min(pixels, LEVEL_PIXELS) * 4 * 4 / 3)
    return (frames_ahead(header, workers, memory) + 3) * decoded + waiting * levels
