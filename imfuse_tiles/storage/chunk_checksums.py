"""Checksums of chunks in the journal: what was written behind the back of the program that records blocks shows.

A chunk carries its own checksum, which any writer gets right: a worker of a killed run that wakes up later, too. So
the journal's line of a block has the checksums of the chunks that the block wrote, and a reader compares them::

    "crc": {"mask/KEY": [[[0, 1], [2, 4], [2, 4]], "0123456789abcdef..."]}

the box of the grid of chunks, and eight hexadecimal digits (little-endian) for each chunk of it in C order. Lines of
earlier versions have none, and their chunks are only checked against themselves.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.journal import Journal, Line

#: Arrays of which a process remembers the checksums.
REMEMBERED = 64


class ArrayId(NamedTuple):
    """What an array's checksums belong to: its path, and the layout and grid of chunks that it has now.

    A plain tuple, because it is looked up for every chunk that is read.
    """

    root: str
    key: str
    path: str
    layout: str
    grid: tuple[int, ...]


def encode_checksums(checksums: Mapping[tuple[int, ...], int]) -> list[Any]:
    """The checksums of the chunks of a box, by their indices, as a journal's line has them."""
    indices = np.array(sorted(checksums))
    box = [[int(low), int(high) + 1] for low, high in zip(indices.min(0), indices.max(0), strict=True)]
    if np.prod([stop - start for start, stop in box]) != len(indices):
        raise ValueError("the chunks of a block are no box of the grid of chunks")
    return [box, np.array([checksums[tuple(index)] for index in indices.tolist()], "<u4").tobytes().hex()]


class Table:
    """The checksums that the journal of an array's stage records."""

    def __init__(self, files: Files, array: ArrayId) -> None:
        self.journal, self.array = Journal(files, array.key), array
        self.guard = Lock()
        self.sizes: Any = None
        self.crcs = np.zeros(array.grid, np.uint32)
        self.known = np.zeros(array.grid, bool)
        self.load_if_changed()

    def get(self, index: tuple[int, ...]) -> int | None:
        """The checksum of a chunk, None when no line has one."""
        return int(self.crcs[index]) if self.known[index] else None

    def load_if_changed(self) -> bool:
        """Read the journal if it has changed since; whether it had."""
        with self.guard:
            sizes = self.journal.sizes()
            if sizes == self.sizes:
                return False
            self.known = np.zeros(self.array.grid, bool)
            self._fill(self.journal.completed_blocks().values())
            self.sizes = sizes
            return True

    def _fill(self, lines: Iterable[Line]) -> None:
        crcs, known = self.crcs, self.known
        for line in lines:
            with suppress(KeyError, TypeError, ValueError, AttributeError, IndexError):  # of a line not written here
                ranges, digits = line["crc"][self.array.path]
                box = tuple(slice(start, stop) for start, stop in ranges)
                crcs[box] = np.frombuffer(bytes.fromhex(digits), "<u4").reshape(crcs[box].shape)
                known[box] = True


_tables: OrderedDict[ArrayId, Table] = OrderedDict()
_guard = Lock()


def is_recorded(files: Files, array: ArrayId, index: tuple[int, ...], crc: int) -> bool:
    """Whether a chunk with this checksum is the one that was recorded; true when none was."""
    table = _table(files, array)
    recorded = table.get(index)
    if recorded != crc and table.load_if_changed():
        recorded = table.get(index)
    return recorded in (None, crc)


def _table(files: Files, array: ArrayId) -> Table:
    with _guard:
        if table := _tables.get(array):
            _tables.move_to_end(array)
            return table
    table = Table(files, array)
    with _guard:
        _tables[array] = table
        while len(_tables) > REMEMBERED:
            _tables.popitem(last=False)
    return table
