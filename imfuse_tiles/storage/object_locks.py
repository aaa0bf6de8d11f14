"""Locks of a store behind a URL: an object that its holder renews; a killed holder's is free after a minute."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psutil

from imfuse_tiles.storage.object_files import ObjectFiles
from imfuse_tiles.storage.processes import describe_process, store_in_use

#: Seconds between two renewals of a lock, and after which a lock is dead.
RENEW_SECONDS, EXPIRE_SECONDS = 15.0, 60.0


class ObjectLocks:
    """The locks of a store behind a URL."""

    def __init__(self, files: ObjectFiles) -> None:
        self.files = files

    @contextmanager
    def locked(self, name: str = "") -> Iterator[None]:
        with ExitStack() as stack:
            with self.files.refuse_if_unwritable():
                stack.enter_context(ObjectLock(self.files, f"locks/run{name}"))
                for other in ["locks/run"] if name else [path for path, _ in self.files.list_files("locks")]:
                    lock = read_lock(self.files, other)
                    if lock and other != f"locks/run{name}":
                        raise store_in_use(self.files.root, lock["holder"])
            yield

    def is_locked(self, name: str) -> bool:
        return read_lock(self.files, f"locks/run{name}") is not None


def read_lock(files: ObjectFiles, name: str) -> dict[str, Any] | None:
    """What a lock that is alive says."""
    try:
        lock = json.loads(files.read(name))
    except (FileNotFoundError, ValueError):
        return None
    dead = lock["host"] == socket.gethostname() and not psutil.pid_exists(lock["pid"])
    return None if dead or abs(time.time() - lock["at"]) > EXPIRE_SECONDS else lock


class ObjectLock:
    """An object that says who holds a store, renewed while the holder lives."""

    def __init__(self, files: ObjectFiles, name: str) -> None:
        self.files, self.name, self.token = files, name, uuid.uuid4().hex
        self.end = threading.Event()
        self.thread = threading.Thread(target=self._renew, daemon=True)

    def content(self) -> bytes:
        """What the object says now."""
        holder = {"holder": describe_process(), "host": socket.gethostname(), "pid": os.getpid()}
        return json.dumps({**holder, "token": self.token, "at": time.time()}).encode()

    def __enter__(self) -> ObjectLock:
        if not self._create():
            lock = read_lock(self.files, self.name)
            if lock:
                raise store_in_use(self.files.root, lock["holder"])
            self.files.delete(self.name)
            if not self._create():
                raise store_in_use(self.files.root, "")
            # Another run may have found the dead lock too and have taken ours for it: the last one stays.
            time.sleep(1)
            if not self._is_ours():
                raise store_in_use(self.files.root, (read_lock(self.files, self.name) or {}).get("holder", ""))
        self.thread.start()
        return self

    def _create(self) -> bool:
        """Whether the object was made by us, which only one can do."""
        try:
            self.files.system.pipe_file(self.files.path(self.name), self.content(), mode="create")
        except FileExistsError:
            return False
        return True

    def _is_ours(self) -> bool:
        return (read_lock(self.files, self.name) or {}).get("token") == self.token

    def _renew(self) -> None:
        while not self.end.wait(RENEW_SECONDS):
            with suppress(Exception):  # the next time may go better
                self.files.write(self.name, self.content())

    def __exit__(self, *_: object) -> None:
        self.end.set()
        self.thread.join()
        with suppress(Exception):
            if self._is_ours():
                self.files.delete(self.name)
