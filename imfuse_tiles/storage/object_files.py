"""The files of a store behind a URL (s3, gs, abfs, memory, ...), by fsspec.

An object is put as a whole or not at all. Nothing can be appended to it, so a log is a row of small objects, and
a lock is an object that its holder renews: a killed holder's is free after a minute.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psutil

from imfuse_tiles.errors import Refusal, Resumable, Stop
from imfuse_tiles.storage.files import Bytes, in_use, myself

#: Objects asked for at once: enough to hide the way to the server, few enough to bound memory.
AHEAD = 8
#: Seconds between two objects of a log, between two renewals of a lock, and after which a lock is dead.
PAUSE, RENEWED, DEAD = 1.0, 15.0, 60.0


#: Settings of a kind of server. For s3: no question for an object's size before it is read, nothing remembered.
OPTIONS: dict[str, dict[str, Any]] = {"s3": {"max_concurrency": 1, "use_listings_cache": False}}
#: For a first look: a server answers soon, or it is not there. Later it is asked again for about ten seconds.
HASTY: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 2, "read_timeout": 5, "retries": {"max_attempts": 0}}}
}


class Lost(Resumable):
    """A server that does not answer or does not allow what is asked."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; finished blocks are kept and the same command goes on")
        self.what = what

    def __reduce__(self) -> tuple[type[Lost], tuple[str]]:
        return Lost, (self.what,)


class Remote:
    """Files as objects under a URL."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.system, self.base = opened(root)

    def path(self, name: str) -> str:
        return f"{self.base}/{name}" if name else self.base

    def reach(self) -> None:
        with self.writable():
            system, _ = opened(self.root, HASTY)
            with suppress(FileNotFoundError):
                system.info(self.path("zarr.json"))

    def exists(self, name: str) -> bool:
        with self.answered():
            return bool(self.system.isfile(self.path(name)))

    def free(self) -> bool:
        self.system.invalidate_cache()
        try:
            with self.answered():
                return not self.system.ls(self.base, detail=False)
        except FileNotFoundError:
            return True

    def read(self, name: str) -> bytes:
        with self.answered():
            return bytes(self.system.cat_file(self.path(name)))

    def read_each(self, names: Sequence[str], size: int = 0) -> Iterator[bytes | None]:
        for first in range(0, len(names), AHEAD):
            paths = [self.path(name) for name in names[first : first + AHEAD]]
            with self.answered():
                every = self.system.cat_ranges(paths, None, None, on_error="return")
                for found in every:
                    if isinstance(found, Exception) and not isinstance(found, FileNotFoundError):
                        raise found
            yield from (None if isinstance(found, Exception) else found for found in every)

    def write(self, name: str, *parts: Bytes) -> None:
        with self.answered():
            self.system.pipe_file(self.path(name), b"".join(parts))

    def size(self, name: str) -> int:
        try:
            with self.answered():
                return int(self.system.info(self.path(name))["size"] or 0)
        except FileNotFoundError:
            return 0

    def sizes(self, under: str) -> Callable[[str], int]:
        known = dict(self.names(under))
        return lambda name: known.get(name, 0)

    def names(self, under: str = "") -> Iterator[tuple[str, int]]:
        self.system.invalidate_cache()
        try:
            with self.answered():
                found = self.system.find(self.path(under), detail=True)
        except FileNotFoundError:
            return
        finally:
            self.system.invalidate_cache()
        for path in sorted(found):
            yield path.removeprefix(self.base + "/"), int(found[path]["size"] or 0)

    def delete(self, name: str) -> None:
        with suppress(FileNotFoundError), self.answered():
            self.system.rm(self.path(name), recursive=True)

    @contextmanager
    def log(self, name: str, keep: int) -> Iterator[Callable[[bytes], None]]:
        log = Log(self, f"{name}.d/{time.time_ns():016x}")
        try:
            yield log.add
        finally:
            log.close()

    @contextmanager
    def locked(self, name: str = "") -> Iterator[None]:
        with ExitStack() as held:
            with self.writable():
                held.enter_context(Lock(self, f"locks/run{name}"))
                for other in ["locks/run"] if name else [each for each, _ in self.names("locks")]:
                    said = self.holder(other)
                    if said and other != f"locks/run{name}":
                        raise in_use(self.root, said["holder"])
            yield

    def held(self, name: str) -> bool:
        return self.holder(f"locks/run{name}") is not None

    def holder(self, name: str) -> dict[str, Any] | None:
        """What a lock that is alive says."""
        try:
            said = json.loads(self.read(name))
        except (FileNotFoundError, ValueError):
            return None
        gone = said["host"] == socket.gethostname() and not psutil.pid_exists(said["pid"])
        return None if gone or abs(time.time() - said["at"]) > DEAD else said

    @contextmanager
    def writable(self) -> Iterator[None]:
        try:
            with self.answered():
                yield
        except (Lost, FileNotFoundError) as error:
            what = error.what if isinstance(error, Lost) else f"the store {self.root}: {error}"
            raise Refusal(f"cannot use {what}; name another with --store") from error

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Lost instead of whatever a server or its library says that is not about one object."""
        try:
            yield
        except (Stop, FileNotFoundError, FileExistsError):
            raise
        except Exception as error:  # every kind of server has its own
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise Lost(f"the store {self.root}: {reason}") from error

    def sweep(self, places: Iterable[str], mine: Container[str] | None = None) -> None:
        """Nothing: an object is there as a whole or not at all."""


def opened(root: str, more: dict[str, dict[str, Any]] | None = None) -> tuple[Any, str]:
    """The file system of a URL and the path in it, with ``more`` settings; Refusal when its library is not there."""
    kind = root.partition("://")[0]
    try:
        from fsspec.core import url_to_fs

        system, base = url_to_fs(root, **OPTIONS.get(kind, {}), **(more or {}).get(kind, {}))
    except ImportError as error:
        reason = str(error).split("\n")[0]
        raise Refusal(f"--store {root}: {reason}; pip install 'imfuse-tiles[s3]' has what s3:// needs") from None
    except ValueError as error:
        raise Refusal(f"--store {root}: {error}") from None
    return system, str(base).rstrip("/")


class Log:
    """Lines gathered for a moment and put as one object, by a thread so that none waits for the next line."""

    def __init__(self, files: Remote, beginning: str) -> None:
        self.files, self.beginning = files, beginning
        self.lines: list[bytes] = []
        self.count = 0
        self.guard, self.end = threading.Lock(), threading.Event()
        self.problem: Exception | None = None
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def add(self, line: bytes) -> None:
        """Keep a line for the next object; what went wrong with an earlier one is raised here."""
        if self.problem:
            raise self.problem
        with self.guard:
            self.lines.append(line)
        if not self.thread.is_alive():
            self.thread.start()

    def put(self) -> None:
        """Put what has been gathered."""
        with self.guard:
            lines, self.lines = self.lines, []
        if lines:
            self.files.write(f"{self.beginning}-{self.count:08d}", b"".join(lines))
            self.count += 1

    def close(self) -> None:
        self.end.set()
        if self.thread.is_alive():
            self.thread.join()
        self.put()

    def _follow(self) -> None:
        while not self.end.wait(PAUSE):
            try:
                self.put()
            except Exception as error:
                self.problem = error
                return


class Lock:
    """An object that says who holds a store, renewed while the holder lives."""

    def __init__(self, files: Remote, name: str) -> None:
        self.files, self.name, self.token = files, name, uuid.uuid4().hex
        self.end = threading.Event()
        self.thread = threading.Thread(target=self._renew, daemon=True)

    def said(self) -> bytes:
        about = {"holder": myself(), "host": socket.gethostname(), "pid": os.getpid()}
        return json.dumps({**about, "token": self.token, "at": time.time()}).encode()

    def __enter__(self) -> Lock:
        if not self.created():
            there = self.files.holder(self.name)
            if there:
                raise in_use(self.files.root, there["holder"])
            self.files.delete(self.name)
            if not self.created():
                raise in_use(self.files.root, "")
            # Another run may have found the dead lock too and have taken ours for it: the last one stays.
            time.sleep(1)
            if not self.mine():
                raise in_use(self.files.root, (self.files.holder(self.name) or {}).get("holder", ""))
        self.thread.start()
        return self

    def created(self) -> bool:
        """Whether the object was made by us, which only one can do."""
        try:
            self.files.system.pipe_file(self.files.path(self.name), self.said(), mode="create")
        except FileExistsError:
            return False
        return True

    def mine(self) -> bool:
        return (self.files.holder(self.name) or {}).get("token") == self.token

    def _renew(self) -> None:
        while not self.end.wait(RENEWED):
            with suppress(Exception):  # the next time may go better
                self.files.write(self.name, self.said())

    def __exit__(self, *_: object) -> None:
        self.end.set()
        self.thread.join()
        with suppress(Exception):
            if self.mine():
                self.files.delete(self.name)
