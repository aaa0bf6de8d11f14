"""What a store holds, told by itself: every array says which blocks of which stage write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from imfuse_tiles.stages.array_layout import Layout, Output
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.json_values import get_matching, matches
from imfuse_tiles.storage.store import Store

#: What an array says of the stage that writes it.
PATTERN = {
    "name": str, "key": str, "frame": [int], "slices": int, "banded": bool, "lead": [int], "group": [int],
    "by_run": bool, "dtype": str,
}  # fmt: skip


def array_attributes(stage: Stage, output: Output, layout: Layout) -> dict[str, Any]:
    """What of a stage and its array must be known to tell its blocks and their chunks."""
    return {
        "name": stage.name, "key": stage.key, "frame": list(stage.frame), "slices": stage.slices,
        "banded": stage.banded, "lead": list(output.lead), "group": list(output.group), "by_run": output.by_run,
        "dtype": output.dtype, "flat": output.flat, "level": output.level, "folded": output.folded,
        "layout": layout.to_list(),
    }  # fmt: skip


def array_paths(names: Iterable[str]) -> list[str]:
    """The arrays to which files of a store belong, whether they are described or not."""
    parts = (name.split("/") for name in names)
    others = ("journal", "numbers", "overviews")
    return sorted({"/".join(each[:2]) for each in parts if len(each) > 2 and each[0] not in others})


def stage_from_attributes(store: Store, path: str) -> Stage:
    """The stage that writes an array, without its work and its other arrays. Damaged when the array does not say."""
    said = store.arrays.attributes(path)
    if not matches(said, PATTERN):
        raise Damaged(path, (), "lost")
    try:
        output = Output(path, tuple(said["lead"]), tuple(said["group"]), str(said["dtype"]), bool(said["by_run"]),
                        get_matching(said, int, 0, "level"), get_matching(said, bool, False, "folded"),
                        get_matching(said, int, 1, "flat"))  # fmt: skip
        height, width = said["frame"]
        return Stage(
            str(said["name"]), str(said["key"]), Job(), (int(height), int(width)), (output,),
            slices=int(said["slices"]), banded=bool(said["banded"]),
        )  # fmt: skip
    except ValueError:  # not so many numbers
        raise Damaged(path, (), "lost") from None
