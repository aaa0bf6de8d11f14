"""Locks of a store behind a URL: objects that only one can create, with numbers that only rise.

``locks/run.00000003`` is the third lock of a store, ``locks/run-part-1-of-2.00000001`` that of a part. The highest
number counts: it is the fencing token. Its holder renews it; a lock that nobody renews while another run watches is
dead, and whoever creates the next number has it. No clock of one machine is compared with that of another.

A holder that could not confirm its lock for a while confirms it before it writes, and stops when there is a higher
number. Whoever takes over a lock whose holder might wake up waits until no confirmation of it can still be valid. The
same goes for dead locks of other names that exclude its own: they get another number, too, which nobody holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from imfuse_tiles.storage.object_files import ObjectFiles
from imfuse_tiles.storage.object_lock import ObjectLock, holder_of, lock_names
from imfuse_tiles.storage.object_server import LockLost
from imfuse_tiles.storage.processes import store_in_use


class ObjectLocks:
    """The locks of a store behind a URL."""

    def __init__(self, files: ObjectFiles) -> None:
        self.files = files

    @contextmanager
    def locked(self, name: str = "") -> Iterator[None]:
        lock = ObjectLock(self.files, name)
        try:
            with self.files.refuse_if_unwritable():
                self._acquire(lock)
            yield
        finally:
            lock.release()

    def _acquire(self, lock: ObjectLock) -> None:
        """Take a lock, and see that nobody holds one that excludes it, nor wakes up and believes to."""
        try:
            lock.acquire()
            others = [""] if lock.name else [name for name in sorted(lock_names(self.files)) if name]
            for other in others:
                if holder := holder_of(self.files, other):
                    raise store_in_use(self.files.root, holder)
            lock.supersede(others)
        except LockLost as lost:
            raise store_in_use(self.files.root, lost.holder) from None

    @contextmanager
    def reading(self) -> Iterator[None]:
        holder = self.current_holder()
        if holder:
            raise store_in_use(self.files.root, holder)
        yield

    def current_holder(self) -> str:
        holders = (holder_of(self.files, name) for name in sorted(lock_names(self.files)))
        return next((holder for holder in holders if holder), "")

    def is_locked(self, name: str) -> bool:
        return holder_of(self.files, name) is not None
