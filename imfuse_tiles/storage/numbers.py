"""Small results of a store, in ``numbers/KEY.json``: what a finished stage measured, and notes of runs and outputs."""

from __future__ import annotations

import json
import zlib
from typing import Any

from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.json_values import get_nested, read_json, write_json


@frozen
class Numbers:
    """JSON objects by key, each with its checksum. Those of a stage are there once the stage is complete."""

    files: Files

    def load(self, key: str) -> dict[str, Any] | None:
        """The numbers of a key, None while there are none or when they were altered."""
        return checked_numbers(read_json(self.files, number_file(key)))

    def save(self, key: str, numbers: dict[str, Any]) -> None:
        """Record numbers; of a stage: that it is complete."""
        write_json(self.files, number_file(key), {"crc32": _checksum(numbers), "numbers": numbers})

    def delete(self, key: str) -> None:
        """Remove numbers; of a stage: it is no longer complete."""
        self.files.delete(number_file(key))


def number_file(key: str) -> str:
    """The name of the file of a key."""
    return f"numbers/{key}.json"


def checked_numbers(content: Any) -> dict[str, Any] | None:
    """The numbers in the JSON value of a file, None when they were altered."""
    numbers = get_nested(content, "numbers")
    return numbers if isinstance(numbers, dict) and get_nested(content, "crc32") == _checksum(numbers) else None


def _checksum(numbers: dict[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(numbers, sort_keys=True).encode()):08x}"
