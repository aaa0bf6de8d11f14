"""What a store tells of its last run, for the page: options, command line, and how far it is."""

from __future__ import annotations

import shlex
from typing import Any

from imfuse_tiles.storage.inventory import NOTE, current_writer
from imfuse_tiles.storage.store import Store


def describe_store(store: Store, name: str) -> dict[str, Any]:
    """The last run of a store: its images, options and command line, all as plain text."""
    note = store.numbers.load(NOTE) or {}
    width, height = (*note.get("size", ()), 0, 0)[:2]
    return {
        "name": name, "place": store.root, "options": str(note.get("options", "")), "command": command_line(note),
        "images": [str(image) for image in note.get("images", ())], "folder": str(note.get("folder", "")),
        "width": width, "height": height,
    }  # fmt: skip


def command_line(note: dict[str, Any]) -> str:
    """The words that began a run as a shell takes them; from its options where it was begun in another way."""
    words = note.get("command")
    if isinstance(words, list) and words:
        return shlex.join(["imfuse-tiles", *map(str, words)])
    if not note.get("options"):
        return ""
    images = [f"{note.get('folder', '.')}/{image}" for image in note.get("images", ())]
    return " ".join(["imfuse-tiles fuse", str(note.get("options", "")), shlex.join(images)])


def describe_run(store: Store) -> dict[str, Any]:
    """How far the last run is: its stages with their blocks; ``writer``: who works on it now, empty: nobody."""
    note, stages = store.numbers.load(NOTE) or {}, []
    for key in note.get("order", ()):
        about = note.get("stages", {}).get(key, {})
        blocks = int(about.get("blocks", 0))
        finished = store.numbers.load(key) is not None
        done = blocks if finished else len(store.journal(key).completed_blocks())
        stages.append({"name": str(about.get("name", "")), "blocks": blocks, "done": done, "finished": finished})
    return {"stages": stages, "writer": current_writer(store) if store.exists() else "",
            "began": note.get("began", 0.0)}  # fmt: skip
