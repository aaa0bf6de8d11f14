"""What a run does to the files below a folder, recorded as a row of operations.

Python's audit events tell of every file that is opened, renamed or removed before that is done. At each of them the
files that were opened for writing are read again: what has changed since is a write, whoever made it. So the record
is complete as to content, and a test replays it and compares.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["create", "write", "cut", "sync", "move", "remove", "make folder", "remove folder", "sync folder"]
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}


@dataclass(frozen=True)
class Operation:
    """One change. ``file``: a number that stays with a file whatever its name; ``target``: the name after a move."""

    kind: Kind
    path: str = ""
    target: str = ""
    file: int = 0
    at: int = 0
    data: bytes = b""


class Recorder:
    """Keeps the operations below a folder; names are relative to it.

    ``names``, ``contents``: the files that were there at first, by their numbers.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.operations = str(root), list[Operation]()
        self.guard, self.active, self.busy, self.opened = threading.RLock(), True, threading.local(), list[str]()
        #: Of each file, by its inode: its number, and its content at the last look.
        self.files: dict[int, tuple[int, bytes]] = {}
        self.descriptors: dict[int, int] = {}
        self.names: dict[str, int] = {}
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            name = str(path.relative_to(root))
            self._adopt(name)
            self.names[name] = self.number(name)
        self.observe()
        self.contents, self.operations = dict(self.files.values()), []

    def name(self, path: Any, folder: int = -1) -> str | None:
        """A path as a name below the folder, None outside of it."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        text = os.fsdecode(path)
        if not os.path.isabs(text):
            text = os.path.join(os.readlink(f"/proc/self/fd/{folder}") if folder >= 0 else os.getcwd(), text)
        return os.path.relpath(text, self.root) if text.startswith(self.root + "/") else None

    def observe(self) -> None:
        """Note files that came into being and what was written since the last look."""
        for name in self.opened:
            self._adopt(name)
        self.opened.clear()
        for inode, descriptor in list(self.descriptors.items()):
            number, before = self.files[inode]
            now = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            if now == before:
                continue
            if len(now) < len(before):
                self.operations.append(Operation("cut", file=number, at=len(now)))
                before = before[: len(now)]
            start = next((n for n, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), len(before))
            if now[start:]:
                self.operations.append(Operation("write", file=number, at=start, data=now[start:]))
            self.files[inode] = number, now

    def _adopt(self, name: str) -> None:
        """Watch a file that was opened for writing."""
        try:
            descriptor = os.open(os.path.join(self.root, name), os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return
        inode = os.fstat(descriptor).st_ino
        if inode in self.descriptors or not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return
        self.descriptors[inode] = descriptor  # open, so that the number is not given to another file
        if inode not in self.files:
            self.files[inode] = len(self.files) + 1, b""
            self.operations.append(Operation("create", name, file=self.files[inode][0]))

    def number(self, name: str) -> int:
        """The number of the file of a name, 0 of a folder or of one that was there before."""
        try:
            return self.files.get(os.lstat(os.path.join(self.root, name)).st_ino, (0, b""))[0]
        except OSError:
            return 0

    def hook(self, event: str, about: tuple[Any, ...]) -> None:
        """An audit event of this process."""
        if event in EVENTS and self.active and not getattr(self.busy, "now", False):
            with self.alone():
                self._event(event, about)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Record in one thread at a time, and nothing of what recording itself does."""
        with self.guard:
            self.busy.now = True
            try:
                yield
            finally:
                self.busy.now = False

    def _event(self, event: str, about: tuple[Any, ...]) -> None:
        if event == "os.rename":
            source, target = self.name(about[0], about[2]), self.name(about[1], about[3])
            if source and target and os.path.lexists(os.path.join(self.root, source)):
                self.observe()
                self.operations.append(Operation("move", source, target, self.number(source)))
            return
        name = self.name(about[0], about[-1] if event in ("os.remove", "os.mkdir", "os.rmdir") else -1)
        if name is None:
            return
        self.observe()
        if event == "open" and about[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            self.opened.append(name)
        elif event == "os.remove":
            self.operations.append(Operation("remove", name, file=self.number(name)))
        elif event == "os.mkdir":
            self.operations.append(Operation("make folder", name))
        elif event == "os.rmdir":
            self.operations.append(Operation("remove folder", name))

    def sync(self, real: Callable[[int], None], descriptor: int) -> None:
        """``os.fsync``, recorded once it is done."""
        real(descriptor)
        with self.alone():
            name = self.name(os.readlink(f"/proc/self/fd/{descriptor}") + "/")
            if name is not None:
                self.observe()
                folder = os.path.isdir(os.path.join(self.root, name))
                number = self.files.get(os.fstat(descriptor).st_ino, (0, b""))[0]
                self.operations.append(Operation("sync folder", name) if folder else Operation("sync", file=number))


@contextmanager
def recorded(root: Path) -> Iterator[Recorder]:
    """Record the operations below a folder while this lasts. Once in a process: its audit hook stays."""
    recorder, real = Recorder(root), os.fsync
    sys.addaudithook(recorder.hook)
    os.fsync = lambda descriptor: recorder.sync(
        real, descriptor if isinstance(descriptor, int) else descriptor.fileno()
    )
    try:
        yield recorder
    finally:
        os.fsync, recorder.active = real, False
        recorder.observe()
