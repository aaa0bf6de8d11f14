"""Paths inside a store's folder: nothing leads outside, and what is no file is not read as one.

A store may come from somebody else. A link in it could make a run write or delete files anywhere, and a FIFO make it
wait for ever. So no folder on the way to a file and no file may be a link; where the store itself lies is free.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from imfuse_tiles.errors import Refusal

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_READ |= getattr(os, "O_BINARY", 0)


def is_name(name: str) -> bool:
    """Whether a file of a store may be called so: a name that damaged metadata have could lead out of the store."""
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        return False
    return name.isprintable() and len(name) < LONGEST_NAME


def check_name(name: str) -> None:
    """Refusal of a name that no file of a store has."""
    if not is_name(name):
        raise Refusal(f"{name[:100]!r} is no name of a file in a store; what names it was altered")


#: Characters that the names of files in a store have at most.
LONGEST_NAME = 1000


class NotAFile(FileNotFoundError):
    """There is something of this name that is no file: a folder, a FIFO, a device."""


def refuse_links(root: str, name: str) -> None:
    """Refusal when a folder on the way to the file ``name`` of the folder ``root``, or the file, is a link."""
    check_name(name)
    path = root
    for part in name.split("/"):
        path = f"{path}/{part}"
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISLNK(mode):
            raise Refusal(f"{path}: is a link, and a store has none: it could lead anywhere; remove it")


def open_to_read(path: str) -> int:
    """A descriptor of a file. FileNotFoundError when there is none; never waits for another program."""
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        if os.path.islink(path):
            raise Refusal(f"{path}: is a link, and a store has none: it could lead anywhere; remove it") from None
        if isinstance(error, IsADirectoryError | PermissionError) and os.path.isdir(path):
            raise NotAFile(path) from None
        if isinstance(error, NotADirectoryError) or error.errno == errno.ENXIO:  # a folder that is a file; a socket
            raise NotAFile(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile(path)
    return descriptor


def sync_folder(path: str) -> None:
    """Wait until the disk has the names of a folder's files."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_to_write(path: str, flags: int) -> int:
    """Open a file for writing, but none that a link leads to."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)


def file_size(path: str) -> int:
    """Bytes of a file, 0 when there is none or it is no file."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError as error:
        if error.errno == errno.ELOOP:  # a folder that links to itself
            return 0
        raise
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def foreign_entries(root: str) -> Iterator[str]:
    """What in a folder is neither file nor folder: ``NAME is a link``, ``NAME is no file``."""
    for folder, subfolders, names in os.walk(root):
        for name in sorted([*subfolders, *names]):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                kind = "a link" if stat.S_ISLNK(mode) else "no file"
                yield f"{os.path.relpath(path, root).replace(os.sep, '/')} is {kind}; a run neither reads nor writes it"
