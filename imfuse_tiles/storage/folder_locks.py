"""Locks of a store in a folder: locks of the file system, which end with the process that holds them.

``lock`` and ``lock-part-1-of-2`` are the locked files; ``holder`` beside each says who holds it, for people. Who only
reads takes no lock file and writes nothing: it shares the lock that is there, if its folder can be read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.inside import open_to_read, refuse_links
from imfuse_tiles.storage.processes import describe_process, store_in_use

try:
    import fcntl
except ImportError:  # not on Windows, where who reads looks at what holders say only
    fcntl = None  # type: ignore[assignment]

#: Seconds after which a lock that nobody says to hold is not just being looked at.
PROBE_SECONDS = 20.0
#: Characters of a holder's name that are shown.
NAME_LENGTH = 200


class FolderLocks:
    """The locks of a store in a folder."""

    def __init__(self, files: Files) -> None:
        self.files, self.root = files, Path(files.root)

    @contextmanager
    def locked(self, name: str = "") -> Iterator[None]:
        with ExitStack() as lock:
            with self.files.refuse_if_unwritable():
                self._acquire(lock, name)
                lock.callback((self.root / f"holder{name}").unlink, missing_ok=True)
                # Before it looks for others: two that looked for each other would both wait for the other's name.
                self.files.write(f"holder{name}", describe_process().encode())
                for other in [""] if name else self._names()[1:]:
                    with ExitStack() as probe:
                        self._acquire(probe, other)
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        with ExitStack() as shared:
            for name in self._names():
                if not self._share(shared, name):
                    raise store_in_use(str(self.root), self._holder(name))
            yield

    def is_locked(self, name: str) -> bool:
        with ExitStack() as probe:
            return not self._share(probe, name)

    def current_holder(self) -> str:
        for name in self._names():
            if self.is_locked(name):
                return self._holder(name) or "another run"
        return ""

    def _share(self, stack: ExitStack, name: str) -> bool:
        """Share a lock until a stack is closed, whether there is one or not; False when a writer holds it."""
        if fcntl is None:
            return not self._holder(name)
        try:
            refuse_links(str(self.root), f"lock{name}")
            descriptor = open_to_read(str(self.root / f"lock{name}"))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return True
        stack.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system that has none for who only reads
            return not self._holder(name)
        return True

    def _acquire(self, stack: ExitStack, name: str) -> None:
        """Take a lock until a stack is closed. A holder leaves its name; who only probes leaves none."""
        import filelock

        refuse_links(str(self.root), f"lock{name}")
        lock, end = filelock.FileLock(self.root / f"lock{name}"), time.monotonic() + PROBE_SECONDS
        try:
            while not lock.is_locked:
                try:
                    lock.acquire(timeout=0.2, poll_interval=0.01)
                except filelock.Timeout:
                    holder = self._holder(name)
                    if holder or time.monotonic() > end:
                        raise store_in_use(str(self.root), holder) from None
        except NotImplementedError:
            raise Refusal(f"the file system of {self.root} has no locks; name another place with --store") from None
        stack.callback(lock.release)

    def _names(self) -> list[str]:
        """The names of which there may be locks, the whole run's first."""
        return ["", *sorted(path.name.removeprefix("lock") for path in self.root.glob("lock-*"))]

    def _holder(self, name: str) -> str:
        """Who says to hold a lock, empty when nobody does."""
        with suppress(OSError, Refusal):
            return self.files.read(f"holder{name}")[:NAME_LENGTH].decode(errors="replace").strip()
        return ""
