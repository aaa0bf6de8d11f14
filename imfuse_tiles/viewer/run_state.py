"""What a store tells of its last run, for the page: options, command line, and how far it is."""

from __future__ import annotations

import shlex
from typing import Any

from imfuse_tiles.storage.inventory import current_writer
from imfuse_tiles.storage.run_note import RunNote, load_run_note
from imfuse_tiles.storage.store import Store


def describe_store(store: Store, name: str) -> dict[str, Any]:
    """The last run of a store: its images, options and command line, all as plain text."""
    note = load_run_note(store)
    width, height = note.size
    return {
        "name": name, "place": store.root, "options": note.options, "command": command_line(note),
        "images": list(note.images), "folder": note.folder,
        "run_folder": note.current_folder or note.folder, "width": width, "height": height,
        "exists": store.exists(),
    }  # fmt: skip


def command_line(note: RunNote) -> str:
    """The words that began a run as a shell takes them; from its options where it was begun in another way."""
    if note.command:
        return shlex.join(["imfuse-tiles", *note.command])
    if not note.options:
        return ""
    images = [f"{note.folder or '.'}/{image}" for image in note.images]
    return " ".join(["imfuse-tiles fuse", note.options, shlex.join(images)])


def describe_run(store: Store) -> dict[str, Any]:
    """How far the last run is: its stages with their blocks; ``writer``: who works on it now, empty: nobody."""
    note, stages = load_run_note(store), []
    for key in note.order:
        about = note.stages.get(key, {"name": "", "blocks": 0})
        blocks = about["blocks"]
        finished = store.numbers.load(key) is not None
        done = blocks if finished else len(store.journal(key).completed_blocks())
        stages.append({"name": about["name"], "blocks": blocks, "done": done, "finished": finished})
    return {"stages": stages, "writer": current_writer(store) if store.exists() else "",
            "began": note.began}  # fmt: skip
