"""Locks of a store in a folder: locks of the file system, which end with the process that holds them.

``lock`` and ``lock-part-1-of-2`` are the locked files; ``holder`` beside each says who holds it, for people.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from imfuse_tiles.errors import Exists, Refusal
from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.processes import describe_process, store_in_use

#: Seconds after which a lock that nobody says to hold is not just being looked at.
PROBE_SECONDS = 20.0


class FolderLocks:
    """The locks of a store in a folder."""

    def __init__(self, files: Files) -> None:
        self.files, self.root = files, Path(files.root)

    @contextmanager
    def locked(self, name: str = "") -> Iterator[None]:
        with ExitStack() as lock:
            with self.files.refuse_if_unwritable():
                self._acquire(lock, name)
                for other in [""] if name else self._names():
                    with ExitStack() as probe:
                        self._acquire(probe, other)
                holder = self.root / f"holder{name}"
                holder.write_text(describe_process())
            lock.callback(holder.unlink, missing_ok=True)
            yield

    def is_locked(self, name: str) -> bool:
        with ExitStack() as probe:
            try:
                self._acquire(probe, name)
            except Exists:
                return True
        return False

    def _acquire(self, stack: ExitStack, name: str) -> None:
        """Take a lock until a stack is closed. A holder leaves its name; who only probes leaves none."""
        import filelock

        lock, end = filelock.FileLock(self.root / f"lock{name}"), time.monotonic() + PROBE_SECONDS
        try:
            while not lock.is_locked:
                try:
                    lock.acquire(timeout=0.2, poll_interval=0.01)
                except filelock.Timeout:
                    holder = _read_text(self.root / f"holder{name}")
                    if holder or time.monotonic() > end:
                        raise store_in_use(str(self.root), holder) from None
        except NotImplementedError:
            raise Refusal(f"the file system of {self.root} has no locks; name another place with --store") from None
        stack.callback(lock.release)

    def _names(self) -> list[str]:
        """The names of which there are locks."""
        return [path.name.removeprefix("lock") for path in self.root.glob("lock-*")]


def _read_text(path: Path) -> str:
    """A small file's text, empty when there is none."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
