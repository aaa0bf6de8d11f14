"""Stores made to harm: links, FIFOs and folders in place of files, hostile values in JSON with right checksums.

Every command that takes a store is run on them. None may write, delete or open anything outside of it, run code or
hang, and each ends with a right result or one plain line.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.attacks.small_run import OPTIONS, Place, in_child
from benchmarks.attacks.store_commands import ALIGNED, commands, run_watched, verdict_of
from imfuse_tiles.cli.main import main
from imfuse_tiles.stages.strokes import Stroke, keep_strokes
from imfuse_tiles.storage.journal import open_line, seal_line
from imfuse_tiles.storage.store import Store

#: Values in the place of others.
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 2**31, 2**63, 10**30, -(10**400), 0.5, 1e300, float("inf"), float("nan"), "", "x",
    "0/0/0", "../../outside", ["../../outside", "../../outside/precious"], "../../../outside/precious", "/etc/passwd",
    "\x1b[2J\x07", "\ud800", "x" * 100_000, [], {}, [[]], [{}], [None], {"": None},
    ["a", 1], [0], [-1], [2**40, 2**40], [[0, 1], [0, 1], [0, 1]], {"imfuse_tiles": 1}, {"stages": []}, {"numbers": []},
    {"name": "evil", "configuration": {"path": "../outside"}}, [{"name": "vlen-bytes"}], "float64", "object", "uint8",
)  # fmt: skip
#: Bytes in the place of a whole file.
CONTENTS = (
    b"",
    b"\0" * 300,
    b"[" * 100_000,
    b"{",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"NaN",
    b"\xff\xfe\x00",
    b"9" * 10_000,
)
STROKES = (Stroke(((10.0, 10.0), (20.0, 25.0)), 4.0, slice=1),)
SECONDS = 20
SPARSE = 6 << 30
Change = Callable[[Path, Random], str]


def files_in(store: Path) -> list[Path]:
    return sorted(path for path in store.rglob("*") if path.is_file() and not path.is_symlink())


def link(store: Path, random: Random) -> str:
    """A file or folder becomes a link that leads outside, nowhere or to itself."""
    place = random.choice([path for path in sorted(store.rglob("*")) if not path.is_symlink()])
    outside = store.parent.parent / "outside"
    target = random.choice([outside, outside / "precious", outside / "nowhere", place, Path("/etc"), Path("/dev/zero")])
    remove(place)
    place.symlink_to(target)
    return f"{place.relative_to(store)} links to {target}"


def no_file(store: Path, random: Random) -> str:
    """A FIFO, a socket, a folder or a device in the place of a file, or a file in the place of a folder."""
    place = random.choice([path for path in sorted(store.rglob("*")) if not path.is_symlink()])
    kind = random.choice(["FIFO", "socket", "folder", "file", "folder with a file"])
    remove(place)
    if kind == "FIFO":
        os.mkfifo(place)
    elif kind == "socket":
        with suppress(OSError), socket.socket(socket.AF_UNIX) as end:  # where the path is too long there is none
            end.bind(str(place))
    elif kind == "file":
        place.write_bytes(b"x")
    else:
        place.mkdir()
        if "with" in kind:
            (place / "x").write_bytes(b"x")
    return f"{place.relative_to(store)} is a {kind}"


def content(store: Path, random: Random) -> str:
    """A file with other bytes, or as long as a disk."""
    place, chosen = random.choice(files_in(store)), random.choice([*CONTENTS, None])
    if chosen is None:
        os.truncate(place, SPARSE)
    else:
        place.write_bytes(chosen)
    return f"{place.relative_to(store)} is {'endless' if chosen is None else chosen[:20]!r}"


def metadata(store: Path, random: Random) -> str:
    """A hostile value somewhere in the metadata of the store, a group or an array."""
    place = random.choice([path for path in files_in(store) if path.name == "zarr.json"])
    with suppress(ValueError, RecursionError):
        place.write_text(dumps(changed(json.loads(place.read_text()), random)))
    return f"{place.relative_to(store)} has other values"


def note(store: Path, random: Random) -> str:
    """A hostile value in a note, with the right checksum."""
    notes = [path for path in files_in(store) if path.parent.name == "numbers"]
    if not notes:
        return ""
    place = random.choice(notes)
    with suppress(ValueError, RecursionError, KeyError, TypeError):
        numbers = changed(json.loads(place.read_text())["numbers"], random)
        crc = f"{zlib.crc32(json.dumps(numbers, sort_keys=True).encode()):08x}"
        place.write_text(dumps({"crc32": crc, "numbers": numbers}))
    return f"{place.relative_to(store)} has other values"


def journal_line(store: Path, random: Random) -> str:
    """A hostile value in a line of a journal, with the right checksum; or such a line more."""
    journals = [path for path in files_in(store) if path.parent.name == "journal"]
    if not journals:
        return ""
    place = random.choice(journals)
    lines = place.read_bytes().splitlines(keepends=True) or [b""]
    number = random.randrange(len(lines))
    with suppress(ValueError, RecursionError, TypeError):
        line = changed(open_line(lines[number]) or {}, random)
        new = random.choice([line, line, {"lost": random.choice(HOSTILE)}, {"block": random.choice(HOSTILE)}])
        lines[number : number + random.randrange(2)] = [seal_line(new)]
    place.write_bytes(b"".join(lines))
    return f"line {number + 1} of {place.relative_to(store)} has other values"


CHANGES: tuple[Change, ...] = (link, no_file, content, metadata, metadata, note, note, journal_line, journal_line)


def remove(place: Path) -> None:
    """Remove a file or folder."""
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()


def dumps(value: Any) -> str:
    return json.dumps(value)


def changed(value: Any, random: Random) -> Any:
    """A JSON value with one value in it, names included, exchanged for a hostile one, or left out."""
    paths = list(places(value))
    path = random.choice(paths)
    if not path:
        return random.choice(HOSTILE)
    parent = value
    for step in path[:-1]:
        parent = parent[step]
    if random.random() < 0.15 and isinstance(parent, dict):
        del parent[path[-1]]
    elif random.random() < 0.1 and isinstance(parent, dict):
        parent[random.choice(["", "../x", "\x1b", "x" * 300])] = parent.pop(path[-1])
    else:
        parent[path[-1]] = random.choice(HOSTILE)
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in list(items):
        yield from places(item, (*path, name))


def state_of(folder: Path) -> dict[str, tuple[int, ...]]:
    """All that is in a folder, with what changes when it is written to."""
    found = {str(path): path.lstat() for path in (folder, *folder.rglob("*"))}
    return {path: (state.st_mtime_ns, state.st_ino, state.st_size) for path, state in found.items()}


def hostile(folder: Path, count: int, seed: int, show: Callable[[str], None] = print) -> dict[str, Any]:
    """``count`` hostile stores; figures with what is broken."""
    random, place = Random(seed), Place.make(folder)
    right, outside, model = place.expected(options=OPTIONS), folder / "outside", folder / "model"
    for more, options in (((), ALIGNED), (("--part", "1/1", "--force"), OPTIONS)):
        assert main(place.words(*more, options=options)) == 0
    keep_strokes(Store(str(place.store)), STROKES)
    for result in place.work.glob("*.tif"):
        result.unlink()
    shutil.copytree(place.store, model)
    outside.mkdir()
    (outside / "precious").write_text("precious")
    (outside / "x.strange.partial").write_text("precious")
    untouched, tally, broken = state_of(outside), Counter[str](), 0
    for number in range(count):
        place.clear()
        shutil.copytree(model, place.store)
        changes = random.choices(CHANGES, k=random.choice([1, 1, 2, 3]))
        said = [change(place.store, random) for change in changes]
        words = random.choice(commands(place))
        ended = in_child(lambda words=words: run_watched(words, outside), SECONDS)  # type: ignore[misc]
        verdict = verdict_of(ended, words, place, right)
        if state_of(outside) != untouched:
            verdict, untouched = f"WROTE OUTSIDE, {verdict}", state_of(outside)
        tally[f"exit code {ended.code}"] += 1
        if verdict != "right":
            broken += 1
            show(f"{number}, {'; '.join(said)}: {' '.join(words[:3])} ...\n    {verdict}")
    return {"stores": count, **dict(sorted(tally.items())), "broken": broken}
