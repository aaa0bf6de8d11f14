"""``status`` and ``cache``: what stores hold, how far a run is, and making room."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from imfuse_tiles.errors import Exists, Refusal
from imfuse_tiles.execution.pipeline import cache_folder
from imfuse_tiles.planning.memory import format_size, parse_size
from imfuse_tiles.storage.inventory import Contents, Held, contents, drop, in_use, remove, stores, tidied
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
    store = named(words[0])
    found, who = contents(store), in_use(store)
    print("\n".join(about(store, found, who)))
    return 0


def about(store: Store, found: Contents, who: str) -> list[str]:
    """Lines on a store for people."""
    lines = [f"{store.root}: {format_size(found.bytes)}"]
    if found.images:
        lines.append(f"{len(found.images)} images of {found.folder}: {found.options or 'no options'}")
    lines.append(f"in use by {who}" if who else f"not in use; the last run began {since(found.began)}")
    lines += ["", f"{'stage':<24} {'blocks':>15} {'bytes':>9}  state"]
    last = [held for held in found.stages if held.key in found.last]
    working = next((held.key for held in last if held.begun and not held.finished), None) if who else None
    gone = passed(last)
    for held in found.stages:
        how = "not needed any more" if held.key in gone else state(store, held, held.key == working, found)
        lines.append(
            f"{held.name[:24]:<24} {f'{held.done} of {held.blocks}' if held.blocks else held.done:>15} "
            f"{format_size(held.bytes):>9}  {how}"
        )
    return lines


def passed(last: Sequence[Held]) -> set[str]:
    """Keys of those stages of the last run that are not there though the result, or what is made on the way to it
    and not kept, has begun behind them: a lean run deleted them, or tidying did and no run missed them."""
    begun = [place for place, held in enumerate(last) if held.begun and (held.passing or held is last[-1])]
    return {held.key for held in last[: max(begun, default=0)] if not held.begun}


def state(store: Store, held: Held, at_work: bool, found: Contents) -> str:
    """How a stage stands; of the one at work also its rate and the time left, from when its blocks were recorded."""
    if held.finished:
        return "complete" if held.key in found.last else "complete, of an earlier run"
    if not at_work:
        return "unfinished" if held.done else "not there"
    moments = [line.get("at", 0.0) for line in store.journal(held.key).completed_blocks().values()]
    recent = sorted(moment for moment in moments if moment >= found.began)[-RECENT:]
    if len(recent) < 2:
        return "at work"
    rate = (len(recent) - 1) / max(time.time() - recent[0], 0.1)
    return f"at work: {rate:.3g} blocks/s, about {max(held.blocks - held.done, 0) / rate:.0f} s left"


def since(moment: float) -> str:
    """How long ago a moment was, for people."""
    if not moment:
        return "at an unknown time"
    age = max(time.time() - moment, 0)
    for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if age >= 2 * seconds:
            return f"{age / seconds:.0f} {unit} ago"
    return f"{age:.0f} seconds ago"


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
    for store in stores(cache_folder()):
        found = contents(store)
        total += found.bytes
        busy = ", in use" if in_use(store) else ""
        print(f"{store.folder.name}  {format_size(found.bytes):>8}  used {since(found.began)}{busy}  {found.folder}")
    print(f"{cache_folder()}: {format_size(total)}", file=sys.stderr)
    return 0


def rm(words: Sequence[str]) -> int:
    """Remove stores by name, or all of the cache folder."""
    if list(words) == ["--all"]:
        return emptied()
    if not words or any(word.startswith("-") for word in words):
        raise Refusal("cache rm takes names of stores as cache ls prints them, or --all")
    gained = sum(remove(store) for store in [named(word) for word in words])
    print(f"{format_size(gained)} removed")
    return 0


def emptied() -> int:
    """Remove every store of the cache folder that no run works on."""
    gained, left = 0, 0
    for store in stores(cache_folder()):
        try:
            gained += remove(store)
        except Exists as busy:
            print(busy, file=sys.stderr)
            left += 1
    print(f"{format_size(gained)} removed from {cache_folder()}" + (f", {left} stores in use are left" if left else ""))
    return 0


def gc(words: Sequence[str]) -> int:
    """Remove what is no longer of use."""
    keep, older, names = _limits(words)
    places = [named(name) for name in names] or list(stores(cache_folder()))
    free = [store for store in places if not _busy(store)]
    chosen: dict[Store, list[Held]] = {store: [] for store in free}
    for store, held in tidied([(store, contents(store)) for store in free], keep, older):
        chosen[store].append(held)
    for store, stages in chosen.items():
        drop(store, stages)
    gained = sum(held.bytes for stages in chosen.values() for held in stages)
    print(f"{format_size(gained)} removed")
    return 0


def _busy(store: Store) -> bool:
    who = in_use(store)
    if who:
        print(f"{store.root} is in use by {who} and left alone", file=sys.stderr)
    return bool(who)


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


def named(name: str) -> Store:
    """A store by its name in the cache folder or by its place. Refusal when there is none."""
    for place in (cache_folder() / name, name):
        store = Store.at(place)
        store.files.check_reachable()
        if store.exists():
            return store
    raise Refusal(f"{name} is not a store of imfuse-tiles, nor is there one of this name in {cache_folder()}")
