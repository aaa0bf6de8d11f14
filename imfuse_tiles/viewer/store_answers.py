"""What is computed for the page of a store, in a process of its own: regions with other options, and exports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.run_note import RunNote, load_run_note
from imfuse_tiles.storage.store import Store

if TYPE_CHECKING:
    from imfuse_tiles.viewer.tuning import TunedRun

#: The questions that the page asks of it, and the one that only the server asks.
NAMES = ("options", "tune", "tuning", "whole", "stop", "drop", "check_picture", "export")
PICTURE = "tuned_picture"
#: Memory of masks that are remembered, at most, and of those of regions that were looked at.
MASK_BYTES, LOOK_BYTES = 4_000_000_000, 600_000_000


class StoreAnswers:
    """Answers the questions NAMES and PICTURE. ``open_run``: opens the run of the store that is tuned."""

    def __init__(self, store: Store, open_run: Callable[[], TunedRun]) -> None:
        from imfuse_tiles.viewer.retouching import Retouching
        from imfuse_tiles.viewer.tuning import Tuner

        self.store, self.open_run = store, open_run
        self.tuner, self.retouching = Tuner(self.open, self.last_run), Retouching(store)

    @property
    def questions(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """The questions by their names."""
        return {**self.retouching.questions, **self.tuner.questions, PICTURE: self.picture}

    def last_run(self) -> RunNote:
        """The last run of the store, whatever stages were computed since. Refusal where the store is gone."""
        if not self.store.exists():
            raise Refusal(f"{self.store.root}: the store is no longer there; fuse makes it again")
        return replace(load_run_note(self.store), stages={})

    def open(self) -> TunedRun:
        """The run, with a part of its memory for masks that are remembered: of whole generators if of any."""
        from imfuse_tiles.execution.mask_warmup import warmup
        from imfuse_tiles.execution.remembered_masks import looks, memory
        from imfuse_tiles.planning.memory import PROGRAM_BYTES

        run = self.open_run()
        most = min(MASK_BYTES, max(0, run.resources.memory * 2 // 3 - PROGRAM_BYTES))
        whole = 2 * len(run.stack) * run.stack.frame[0] * run.stack.frame[1]
        memory.most = most // whole * whole or most
        warmup.make_room(run.stack.frame, len(run.stack))
        looks.most = min(LOOK_BYTES, most // 4)
        reserved = memory.most + looks.most
        resources = replace(run.resources, memory=run.resources.memory - reserved)
        return replace(run, resources=resources, reserved=reserved)

    def picture(self, about: dict[str, Any]) -> bytes | None:
        """The region that was computed as the ``number``-th, as PNG."""
        return self.tuner.pictures.get(about["number"])

    def forget(self) -> None:
        """Give back the memory of masks."""
        from imfuse_tiles.execution.remembered_masks import looks, memory

        memory.clear()
        looks.clear()
