"""JSON values in a store's files, and looking into what may be no such value at all."""

from __future__ import annotations

import json
from typing import Any

from imfuse_tiles.storage.files import Files


def read_json(files: Files, name: str) -> Any:
    """The value in a file, None when the file is lost or not JSON."""
    try:
        return json.loads(files.read(name))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None


def write_json(files: Files, name: str, value: Any) -> None:
    """Put a value in place of what was in a file."""
    files.write(name, json.dumps(value).encode())


def get_nested(value: Any, *names: str) -> Any:
    """What lies in nested JSON objects, None when a name is missing or not an object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
