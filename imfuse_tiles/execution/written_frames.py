"""Which aligned or prepared frames a folder holds already, by a note of what was written there and of what.

A command that was stopped goes on when it runs again: frames that it wrote of the same files by the same options stay.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from imfuse_tiles.execution.written_outputs import file_digest
from imfuse_tiles.imageio.writing.folder_target import Parts

#: One line of JSON for every file that was written; the last one of a file counts.
NOTES = ".imfuse-tiles-frames"


class WrittenFrames:
    """The notes of a folder. ``key``: what frames are made of, from now on."""

    def __init__(self, folder: Path, key: str) -> None:
        self._place, self._key, self._lock = folder / NOTES, key, Lock()
        self._known = _read(self._place)

    def holds(self, path: Path) -> bool:
        """Whether a file is the very one that was written of the same frames by the same options."""
        note = self._known.get(path.name)
        if note is None or note.get("key") != self._key or not path.is_file():
            return False
        return path.stat().st_size == note.get("size") and file_digest(path) == note.get("sha256")

    def record(self, path: Path, file: BinaryIO | Parts) -> None:
        """Note a complete file, open for reading, just before it becomes ``path``."""
        assert not isinstance(file, Sequence), "frames are files"
        file.seek(0)
        content = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        note = {"file": path.name, "key": self._key, "size": os.fstat(file.fileno()).st_size, "sha256": content}
        with self._lock, self._place.open("a", encoding="utf-8") as notes:
            notes.write("\n" + json.dumps(note))  # a line that a crash cut off stays alone


def _read(place: Path) -> dict[str, dict[str, Any]]:
    """Notes by the name of their file; none where there are none or what is there is nothing of the kind."""
    found: dict[str, dict[str, Any]] = {}
    try:
        lines = place.read_text(encoding="utf-8").splitlines() if place.is_file() else []
    except (OSError, ValueError):
        return found
    for line in lines:
        try:
            note = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(note, dict) and isinstance(note.get("file"), str):
            found[note["file"]] = note
    return found
