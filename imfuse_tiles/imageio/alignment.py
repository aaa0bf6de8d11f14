"""How the frames of a stack lie over each other, as a value and as a file.

The file is JSON: ``{"model", "reference", "size": [width, height], "frames": [{"file", "matrix", "residual",
"warnings", "gains", "bad", "focus"}]}``. A matrix has 3 x 3 numbers, row by row, and maps a point of the reference
frame to the same point of the scene in its frame; the middle of the first pixel is 0, 0, x to the right and y down. A
residual is the error of a corner that is to be expected, in pixels. Gains, one for each colour or none, make a frame
as bright as the reference. ``bad`` says why a frame does not belong to the others, ``focus`` is its place in the sweep.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.json_values import load_json

Numbers = tuple[float, ...]
SAME: Numbers = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@frozen
class FrameTransform:
    """What is known of one frame."""

    file: str
    matrix: Numbers
    residual: float = 0.0
    warnings: tuple[str, ...] = ()
    gains: Numbers = ()
    #: Why the frame does not belong to the others; empty if it does.
    bad: str = ""
    #: Its place in the sweep of focus, from 0.
    focus: int = 0


@frozen
class Alignment:
    """The transforms of a stack from its reference, whose frames are ``size`` (width, height) pixels."""

    model: str
    reference: str
    size: tuple[int, int]
    frames: tuple[FrameTransform, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        frames = [
            {"file": f.file, "matrix": list(f.matrix), "residual": f.residual, "warnings": list(f.warnings),
             "gains": list(f.gains), "bad": f.bad, "focus": f.focus}
            for f in self.frames
        ]  # fmt: skip
        return {"model": self.model, "reference": self.reference, "size": list(self.size), "frames": frames}

    def without_gains(self) -> Alignment:
        """The same transforms, brightness and colours left alone: those of another channel fade in their own way."""
        return replace(self, frames=tuple(replace(frame, gains=()) for frame in self.frames))

    def without_warnings(self, text: str) -> Alignment:
        """The same without a warning of a text."""
        return replace(self, frames=tuple(
            replace(frame, warnings=tuple(warning for warning in frame.warnings if warning != text))
            for frame in self.frames
        ))  # fmt: skip

    @classmethod
    def of_record(cls, record: Any, place: str) -> Alignment:
        """From JSON. Refusal naming ``place`` when it is something else."""
        try:
            frames = tuple(
                FrameTransform(str(f["file"]), _numbers(f["matrix"], 9), float(f.get("residual", 0)),
                               tuple(str(text) for text in f.get("warnings", ())), _numbers(f.get("gains", ())),
                               str(f.get("bad", "")), int(f.get("focus", n)))
                for n, f in enumerate(record["frames"])
            )  # fmt: skip
            width, height = (int(side) for side in record["size"])
            found = cls(str(record["model"]), str(record["reference"]), (width, height), frames)
            found.moves()
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise Refusal(f"{place} holds no transforms of frames: {type(error).__name__} {error}") from None
        if not frames or min(found.size) < 1 or not all(map(math.isfinite, found.moves())):
            raise Refusal(f"{place} holds no transforms of frames")
        return found

    def moves(self) -> list[float]:
        """By how much a corner of each frame lies beside that of the reference at most, in pixels."""
        width, height = self.size
        return [corner_move(frame.matrix, width, height) for frame in self.frames]


def _numbers(values: Any, count: int | None = None) -> Numbers:
    numbers = tuple(float(value) for value in values)
    if not all(map(math.isfinite, numbers)) or (count is not None and len(numbers) != count):
        raise ValueError(f"not {count or 'finite'} numbers: {values}")
    return numbers


def corner_move(matrix: Sequence[float], width: int, height: int) -> float:
    """By how much a matrix moves a corner of a frame at most, in pixels."""
    a, b, c, d, e, f, g, h, i = matrix
    longest = 0.0
    for x in (0, width - 1):
        for y in (0, height - 1):
            w = g * x + h * y + i
            longest = max(longest, math.hypot((a * x + b * y + c) / w - x, (d * x + e * y + f) / w - y))
    return longest


def scaled(matrix: Sequence[float], sx: float, sy: float) -> Numbers:
    """A matrix for frames that are sx times as wide and sy times as high: whole pixels scale, not their middles."""
    grid = ((sx, 0.0, (sx - 1) / 2), (0.0, sy, (sy - 1) / 2), (0.0, 0.0, 1.0))
    back = ((1 / sx, 0.0, (1 / sx - 1) / 2), (0.0, 1 / sy, (1 / sy - 1) / 2), (0.0, 0.0, 1.0))
    rows = tuple(tuple(matrix[3 * k : 3 * k + 3]) for k in range(3))
    return tuple(number for row in _product(_product(grid, rows), back) for number in row)


def _product(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[sum(one[r][k] * other[k][c] for k in range(3)) for c in range(3)] for r in range(3)]


def load_alignment(path: str | Path) -> Alignment:
    """The transforms that a file holds. Refusal when it does not."""
    try:
        record = load_json(Path(path))
    except ValueError as error:
        raise Refusal(f"{path} is no JSON file: {error}") from None
    return Alignment.of_record(record, str(path))


def for_files(found: Alignment, files: Sequence[str], size: tuple[int, int], place: str) -> Alignment:
    """The transforms of other frames: by their names, or their order where no name is known; scaled to their size.

    Refusal when some names are known and others not, or the numbers of frames differ.
    """
    by_name = {frame.file: frame for frame in found.frames}
    missing = [file for file in files if file not in by_name]
    if missing and (len(missing) < len(files) or len(files) != len(found.frames)):
        raise Refusal(f"{place} has transforms of {len(found.frames)} frames and none of {missing[0]}")
    frames = list(found.frames) if missing else [by_name[file] for file in files]
    ratio = size[0] / found.size[0], size[1] / found.size[1]
    if abs(ratio[0] / ratio[1] - 1) > 0.02:
        raise Refusal(f"{place} is for frames of {found.size[0]} x {found.size[1]}, not {size[0]} x {size[1]} pixels")
    new = tuple(
        replace(frame, file=file) if ratio == (1, 1) else
        replace(frame, file=file, matrix=scaled(frame.matrix, *ratio), residual=round(frame.residual * max(ratio), 4))
        for file, frame in zip(files, frames, strict=True)
    )  # fmt: skip
    names = {frame.file: file for file, frame in zip(files, frames, strict=True)}
    return Alignment(found.model, names.get(found.reference, found.reference), size, new)
