"""Where the bytes of a store lie: whole files by their names, in a folder of this machine or behind a URL.

A name is relative to the store and written with slashes. What is written is there completely or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

Bytes = bytes | memoryview


class FilePart(NamedTuple):
    """So many bytes from a place of a file, which should have ``size`` bytes in all; by its name alone, all of it."""

    name: str
    start: int = 0
    length: int = 0
    size: int = 0


class Files(Protocol):
    """What a store asks of the place it lies in.

    ``durable``: whether this process waits after every write until a power cut cannot undo it. A server does anyway.
    """

    root: str
    durable: bool

    def check_reachable(self) -> None:
        """Refusal, within seconds, when the place does not answer."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def is_vacant(self) -> bool:
        """Whether a store may begin here: nothing is there, or what a run leaves that has only just begun."""

    def read(self, name: str) -> bytes:
        """A whole file; FileNotFoundError when there is none."""

    def read_parts(self, parts: Sequence[FilePart], fresh: bool = False) -> Iterator[Bytes | None]:
        """Parts of files one after the other, those of a file together; None of a file that is not there. Read ahead
        where that saves time.

        A buffer that is yielded may be overwritten when the next one is asked for, unless they are to be ``fresh``. Of
        a file that is known to have another size only so much is yielded that it cannot be taken for the part.
        """

    def write(self, name: str, *parts: Bytes) -> None:
        """Put a file in place of what was there."""

    def size(self, name: str) -> int:
        """Bytes of a file, 0 when there is none."""

    def sizes(self, under: str) -> Callable[[str], int]:
        """The function ``size`` for many files under a folder."""

    def list_files(self, under: str = "") -> Iterator[tuple[str, int]]:
        """Every file under a folder with its bytes, in the order of their names."""

    def delete(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing happens when there is none."""

    def appending(self, name: str, keep: int) -> AbstractContextManager[Callable[[bytes], None]]:
        """A function that adds whole lines to a log, so that they outlive this program's death.

        In a folder: to the file ``name``, cut to its first ``keep`` bytes. Behind a URL, where nothing can be
        appended to: as new files in the folder ``name.d``, whose names follow each other.
        """

    def refuse_if_unwritable(self) -> AbstractContextManager[None]:
        """Turns what the place says to a write that it does not allow into a Refusal."""


class Locks(Protocol):
    """Who writes to a store. A killed writer's lock is free again, at once in a folder, soon behind a URL.

    The name of a lock is empty for the only writer of a store, or begins with a dash for one of several writers
    that know of each other. Whoever takes a lock looks for the others afterwards, so that two never both go on.
    """

    def locked(self, name: str = "") -> AbstractContextManager[None]:
        """Be the only writer of this name.

        Raises AlreadyExists (exit 3) naming the holder when there is one, Refusal when nobody can write.
        """

    def reading(self) -> AbstractContextManager[None]:
        """Have no writer while reading, and write nothing for it. AlreadyExists naming the holder when there is one."""

    def current_holder(self) -> str:
        """Who holds any of the locks, empty when nobody does. Writes nothing."""

    def is_locked(self, name: str) -> bool:
        """Whether somebody holds the lock of this name."""
