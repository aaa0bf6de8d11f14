"""A result that a pattern of the shell names: ``-o stack/*.tif`` makes the first frame the result."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.written_outputs import picture_frame
from imfuse_tiles.imageio.reading.header import shown
from imfuse_tiles.imageio.reading.own_results import is_own_result
from imfuse_tiles.imageio.stack import Stack


def check_not_first_frame(result: Path, stack: Stack) -> None:
    """Refusal of a result, whatever ``--force`` says, that is a picture like the frames and by its name the first.

    Results of this program are no frames, wherever they lie.
    """
    if not result.is_file() or not _comes_first(result, stack.files) or is_own_result(result):
        return
    if picture_frame(result) == stack.file_frame:
        pattern = shown(result.with_name(f"*{result.suffix}"))
        raise Refusal(
            f"-o {shown(result)}: is a picture like the frames and the first of them, which is what the shell makes of "
            f"-o {pattern}; name the result before the frames: -o result.tif {pattern}"
        )


def _comes_first(result: Path, frames: Collection[Path]) -> bool:
    """Whether a file lies among frames, is none of them, and the shell would name it before them."""
    path, others = result.resolve(), [frame.resolve() for frame in frames]
    return bool(others) and all(
        frame.parent == path.parent and frame.suffix == path.suffix and frame.name.casefold() > path.name.casefold()
        for frame in others
    )
