"""One lock of a store behind a URL; see ``object_locks`` for how it works."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psutil

from imfuse_tiles.storage.object_files import ObjectFiles, object_path
from imfuse_tiles.storage.object_server import LockLost
from imfuse_tiles.storage.processes import describe_process, store_in_use

#: Seconds between two renewals of a lock.
RENEW_SECONDS = 5.0
#: Seconds that a holder may write after it confirmed its lock: less than another must watch it to take it for dead.
VALID_SECONDS = 12.0
#: Seconds for which a lock must not change while it is watched to be dead.
WATCH_SECONDS = 20.0
#: Seconds of age by the clocks of both machines up to which a lock is taken for alive without watching it.
FRESH_SECONDS = 60.0


class ObjectLock:
    """An object that says who holds a store, renewed while the holder lives."""

    def __init__(self, files: ObjectFiles, name: str) -> None:
        self.files, self.name, self.token = files, name, uuid.uuid4().hex
        self.number, self.renewals, self.confirmed = 0, 0, 0.0
        self.end, self.guard = threading.Event(), threading.Lock()
        self.thread = threading.Thread(target=self._renew_regularly, daemon=True)

    def acquire(self) -> None:
        """Take the lock. AlreadyExists naming the holder when there is one."""
        newest, holder, watched = newest_number(self.files, self.name), holder_of(self.files, self.name), False
        if holder:
            raise store_in_use(self.files.root, holder)
        if newest:
            watched = may_wake_up(read_lock(self.files, self.name, newest))
        self.number, self.confirmed = newest + 1, time.monotonic()
        if not self._create() or not self._is_newest():
            raise store_in_use(self.files.root, holder_of(self.files, self.name) or "")
        if watched:
            time.sleep(VALID_SECONDS)
            self._confirm()
        for number in lock_names(self.files).get(self.name, ()):
            if number < self.number:
                self.files.delete(lock_file(self.name, number))
        self.files.fences.append(self.check)
        self.thread.start()

    def check(self) -> None:
        """LockLost when another has taken this lock over; asked before every write."""
        while time.monotonic() - self.confirmed > VALID_SECONDS:  # confirming may take longer than it is valid
            self._confirm()

    def supersede(self, names: Iterable[str]) -> None:
        """Take dead locks of other names that exclude this one from their holders, should they wake up.

        AlreadyExists when another did something with one of them meanwhile. The lock is held.
        """
        taken = [self._take_from_dead(name) for name in names]
        if any(wait for _, wait in taken):
            time.sleep(VALID_SECONDS)
            self._confirm()
        for place, _ in taken:
            if place:
                self.files.system.pipe_file(place, self.content(released=True))

    def _take_from_dead(self, name: str) -> tuple[str, bool]:
        """The object put in place of a dead lock, empty if none was needed; whether its holder may still write."""
        number = newest_number(self.files, name)
        lock = read_lock(self.files, name, number)
        if lock is None or (lock.get("released") and not lock.get("taken")):
            return "", False
        place, wait = object_path(self.files.base, lock_file(name, number + 1)), may_wake_up(lock)
        try:
            self.files.system.pipe_file(place, self.content(released=True, taken=True), mode="create")
        except FileExistsError:
            raise store_in_use(self.files.root, holder_of(self.files, name) or "") from None
        return place, wait

    def release(self) -> None:
        """Give the lock back, unless it was lost or its store is gone."""
        self.end.set()
        if self.thread.is_alive():
            self.thread.join()
        if self.check in self.files.fences:
            self.files.fences.remove(self.check)
        with suppress(Exception):
            if self._is_ours() and self._is_newest():
                self._write(released=True)

    def content(self, released: bool = False, taken: bool = False) -> bytes:
        """What the object says now. ``taken``: nobody's, but the holder before may still believe to have it."""
        holder = {"holder": describe_process(), "host": socket.gethostname(), "pid": os.getpid()}
        state = {"token": self.token, "at": time.time(), "renewals": self.renewals}
        return json.dumps({**holder, **state, "released": released, "taken": taken}).encode()

    def _create(self) -> bool:
        """Whether the object was made by us, which only one can do."""
        try:
            place = object_path(self.files.base, lock_file(self.name, self.number))
            self.files.system.pipe_file(place, self.content(), mode="create")
        except FileExistsError:
            return False
        return True

    def _write(self, released: bool = False) -> None:
        self.files.system.pipe_file(
            object_path(self.files.base, lock_file(self.name, self.number)), self.content(released)
        )

    def _confirm(self) -> None:
        """Renew the lock and see that no other was created meanwhile."""
        with self.guard:
            start = time.monotonic()
            if not self._is_ours() or not self._is_newest():
                raise LockLost(self.files.root, holder_of(self.files, self.name) or "another run")
            self.renewals += 1
            self._write()
            if not self._is_newest():
                raise LockLost(self.files.root, holder_of(self.files, self.name) or "another run")
            self.confirmed = start

    def _is_ours(self) -> bool:
        return (read_lock(self.files, self.name, self.number) or {}).get("token") == self.token

    def _is_newest(self) -> bool:
        return newest_number(self.files, self.name) == self.number

    def _renew_regularly(self) -> None:
        while not self.end.wait(RENEW_SECONDS):
            with suppress(Exception):  # the next time may go better; before it writes, a holder asks itself
                self._confirm()


def lock_file(name: str, number: int) -> str:
    """The object of a lock by its number; 0 is that of versions that had no numbers."""
    return f"locks/run{name}.{number:08d}" if number else f"locks/run{name}"


def lock_names(files: ObjectFiles) -> dict[str, list[int]]:
    """The names of all locks there have been, with the numbers that are there."""
    names: dict[str, list[int]] = {}
    for path, _ in files.list_files("locks"):
        name, _, number = path.removeprefix("locks/run").partition(".")
        if path.startswith("locks/run") and (number.isdigit() or not number):
            names.setdefault(name, []).append(int(number or 0))
    return names


def newest_number(files: ObjectFiles, name: str) -> int:
    """The highest number of a lock, 0 when it never had one."""
    return max(lock_names(files).get(name, ()), default=0)


def read_lock(files: ObjectFiles, name: str, number: int) -> dict[str, Any] | None:
    """What a lock says, None when it is not there."""
    try:
        lock = json.loads(files.read(lock_file(name, number)))
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return lock if isinstance(lock, dict) else None


def holder_of(files: ObjectFiles, name: str) -> str | None:
    """Who holds a lock, None when nobody does. Watches for a while a lock whose age no clock can tell."""
    number = newest_number(files, name)
    lock = read_lock(files, name, number)
    if lock is None or lock.get("released") or _has_ended(lock):
        return None
    end = time.monotonic() + WATCH_SECONDS
    while abs(time.time() - float(lock.get("at", 0))) > FRESH_SECONDS:
        if time.monotonic() > end:
            return None
        time.sleep(WATCH_SECONDS / 20)
        now = read_lock(files, name, number)
        if now != lock:
            return None if now is None or now.get("released") else str(now.get("holder"))
    return str(lock.get("holder"))


def may_wake_up(lock: dict[str, Any] | None) -> bool:
    """Whether a lock that nobody holds any more may have had a holder that believes to have it still."""
    if lock is None or (lock.get("released") and not lock.get("taken")):
        return False
    return bool(lock.get("taken")) or not _has_ended(lock)


def _has_ended(lock: dict[str, Any]) -> bool:
    """Whether the holder is a process of this machine that is gone."""
    return lock.get("host") == socket.gethostname() and not psutil.pid_exists(int(lock.get("pid", 0)))
