"""The journal of a stage: how its blocks are laid out, and one line for every completed block.

``journal/KEY`` begins with the layout. Lines follow it, or lie in files of the folder ``journal/KEY.d``: those of
the parts of a run that is spread over several programs, and all of them where files cannot be appended to. Every
line has its own checksum; what follows a torn one does not count.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.files import FilePart, Files
from imfuse_tiles.storage.numbers import number_file

Line = dict[str, Any]
#: Bytes of the longest journal that is read: that of some million blocks.
MOST_BYTES = 1 << 30


@frozen
class Journal:
    """What is recorded of one stage."""

    files: Files
    key: str

    @property
    def head(self) -> str:
        """The first file, which begins with the layout."""
        return f"journal/{self.key}"

    @property
    def parts_folder(self) -> str:
        """The folder of the lines that are not in the first file."""
        return f"{self.head}.d"

    def layout(self) -> Line | None:
        """How the blocks were laid out when the stage began, None when it never did."""
        return next(intact_lines(self._read(self.head)), None)

    def begin(self, layout: Line) -> None:
        """Start afresh: no block is completed, and the stage neither."""
        self.files.delete(number_file(self.key))
        self.files.delete(self.parts_folder)
        self.files.write(self.head, seal_line(layout))

    def forget(self) -> None:
        """Drop everything that is known of the stage."""
        self.files.delete(number_file(self.key))
        self.files.delete(self.head)
        self.files.delete(self.parts_folder)

    def completed_blocks(self) -> dict[str, Line]:
        """The completed blocks by name with what each reported; a line that says it was lost undoes it."""
        blocks: dict[str, Line] = {}
        head = intact_lines(self._read(self.head))
        if next(head, None) is not None:
            apply_lines(head, blocks)
            parts = [name for name, size in self.files.list_files(self.parts_folder) if size <= MOST_BYTES]
            for raw in self.files.read_parts([FilePart(name) for name in parts]):
                apply_lines(intact_lines(bytes(raw or b"")), blocks)
        return blocks

    def sizes(self) -> list[tuple[str, int]]:
        """The files with their bytes, which change with every line."""
        return [(self.head, self.files.size(self.head)), *self.files.list_files(self.parts_folder)]

    @contextmanager
    def appending(self, writer: str = "") -> Iterator[Callable[[Line], None]]:
        """A function that appends one line; a torn last line is cut off first.

        ``writer``: one of several at the same time, which has a file of its own. A single one first brings
        everything into the first file.
        """
        if not writer:
            self._gather()
        name = f"{self.parts_folder}/{writer}" if writer else self.head
        with self.files.appending(name, self._intact_bytes(name)) as append:
            yield lambda line: append(seal_line(line))

    def is_intact(self) -> bool:
        """Whether there is a layout and no line is torn."""
        names = [self.head, *(name for name, _ in self.files.list_files(self.parts_folder))]
        return self.layout() is not None and all(self._intact_bytes(name) == self.files.size(name) for name in names)

    def _gather(self) -> None:
        """Bring all lines into the first file. Killed in between, it has them twice, which means the same."""
        names = [name for name, _ in self.files.list_files(self.parts_folder)]
        if names:
            layout, blocks = self.layout(), self.completed_blocks()
            if layout is not None:
                self.files.write(self.head, b"".join(map(seal_line, [layout, *blocks.values()])))
            for name in names:
                self.files.delete(name)

    def _read(self, name: str) -> bytes:
        try:
            return self.files.read(name) if self.files.size(name) <= MOST_BYTES else b""
        except FileNotFoundError:
            return b""

    def _intact_bytes(self, name: str) -> int:
        """Bytes of a file before a torn line."""
        intact = 0
        for raw in self._read(name).splitlines(keepends=True):
            if open_line(raw) is None:
                break
            intact += len(raw)
        return intact


def intact_lines(raw: bytes) -> Iterator[Line]:
    """The lines of a file up to the first that is torn."""
    for line in raw.splitlines(keepends=True):
        content = open_line(line)
        if content is None:
            return
        yield content


def apply_lines(lines: Iterator[Line], blocks: dict[str, Line]) -> None:
    """Bring completed blocks up to date with lines, in their order."""
    for line in lines:
        if isinstance(line.get("lost"), str):
            blocks.pop(line["lost"], None)
        elif isinstance(line.get("block"), str):
            blocks[line["block"]] = line


def seal_line(line: Line) -> bytes:
    """A line with its checksum in front."""
    text = json.dumps(line, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def open_line(raw: bytes) -> Line | None:
    """A line's content, None when it is torn or altered."""
    if not raw.endswith(b"\n") or raw[8:9] != b" ":
        return None
    text = raw[9:-1]
    if b"%08x" % zlib.crc32(text) != raw[:8]:
        return None
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):  # no line that was written here
        return None
    return line if isinstance(line, dict) else None
