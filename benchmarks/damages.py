"""Random damage to the files of a store, as disks and killed programs do it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

#: Ways in which a file is damaged.
WAYS = ("delete", "empty", "truncate", "flip", "zero")
#: Shares of a store's chunks and of its records of what is complete that are struck.
CHUNKS, RECORDS = 0.1, 0.5


def damaged_copy(store: Path, place: Path, chance: random.Random) -> int:
    """Copy a store and damage some of its chunks, one journal, and drop records of completeness; how many files."""
    shutil.copytree(store, place)
    for path in sorted((place / "numbers").glob("*.json")):
        if chance.random() < RECORDS:
            path.unlink()
    chunks = [path for path in sorted(place.glob("*/*/c/**/*")) if path.is_file()]
    journals = sorted((place / "journal").iterdir())
    struck = [*chance.sample(chunks, max(1, int(len(chunks) * CHUNKS))), chance.choice(journals)]
    for path in struck:
        spoil(path, chance.choice(WAYS), chance)
    (struck[0].parent / f"{struck[0].name}.nowhere.partial").write_bytes(b"half")
    return len(struck)


def partial_files(place: Path, began: float = 0.0) -> list[Path]:
    """Half-written files in the arrays that were written to since ``began``, in seconds, and beside all other files."""
    found = [path for path in place.rglob("*") if "partial" in path.name]
    return [path for path in found if "c" not in path.parts or written_since(path, began)]


def written_since(partial: Path, began: float) -> bool:
    """Whether a chunk of the array of a half-written file was written since ``began``."""
    chunks = next(folder for folder in partial.parents if folder.name == "c")
    others = (path for path in chunks.rglob("*") if path.is_file() and "partial" not in path.name)
    return any(path.stat().st_mtime >= began for path in others)


def spoil(path: Path, way: str, chance: random.Random) -> None:
    """Delete, empty or truncate a file, flip one of its bits, or put zeros in the place of up to 4 KiB."""
    raw = bytearray(path.read_bytes())
    at = chance.randrange(len(raw))
    if way == "delete":
        path.unlink()
        return
    if way == "empty":
        raw.clear()
    elif way == "truncate":
        del raw[at:]
    elif way == "flip":
        raw[at] ^= 1 << chance.randrange(8)
    else:
        raw[at : at + 4096] = bytes(len(raw[at : at + 4096]))
    path.write_bytes(raw)
