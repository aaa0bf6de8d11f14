"""What a disk may hold after a crash, from the operations that a run asked for.

A killed program leaves all that it did, the last write perhaps in part. A power cut also loses what was not synced:
the content of a file unless the file was synced since, and a name unless its folder was. What of that is lost is
drawn at random, in two ways: as file systems with a journal have it (names are lost from some moment on, and syncing
any file syncs all names before), and as POSIX allows it (any name or write by itself).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

from benchmarks.attacks.recorded_writes import Operation

Loss = Literal["killed", "journaled", "any"]
FOLDER = 0
CONTENT = {"write", "cut"}
NAMES = {"create", "move", "remove", "make folder", "remove folder"}


@dataclass
class Disk:
    """Files by their names: numbers of files, and their contents by number. A folder is a name with number 0."""

    names: dict[str, int] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)

    def apply(self, operation: Operation) -> None:
        """Do what the operation did; nothing where it could not be done."""
        kind, path = operation.kind, operation.path
        if kind in CONTENT:
            before = self.contents.get(operation.file, b"").ljust(operation.at, b"\0")
            after = before[operation.at + len(operation.data) :] if kind == "write" else b""
            self.contents[operation.file] = before[: operation.at] + operation.data + after
        elif kind == "create" and self.has_folder(path):
            self.names[path] = operation.file
            self.contents.setdefault(operation.file, b"")
        elif kind == "move" and self.has_folder(operation.target):
            self.move(path, operation.target, operation.file)
        elif kind == "remove" and self.names.get(path, FOLDER) != FOLDER:
            del self.names[path]
        elif kind == "make folder" and path not in self.names and self.has_folder(path):
            self.names[path] = FOLDER
        elif kind == "remove folder" and not any(name.startswith(f"{path}/") for name in self.names):
            self.names.pop(path, None)

    def has_folder(self, path: str) -> bool:
        """Whether the folder of a name is there."""
        folder = os.path.dirname(path)
        return not folder or self.names.get(folder) == FOLDER

    def move(self, source: str, target: str, number: int) -> None:
        """Give a file another name, or a folder with all that is in it."""
        if number:
            self.names.pop(source, None)
            self.names[target] = number
            return
        for name in [name for name in self.names if f"{name}/".startswith(f"{source}/")]:
            self.names[target + name[len(source) :]] = self.names.pop(name)

    def write_to(self, root: Path) -> None:
        """Make a folder, which is empty, look so."""
        for name in sorted(self.names):
            if self.names[name] == FOLDER:
                (root / name).mkdir()
        for name, number in self.names.items():
            if number != FOLDER:
                (root / name).write_bytes(self.contents.get(number, b""))


def read_disk(root: Path) -> dict[str, bytes | None]:
    """All names in a folder with the contents of files, None for folders."""
    return {str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in root.rglob("*")}


def crash(before: Disk, operations: Sequence[Operation], count: int, loss: Loss, random: Random) -> Disk:
    """A disk after a crash behind the first ``count`` operations of a run that found it as ``before``."""
    disk, done = Disk(dict(before.names), dict(before.contents)), list(operations[:count])
    if loss == "killed":
        if count < len(operations) and operations[count].kind == "write":
            whole = operations[count]
            done.append(
                Operation("write", file=whole.file, at=whole.at, data=whole.data[: random.randrange(len(whole.data))])
            )
        for operation in done:
            disk.apply(operation)
        return disk
    safe = synced(done, loss)
    names = [n for n, operation in enumerate(done) if operation.kind in NAMES and n not in safe]
    lost = set(names[random.randrange(len(names) + 1) :] if loss == "journaled" else sample(names, random))
    damaged = set(
        sample([n for n, operation in enumerate(done) if operation.kind in CONTENT and n not in safe], random)
    )
    for n, operation in enumerate(done):
        if n in damaged:
            operation = torn(operation, random)
        if n not in lost:
            disk.apply(operation)
    return disk


def sample(numbers: Sequence[int], random: Random) -> list[int]:
    """Few, about half or most of some numbers; sometimes all."""
    share = random.choice([0.05, 0.5, 0.9, 1.0])
    return [number for number in numbers if random.random() < share]


def torn(operation: Operation, random: Random) -> Operation:
    """A write of which not all reached the disk: nothing but the length, a part, or zeros from some place on."""
    if operation.kind == "cut" or not operation.data:
        return operation
    way, size = random.choice(["zeros", "part", "tail", "nothing"]), len(operation.data)
    keep = random.randrange(size)
    data = {
        "zeros": bytes(size),
        "part": operation.data[:keep],
        "tail": operation.data[:keep] + bytes(size - keep),
        "nothing": b"",
    }[way]
    return Operation("write", file=operation.file, at=operation.at, data=data)


def synced(done: Sequence[Operation], loss: Loss) -> set[int]:
    """The numbers of the operations that no power cut undoes."""
    safe, files, folders, all_names = set[int](), set[int](), set[str](), False
    for n in range(len(done) - 1, -1, -1):
        operation = done[n]
        if operation.kind == "sync":
            files.add(operation.file)
        if operation.kind == "sync folder":
            folders.add("" if operation.path == "." else operation.path)
        all_names |= loss == "journaled" and operation.kind in ("sync", "sync folder")
        if operation.kind in CONTENT and operation.file in files:
            safe.add(n)
        if operation.kind in NAMES and (all_names or _folders(operation) <= folders):
            safe.add(n)
    return safe


def _folders(operation: Operation) -> set[str]:
    """The folders whose entries an operation changes."""
    return {os.path.dirname(path) for path in (operation.path, operation.target) if path}


def disk_of(names: Mapping[str, int], contents: Mapping[int, bytes], root: Path) -> Disk:
    """A disk of the files that a recorder found, with their folders."""
    folders = {str(path.relative_to(root)): FOLDER for path in root.rglob("*") if path.is_dir()}
    return Disk({**folders, **names}, dict(contents))
