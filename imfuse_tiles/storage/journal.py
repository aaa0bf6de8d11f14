"""The journal of a stage: how its blocks are laid out, and one line for every finished block.

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
from imfuse_tiles.storage.files import Files

Line = dict[str, Any]


@frozen
class Journal:
    """What is recorded of one stage."""

    files: Files
    key: str

    @property
    def head(self) -> str:
        return f"journal/{self.key}"

    @property
    def more(self) -> str:
        """The folder of the lines that are not in the first file."""
        return f"{self.head}.d"

    def layout(self) -> Line | None:
        """How the blocks were laid out when the stage began, None when it never did."""
        return next(lines(self.raw(self.head)), None)

    def begin(self, layout: Line) -> None:
        """Start afresh."""
        self.files.delete(self.more)
        self.files.write(self.head, sealed(layout))

    def forget(self) -> None:
        """Drop everything."""
        self.files.delete(self.head)
        self.files.delete(self.more)

    def done(self) -> dict[str, Line]:
        """The finished blocks with what each reported; a line that says it was lost undoes it."""
        found: dict[str, Line] = {}
        head = lines(self.raw(self.head))
        if next(head, None) is not None:
            apply(head, found)
            for raw in self.files.read_each([name for name, _ in self.files.names(self.more)]):
                apply(lines(bytes(raw or b"")), found)
        return found

    def sizes(self) -> list[tuple[str, int]]:
        """The files with their bytes."""
        return [(self.head, self.files.size(self.head)), *self.files.names(self.more)]

    def raw(self, name: str) -> bytes:
        try:
            return self.files.read(name)
        except FileNotFoundError:
            return b""

    @contextmanager
    def writing(self, writer: str = "") -> Iterator[Callable[[Line], None]]:
        """A function that appends one line; a torn last line is cut off first.

        ``writer``: one of several at the same time, which has a file of its own. A single one first brings
        everything into the first file.
        """
        if not writer:
            self.gather()
        name = f"{self.more}/{writer}" if writer else self.head
        with self.files.log(name, self.whole(name)) as add:
            yield lambda line: add(sealed(line))

    def gather(self) -> None:
        """Bring all lines into the first file. Killed in between, it has them twice, which means the same."""
        names = [name for name, _ in self.files.names(self.more)]
        if names:
            layout, done = self.layout(), self.done()
            if layout is not None:
                self.files.write(self.head, b"".join(map(sealed, [layout, *done.values()])))
            for name in names:
                self.files.delete(name)

    def sound(self) -> bool:
        """Whether there is a layout and no line is torn."""
        names = [self.head, *(name for name, _ in self.files.names(self.more))]
        return self.layout() is not None and all(self.whole(name) == self.files.size(name) for name in names)

    def whole(self, name: str) -> int:
        """Bytes of a file before a torn line."""
        good = 0
        for raw in self.raw(name).splitlines(keepends=True):
            if unsealed(raw) is None:
                break
            good += len(raw)
        return good


def lines(raw: bytes) -> Iterator[Line]:
    """The lines of a file up to the first that is torn."""
    for each in raw.splitlines(keepends=True):
        line = unsealed(each)
        if line is None:
            return
        yield line


def apply(lines: Iterator[Line], found: dict[str, Line]) -> None:
    """Follow lines in their order."""
    for line in lines:
        if "lost" in line:
            found.pop(line["lost"], None)
        elif isinstance(line.get("block"), str):
            found[line["block"]] = line


def sealed(line: Line) -> bytes:
    """A line with its checksum in front."""
    text = json.dumps(line, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def unsealed(raw: bytes) -> Line | None:
    """A line's content, None when it is torn or altered."""
    if not raw.endswith(b"\n") or raw[8:9] != b" ":
        return None
    text = raw[9:-1]
    if b"%08x" % zlib.crc32(text) != raw[:8]:
        return None
    return json.loads(text)
