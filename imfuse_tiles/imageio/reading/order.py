"""The order of a stack when the shell only gives names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_NUMBER = re.compile(r"([0-9]+)")


def natural_order(paths: Iterable[str | Path]) -> list[Path]:
    """Paths sorted the way people count: img2 before img10, folder by folder, "img" before "img1".

    Runs of digits compare as numbers and everything else as text. Names that only differ in leading zeros
    are ordered as text, so the result does not depend on the order given.

    >>> [path.name for path in natural_order(["img10.tif", "img2.tif", "img.tif"])]
    ['img.tif', 'img2.tif', 'img10.tif']
    """
    return sorted((Path(path) for path in paths), key=_sort_key)


def _sort_key(path: Path) -> tuple[object, ...]:
    folders = tuple(_counted(part) for part in path.parent.parts)
    # The ending is compared after the stem: with "." in between, "img.tif" would come after "img1.tif".
    return folders, _counted(path.stem), _counted(path.suffix), str(path)


def _counted(name: str) -> tuple[str | int, ...]:
    """Text at even places and numbers at odd ones, ("img", 10, "b"), so that any two keys compare."""
    parts = _NUMBER.split(name)
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts))
