"""Paths inside a store's folder: nothing leads outside, and what is no file is not read as one.

A store may come from somebody else. A link in it could make a run write or delete files anywhere, and a FIFO make it
wait for ever. So no folder on the way to a file and no file may be a link; where the store itself lies is free.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from imfuse_tiles.errors import Refusal

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_READ |= getattr(os, "O_BINARY", 0)


class NotAFile(FileNotFoundError):
    """There is something of this name that is no file: a folder, a FIFO, a device."""


def refuse_links(root: str, name: str) -> None:
    """Refusal when a folder on the way to the file ``name`` of the folder ``root``, or the file, is a link."""
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
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile(path)
    return descriptor


def file_size(path: str) -> int:
    """Bytes of a file, 0 when there is none or it is no file."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return 0
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
