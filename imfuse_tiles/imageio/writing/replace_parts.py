"""The parts of a result put in place of those of an earlier one; what a kill stops half way is undone the next time.

The earlier parts lie beside their places, hidden, until all new ones are in theirs. The last part of a result tells of
the others, so that the result is the new one as soon as that is in its place.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from imfuse_tiles.errors import AlreadyExists
from imfuse_tiles.storage.only_writer import only_writer


def replace_parts(parts: Sequence[tuple[Path, Path]]) -> None:
    """Move new parts, (part, place) each, to their places; what was there is removed afterwards."""
    if not any(place.is_dir() for _, place in parts):
        for new, place in parts:
            os.replace(new, place)
        return
    folder = next(place for _, place in parts if place.is_dir())
    with locked(folder, folder):  # by which others know that this is not left behind
        for _, place in reversed(parts):
            if place.exists():
                os.replace(place, place.with_name(f"{_stem(place)}{os.getpid()}"))
        for new, place in parts:
            os.replace(new, place)
        _remove_replaced([place for _, place in parts])


def restore_replaced(places: Sequence[Path]) -> None:
    """Put back what a killed run was replacing at some places, or remove it where the new result is complete."""
    replaced = [old for place in places for old in _replaced(place)]
    if not replaced or any(_is_in_use(old) for old in replaced):
        return
    if not os.path.lexists(places[-1]):
        for place in places:
            if olds := _replaced(place):
                shutil.rmtree(place, ignore_errors=True)  # new, of a result that is not complete
                os.replace(olds[-1], place)
    _remove_replaced(places)


def _stem(place: Path) -> str:
    return f".{place.name}.old-"


def _replaced(place: Path) -> list[Path]:
    """What lies beside a place because it was to be replaced, the latest last."""
    name = re.compile(re.escape(_stem(place)) + r"\d+")
    found = [other for other in place.parent.iterdir() if name.fullmatch(other.name) and not other.is_symlink()]
    return sorted(found, key=lambda path: path.lstat().st_ctime_ns)


def _remove_replaced(places: Sequence[Path]) -> None:
    """Remove what was replaced, what tells of the rest first."""
    for place in reversed(places):
        for old in _replaced(place):
            if old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.unlink(missing_ok=True)


def _is_in_use(folder: Path) -> bool:
    """Whether a run is replacing a folder now."""
    try:
        with locked(folder, folder):
            return False
    except AlreadyExists:
        return True


def locked(folder: Path, path: Path) -> AbstractContextManager[None]:
    """Be the only one who writes into a folder; AlreadyExists if another run does."""
    return only_writer(folder, f"{path}: another run writes it now")
