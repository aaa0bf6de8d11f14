"""Files that are complete or absent: written beside their place under another name, then moved there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from imfuse_tiles.errors import AlreadyExists, Refusal

try:
    import fcntl
except ImportError:  # not on Windows: what killed runs left behind then stays
    fcntl = None  # type: ignore[assignment]

Note = Callable[[Any], None]

_LONGEST_NAME = 200  # bytes; file systems allow 255, and the temporary name is longer than the final one


def check_place(path: Path, force: bool) -> None:
    """AlreadyExists if `path` is taken and `force` is not given; Refusal if no file can be there."""
    if path.is_dir():
        raise Refusal(f"{path}: is a directory; give the name of a file")
    check_parent(path)
    check_vacant(path, force)


def check_parent(path: Path) -> None:
    """Refusal if nothing can be written where `path` is to be."""
    if not path.parent.is_dir():
        raise Refusal(f"{path}: no such directory: {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise Refusal(f"{path}: the directory is not writable")


def check_folder(path: Path) -> None:
    """Refusal if `path` is no folder, and none can be made there, that can be written to."""
    place = path
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise Refusal(f"{path}: {place} is no directory")
    if not os.access(place, os.W_OK):
        raise Refusal(f"{path}: the directory {place.absolute()} is not writable")


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """A folder, made if need be, and taken away again where an error leaves nothing in it."""
    new = not os.path.lexists(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            if new:
                folder.rmdir()
        raise


def check_vacant(path: Path, force: bool) -> None:
    """AlreadyExists if `path` is taken and `force` is not given."""
    if not force and os.path.lexists(path):
        raise AlreadyExists(f"{path}: exists already; --force overwrites it")


@contextmanager
def complete_or_absent(path: Path, force: bool, note: Note | None = None) -> Iterator[BinaryIO]:
    """A new file, open for writing, that becomes `path` when the block ends well and vanishes otherwise.

    `note` is called with the complete file, still open, just before it becomes `path`: whoever is killed in between
    knows of a file that is not there, instead of finding one that nobody knows of.
    Raises like check_place, before and after writing. A full disk raises OSError and leaves nothing.
    """
    check_place(path, force)
    _remove_abandoned(path)
    temporary = path.with_name(f"{partial_stem(path)}{os.getpid()}")
    try:
        with translate_failed_seeks(path), temporary.open("w+b") as file:
            with suppress(OSError):  # some network file systems have no locks
                _lock(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
            check_place(path, force)
            if note:
                note(file)
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(place: Path, data: bytes | bytearray) -> None:
    """Write one of many small files in one step, and its folder where it is missing: no lock, no wait for the disk."""
    partial = place.with_name(f"{place.name}.part")
    try:
        partial.write_bytes(data)
    except FileNotFoundError:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
    os.replace(partial, place)


@contextmanager
def translate_failed_seeks(path: Path) -> Iterator[None]:
    """OSError (EIO) where a seek in a file fails: Python and tifffile only say that it is not seekable."""
    try:
        yield
    except ValueError as error:  # io.UnsupportedOperation is one, too
        if "seekable" not in str(error):
            raise
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path)) from error


def partial_stem(path: Path) -> str:
    """What the temporary names for `path` begin with. Names differ at their ends, so these are kept."""
    name = path.name
    while len(os.fsencode(name)) > _LONGEST_NAME:
        name = name[1:]
    return f".{name}.partial-"


def _remove_abandoned(path: Path) -> None:
    """Remove what killed runs left of the same file. A living run holds a lock, which a kill frees."""
    stem = partial_stem(path)
    for other in path.parent.iterdir() if fcntl else ():
        if other.name.startswith(stem) and other.is_file():
            with suppress(OSError), other.open("rb") as file:
                _lock(file)
                other.unlink()


def _lock(file: BinaryIO) -> None:
    """Lock the file until it is closed; OSError if another run holds it."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
