"""What each part of a run computes, told to the others: parts of different plans would wait for each other for ever.

A part writes a note under the name of its lock. It counts while the lock is held.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.options.resources import Part
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store

#: Seconds after which a part that has just taken its lock has written its note, too.
SETTLED = 1.0


def plan_digest(plan: Plan, part: Part) -> str:
    """What parts of one run have in common: the stages, whose keys tell images and options, and how many parts."""
    return digest([[stage.key for stage in plan.stages], part.of])


def announce_part(plan: Plan, part: Part, store: Store) -> None:
    """Note what this part computes. Refusal when another that is at work computes something else.

    The store is locked for this part.
    """
    own = plan_digest(plan, part)
    store.numbers.save(part.name, {"plan": own, "options": str(plan.recipe)})
    if next(_strangers(store, part, own), None) is None:
        return
    time.sleep(SETTLED)  # the note may be of an earlier run
    for name, options in _strangers(store, part, own):
        raise Refusal(f"{name.replace('-', ' ')} is at work on other images, options or numbers of parts "
                      f"({options or 'no options'}); all parts of a run need the same")  # fmt: skip


def is_part_running(store: Store, part: Part, plan: str) -> bool:
    """Whether a part is at work on the plan of this digest."""
    note = store.numbers.load(part.name)
    return note is not None and note.get("plan") == plan and store.is_locked(part.name)


def _strangers(store: Store, part: Part, plan: str) -> Iterator[tuple[str, str]]:
    """The names and options of other parts that are at work on another plan."""
    for file, _ in store.files.list_files("numbers"):
        name = file.removeprefix("numbers/").removesuffix(".json")
        if name.startswith("part-") and name != part.name:
            note = store.numbers.load(name)
            if note is not None and note.get("plan") != plan and store.is_locked(name):
                yield name, str(note.get("options"))
