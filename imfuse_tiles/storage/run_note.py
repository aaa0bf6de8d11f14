"""The note that a store keeps of its last run, as its readers may rely on it: a store may be of anybody's making."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.inside import is_name
from imfuse_tiles.storage.json_values import get_matching, matches
from imfuse_tiles.storage.store import Store

#: The note in which a store keeps its last run and when each stage was last of use.
NOTE = "runs"
#: What the note has of a stage.
STAGE_PATTERN = {"name": str, "paths": [str], "blocks": int}


@frozen
class RunNote:
    """The last run of a store; what is not as a run writes it is empty.

    ``command``: the words that began it, in ``current_folder``; none where Python began it. ``images``: their names in
    ``folder``. ``size``: width and height in pixels. ``began``: in seconds since 1970. ``order``: the keys of its
    stages; ``stages``: by key, those of earlier runs too.
    """

    options: str
    command: tuple[str, ...]
    current_folder: str
    folder: str
    images: tuple[str, ...]
    size: tuple[int, int]
    began: float
    order: tuple[str, ...]
    stages: Mapping[str, dict[str, Any]]

    def paths(self, key: str) -> tuple[str, ...]:
        """The arrays of a stage."""
        return tuple(self.stages[key]["paths"]) if key in self.stages else ()


def load_run_note(store: Store) -> RunNote:
    """What a store notes of its last run."""
    note = store.numbers.load(NOTE)
    size = get_matching(note, [int], [], "size")
    return RunNote(
        *(get_matching(note, str, "", "options"), tuple(get_matching(note, [str], [], "command"))),
        *(get_matching(note, str, "", "current_folder"), get_matching(note, str, "", "folder")),
        tuple(get_matching(note, [str], [], "images")), (size[0], size[1]) if len(size) == 2 else (0, 0),
        get_matching(note, float, 0.0, "began"),
        tuple(filter(is_name, get_matching(note, [str], [], "order"))), _stages(note),
    )  # fmt: skip


def noted_stages(store: Store) -> dict[str, dict[str, Any]]:
    """What the note of the last run has of every stage, by key; what is not as a run writes it is left out."""
    return _stages(store.numbers.load(NOTE))


def last_use(stage: Mapping[str, Any]) -> float:
    """When a run last needed a stage, in seconds since 1970; 0 when its note does not say."""
    return float(get_matching(stage, float, 0.0, "used"))


def _stages(note: Any) -> dict[str, dict[str, Any]]:
    stages = get_matching(note, {}, {}, "stages")
    return {key: stage for key, stage in stages.items() if is_name(key) and matches(stage, STAGE_PATTERN)}
