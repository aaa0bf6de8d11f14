"""Why an option has no contender, or may take longer than it."""

from __future__ import annotations

from imfuse_tiles.spec import Op

NOTES: dict[str, str] = {
    "cutbg": "no arithmetic of its own",
    "cutless": "part of the montage's own loop",
}


def note(op: Op) -> str:
    return NOTES.get(op.name, "")
