"""``status`` and ``cache``: what stores hold, how far a run is, and making room."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.execution.pipeline import cache_folder
from imfuse_tiles.planning.memory import format_size, parse_size
from imfuse_tiles.storage.inventory import StoreContents, StoredStage, current_writer, read_contents
from imfuse_tiles.storage.json_values import get_matching
from imfuse_tiles.storage.removal import list_stores, remove_stages, remove_store, stages_to_remove
from imfuse_tiles.storage.store import Store

#: How many of the last blocks of a running stage tell its rate.
RECENT = 100
STATUS = """usage: imfuse-tiles status STORE

What a store holds: the stages of the last run with their blocks and bytes, and while a run works on it, how fast
it goes and how long the stage at work will take."""
CACHE = """usage: imfuse-tiles cache ls                            the stores of the cache folder
       imfuse-tiles cache rm NAME...|--all              remove stores
       imfuse-tiles cache gc [--keep SIZE] [--older DAYS] [STORE...]
                                                        remove what was not of use for DAYS days, then the oldest
                                                        until at most SIZE is left; without either, only what
                                                        killed runs left half written

A store that a run works on is left alone. NAME is as ls prints it, or a folder."""


def status(words: Sequence[str]) -> int:
    """Show what a store holds and how far a run is."""
    if not words or words[0] in ("-h", "--help"):
        print(STATUS)
        return 0 if words else 2
    if len(words) > 1:
        raise Refusal(f"status takes one store, not also {words[1]}")
    store = find_store(words[0])
    summary, user = read_contents(store), current_writer(store)
    print("\n".join(status_lines(store, summary, user)))
    return 0


def status_lines(store: Store, summary: StoreContents, user: str) -> list[str]:
    """What ``status`` prints of a store."""
    lines = [f"{store.root}: {format_size(summary.bytes)}"]
    if summary.images:
        lines.append(f"{len(summary.images)} images of {summary.folder}: {summary.options or 'no options'}")
    lines.append(f"in use by {user}" if user else f"not in use; the last run began {age_text(summary.began)}")
    lines += ["", f"{'stage':<24} {'blocks':>15} {'bytes':>9}  state"]
    last = [stage for stage in summary.stages if stage.key in summary.last]
    running_key = next((stage.key for stage in last if stage.begun and not stage.finished), None) if user else None
    gone = discarded_stages(last)
    for stage in summary.stages:
        state = stage_state(store, stage, stage.key == running_key, summary)
        lines.append(
            f"{stage.name[:24]:<24} {f'{stage.done} of {stage.blocks}' if stage.blocks else stage.done:>15} "
            f"{format_size(stage.bytes):>9}  {'not needed any more' if stage.key in gone else state}"
        )
    return lines


def discarded_stages(last: Sequence[StoredStage]) -> set[str]:
    """Keys of stages of the last run that are gone although a later stage has begun: a lean run, or tidying, deleted
    them and no run needed them since."""
    begun = [place for place, stage in enumerate(last) if stage.begun and (stage.passing or stage is last[-1])]
    return {stage.key for stage in last[: max(begun, default=0)] if not stage.begun}


def stage_state(store: Store, stage: StoredStage, running: bool, summary: StoreContents) -> str:
    """The state of a stage; of the running one also its rate and the time left, from when its blocks were recorded."""
    if stage.finished:
        return "complete" if stage.key in summary.last else "complete, of an earlier run"
    if not running:
        return "unfinished" if stage.done else "not begun"
    lines = store.journal(stage.key).completed_blocks().values()
    times = [get_matching(line, float, 0.0, "at") for line in lines]
    recent = sorted(recorded for recorded in times if recorded >= summary.began)[-RECENT:]
    if len(recent) < 2:
        return "running"
    rate = (len(recent) - 1) / max(time.time() - recent[0], 0.1)
    return f"running: {rate:.3g} blocks/s, about {max(stage.blocks - stage.done, 0) / rate:.0f} s left"


def age_text(moment: float) -> str:
    """How long ago a time (seconds since 1970) was."""
    if not moment:
        return "at an unknown time"
    age = max(time.time() - moment, 0)
    for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if age >= 2 * seconds:
            return f"{age / seconds:.0f} {unit} ago"
    return f"{age:.0f} second{'' if round(age) == 1 else 's'} ago"


def cache(words: Sequence[str]) -> int:
    """List, remove or tidy stores."""
    if not words or words[0] in ("-h", "--help"):
        print(CACHE)
        return 0 if words else 2
    commands = {"ls": ls, "rm": rm, "gc": gc}
    if words[0] not in commands:
        raise Refusal(f"cache {words[0]} is not known, allowed are ls, rm and gc")
    return commands[words[0]](words[1:])


def ls(words: Sequence[str]) -> int:
    """The stores of the cache folder."""
    if words:
        raise Refusal(f"cache ls takes no argument, not {words[0]}")
    total = 0
    for store in list_stores(cache_folder()):
        summary = read_contents(store)
        total += summary.bytes
        busy = ", in use" if current_writer(store) else ""
        used = f"used {age_text(summary.began)}{busy}"
        print(f"{store.folder.name}  {format_size(summary.bytes):>8}  {used}  {summary.folder}")
    print(f"{cache_folder()}: {format_size(total)}", file=sys.stderr)
    return 0


def rm(words: Sequence[str]) -> int:
    """Remove stores by name, or all of the cache folder."""
    if list(words) == ["--all"]:
        return remove_all()
    if not words or any(word.startswith("-") for word in words):
        raise Refusal("cache rm takes names of stores as cache ls prints them, or --all")
    freed = sum(remove_store(store) for store in [find_store(word) for word in words])
    print(f"{format_size(freed)} removed")
    return 0


def remove_all() -> int:
    """Remove every store of the cache folder that no run works on."""
    freed, left = 0, 0
    for store in list_stores(cache_folder()):
        try:
            freed += remove_store(store)
        except AlreadyExists as busy:
            print(busy, file=sys.stderr)
            left += 1
    print(f"{format_size(freed)} removed from {cache_folder()}" + (f", {left} stores in use are left" if left else ""))
    return 0


def gc(words: Sequence[str]) -> int:
    """Remove what is no longer of use."""
    keep, older, names = _limits(words)
    places = [find_store(name) for name in names] or list(list_stores(cache_folder()))
    free = [store for store in places if not _report_if_in_use(store)]
    chosen: dict[Store, list[StoredStage]] = {store: [] for store in free}
    for store, stage in stages_to_remove([(store, read_contents(store)) for store in free], keep, older):
        chosen[store].append(stage)
    for store, stages in chosen.items():
        remove_stages(store, stages)
    freed = sum(stage.bytes for stages in chosen.values() for stage in stages)
    print(f"{format_size(freed)} removed")
    return 0


def _report_if_in_use(store: Store) -> bool:
    user = current_writer(store)
    if user:
        print(f"{store.root} is in use by {user} and left alone", file=sys.stderr)
    return bool(user)


def _limits(words: Sequence[str]) -> tuple[int | None, float | None, list[str]]:
    keep, older, names = None, None, []
    rest = iter(words)
    for word in rest:
        option, equals, text = word.partition("=")
        if option not in ("--keep", "--older"):
            if word.startswith("-"):
                raise Refusal(f"cache gc: {word} is not known, allowed are --keep SIZE and --older DAYS")
            names.append(word)
            continue
        text = text if equals else next(rest, "")
        if option == "--keep":
            keep = 0 if text == "0" else parse_size(text)
        else:
            older = _days(text) * 86400
    return keep, older, names


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not days >= 0:
        raise Refusal(f"cache gc: --older {text} is no number of days")
    return days


def find_store(name: str) -> Store:
    """A store by its name in the cache folder or by its path. Refusal when there is none."""
    for place in (cache_folder() / name, name):
        store = Store.at(place)
        store.files.check_reachable()
        if store.exists():
            return store
    raise Refusal(f"{name} is not a store of imfuse-tiles, nor is there one of this name in {cache_folder()}")
