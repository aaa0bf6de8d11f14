"""What is told of an alignment: for programs, for people, and as a file of transforms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.execution.export import check_not_frames
from imfuse_tiles.execution.warp_stack import is_moved
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.imageio.writing.target import check_place, complete_or_absent
from imfuse_tiles.stages.estimate_alignment import SMALLEST


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
        with complete_or_absent(place, force=True) as file:
            file.write(f"{json.dumps(found.record(), indent=1)}\n".encode())
    except OSError as error:
        raise Refusal(f"{place}: {error.strerror or error}") from None


def check_transforms_place(place: Path, stack: Stack, force: bool) -> None:
    """Refuse to write transforms over a frame of the stack, and unless ``force`` over anything but transforms."""
    check_not_frames([place], stack.files)
    check_place(place, force=True)
    if not force and place.exists() and not _begins_like_transforms(place):
        raise AlreadyExists(f"{place}: exists already and holds no transforms; --force overwrites it")


def _begins_like_transforms(place: Path) -> bool:
    with place.open("rb") as file:
        return file.read(200).lstrip().startswith(b'{\n "model"') or place.stat().st_size == 0


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
