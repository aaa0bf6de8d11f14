"""Images grouped to stacks by their names, or by gaps in the time when they were taken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.metadata import Value
from imfuse_tiles.imageio.reading.camera_tags import read_tags

_EXIF_TIME, _EXIF_FRACTION, _MAIN_TIME = 36867, 37521, 306
_LAST_NUMBER = re.compile(r"(.*?)[ _.-]*\d+\D*$", re.DOTALL)


def group_by_name(images: Sequence[Path]) -> list[tuple[str, list[Path]]]:
    """Images whose names differ in their last number only."""
    groups: dict[str, list[Path]] = {}
    for path in images:
        stem = path.name if path.suffix[1:].isdecimal() else path.stem
        match = _LAST_NUMBER.fullmatch(stem)
        groups.setdefault(match[1] if match and match[1] else stem if not match else "stack", []).append(path)
    return list(groups.items())


def group_by_time(images: Sequence[Path], gap: float) -> list[tuple[str, list[Path]]]:
    """Images in the order of their times, cut where there is a longer gap; named after the first image of each."""
    times = {path: capture_time(path) for path in images}
    ordered = sorted(images, key=lambda path: times[path])  # of one time: by name, as they come
    groups = [[ordered[0]]]
    for before, path in pairwise(ordered):
        if times[path] - times[before] > gap:
            groups.append([])
        groups[-1].append(path)
    return [(group[0].stem, group) for group in groups]


def capture_time(path: Path) -> float:
    """When a picture was taken, as its camera says, else when its file was last changed; in seconds."""
    try:
        tags = read_tags(path)
        value = tags.exif.get(_EXIF_TIME) or tags.main.get(_MAIN_TIME)
        if value is not None:
            whole = datetime.strptime(_text(value), "%Y:%m:%d %H:%M:%S").timestamp()
            fraction = _text(tags.exif[_EXIF_FRACTION]) if _EXIF_FRACTION in tags.exif else "0"
            return whole + float(f"0.{fraction or 0}")
    except (Refusal, ValueError, OSError, UnicodeDecodeError):
        pass
    return path.stat().st_mtime


def _text(value: Value) -> str:
    return value.data.split(b"\0")[0].decode("ascii").strip()
