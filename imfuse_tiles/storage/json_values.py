"""JSON values in a store's files, and looking into what may be no such value at all."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.files import Files

#: A number that is not smaller is none that was measured; so is one that is not a number.
LARGEST = 1e300
#: Bytes of the longest file that is read as JSON; the note of a run with a million images has less.
MOST_BYTES = 256 << 20


def read_json(files: Files, name: str) -> Any:
    """The value in a file, None when the file is lost or not JSON."""
    content = read_small_file(files, name)
    return None if content is None else parse_json(content)


def read_small_file(files: Files, name: str) -> bytes | None:
    """The content of a file that may hold JSON, None when it is lost or too long for that."""
    try:
        return files.read(name) if files.size(name) <= MOST_BYTES else None
    except (FileNotFoundError, NotADirectoryError):
        return None


def parse_json(content: bytes) -> Any:
    """The value of a text, None when it is not JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def load_json(path: Path) -> Any:
    """The value in a file that the user names. Refusal for what cannot be read; ValueError for what is no JSON."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # to read a FIFO would wait for its writer
            raise Refusal(f"{path}: is not a regular file")
        if about.st_size > MOST_BYTES:
            raise Refusal(f"{path}: has more than {MOST_BYTES} bytes")
        return json.loads(path.read_text())
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror or error}") from None
    except RecursionError as error:
        raise ValueError(str(error)) from None


def write_json(files: Files, name: str, value: Any) -> None:
    """Put a value in place of what was in a file."""
    files.write(name, json.dumps(value).encode())


def get_nested(value: Any, *names: str) -> Any:
    """What lies in nested JSON objects, None when a name is missing or not an object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def matches(value: Any, pattern: Any) -> bool:
    """Whether a JSON value is what its reader reckons with: a store may be of anybody's making.

    ``pattern``: ``float`` for a finite number, ``int`` for one that fits 64 bits, ``str``, ``bool``, None for null;
    ``[pattern]`` for a list of such values, a dict for an object with at least these names, a tuple for any of several.
    """
    if isinstance(pattern, tuple):
        return any(matches(value, one) for one in pattern)
    if isinstance(pattern, list):
        return isinstance(value, list) and all(matches(item, pattern[0]) for item in value)
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and matches(value[name], one) for name, one in pattern.items()
        )
    if pattern is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
    if pattern is int:
        return type(value) is int and abs(value) < 2**63
    return value is None if pattern is None else type(value) is pattern


def get_matching(value: Any, pattern: Any, default: Any, *names: str) -> Any:
    """What lies in nested JSON objects if it matches a pattern, else a default."""
    found = get_nested(value, *names)
    return found if matches(found, pattern) else default
