"""Where the bytes of a store lie: whole files by their names, in a folder of this machine or behind a URL.

A name is relative to the store and written with slashes. What is written is there completely or not at all.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Protocol

from imfuse_tiles.errors import Exists, Refusal

Bytes = bytes | memoryview
#: Seconds after which a lock that nobody says to hold is not just being looked at.
LOOKING = 20.0
PARTIAL = ".partial"
#: The writer of a half-written file, from its name.
WRITER = re.compile(r"\.(?P<host>[^/]*)-(?P<process>\d+)-\d+\.partial$")
#: How the names of the files begin that a run puts into its store first.
BEGINNING = ("lock", "holder")
#: Seconds after which what another machine has half written is taken for abandoned.
ABANDONED = 86400
#: The same where others write only to repair, which takes no longer than a chunk.
REPAIRED = 60


class Files(Protocol):
    """What a store asks of the place it lies in."""

    root: str

    def reach(self) -> None:
        """Refusal, within seconds, when the place does not answer."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def free(self) -> bool:
        """Whether a store may begin here: nothing is there, or what a run leaves that has only just begun."""

    def read(self, name: str) -> bytes:
        """A whole file; FileNotFoundError when there is none."""

    def read_each(self, names: Sequence[str], size: int = 0) -> Iterator[Bytes | None]:
        """Whole files one after the other, None for each that is not there; read ahead where that saves time.

        ``size``: what each should have. Then what is given may be overwritten when the next one is asked for, and
        a longer file is given in part, but never with just this size.
        """

    def write(self, name: str, *parts: Bytes) -> None:
        """Put a file in place of what was there."""

    def size(self, name: str) -> int:
        """Bytes of a file, 0 when there is none."""

    def sizes(self, under: str) -> Callable[[str], int]:
        """The function ``size`` for many files under a folder."""

    def names(self, under: str = "") -> Iterator[tuple[str, int]]:
        """Every file under a folder with its bytes, in the order of their names."""

    def delete(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing happens when there is none."""

    def log(self, name: str, keep: int) -> AbstractContextManager[Callable[[bytes], None]]:
        """A function that adds whole lines to a log, so that they outlive this program's death.

        In a folder: to the file ``name``, cut to its first ``keep`` bytes. Behind a URL, where nothing can be
        appended to: as new files in the folder ``name.d``, whose names follow each other.
        """

    def locked(self, name: str = "") -> AbstractContextManager[None]:
        """Be the only writer; Exists (exit 3) naming the other when there is one, Refusal when none can write.

        With a name, which begins with a dash: one of several writers that know of each other, the only one of
        this name. Whoever holds a lock looks for the others afterwards, so that two never both go on.
        """

    def held(self, name: str) -> bool:
        """Whether somebody holds the lock of this name."""

    def writable(self) -> AbstractContextManager[None]:
        """Turns what the place says to a write that it does not allow into a Refusal."""

    def sweep(self, places: Iterable[str], mine: Container[str] | None = None) -> None:
        """Remove what killed writers left half written, of files or in folders of these names.

        ``mine``: only of these files, which nobody else writes now but to repair them.
        """


@lru_cache(maxsize=16)
def files_of(root: str) -> Files:
    """The files of a store, by its folder or URL."""
    if "://" not in root:
        return Folder(root)
    from imfuse_tiles.remote import Remote

    return Remote(root)


def myself() -> str:
    """This process, for people."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def in_use(root: str, by: str) -> Exists:
    return Exists(f"the store {root} is in use by {by or 'another run'}; wait for it or name another --store")


class Folder:
    """Files in a folder that every process sees under the same path."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._host = socket.gethostname()

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def reach(self) -> None:
        pass

    def exists(self, name: str) -> bool:
        return os.path.isfile(self.path(name))

    def free(self) -> bool:
        try:
            return all(name.startswith(BEGINNING) or name.endswith(PARTIAL) for name in os.listdir(self.root))
        except FileNotFoundError:
            return True
        except NotADirectoryError:
            return False

    def read(self, name: str) -> bytes:
        with open(self.path(name), "rb", buffering=0) as file:
            return file.read()

    def read_each(self, names: Sequence[str], size: int = 0) -> Iterator[Bytes | None]:
        # One buffer for all: new memory for each file costs more than reading what the system has cached.
        buffer = memoryview(bytearray(size + 1)) if size else None
        for name in names:
            try:
                yield self.read(name) if buffer is None else self.read_into(name, buffer)
            except FileNotFoundError:
                yield None

    def read_into(self, name: str, buffer: memoryview) -> memoryview:
        """The part of a buffer that a file fills, at most all of it; the file should leave one byte free."""
        count, size = 0, len(buffer) - 1
        with FileIO(self.path(name)) as file:
            # What fills all but that byte, though all was asked for, is the whole file: its end is not asked for.
            while count != size and (got := file.readinto(buffer[count:])):
                count += got
        return buffer[:count]

    def write(self, name: str, *parts: Bytes) -> None:
        target = self.path(name)
        partial = f"{target}.{self._host}-{os.getpid()}-{threading.get_ident()}{PARTIAL}"
        try:
            file = FileIO(partial, "w")
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            file = FileIO(partial, "w")
        try:
            with file:
                for part in parts:
                    rest = memoryview(part)
                    while rest:
                        rest = rest[file.write(rest) :]
            os.replace(partial, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(partial)
            raise

    def size(self, name: str) -> int:
        try:
            return os.stat(self.path(name)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def sizes(self, under: str) -> Callable[[str], int]:
        return self.size

    def names(self, under: str = "") -> Iterator[tuple[str, int]]:
        for folder, within, names in os.walk(self.path(under)):
            within.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                with suppress(FileNotFoundError):
                    yield os.path.relpath(path, self.root).replace(os.sep, "/"), os.stat(path).st_size

    def delete(self, name: str) -> None:
        try:
            os.unlink(self.path(name))
        except FileNotFoundError:
            pass
        except (IsADirectoryError, PermissionError):  # the second is what macOS says of folders
            shutil.rmtree(self.path(name), ignore_errors=True)

    @contextmanager
    def log(self, name: str, keep: int) -> Iterator[Callable[[bytes], None]]:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "ab") as file:
            file.truncate(keep)

            def add(line: bytes) -> None:
                file.write(line)
                file.flush()

            yield add

    @contextmanager
    def locked(self, name: str = "") -> Iterator[None]:
        with ExitStack() as held:
            holder = Path(self.path(f"holder{name}"))
            with self.writable():
                self.hold(held, name)
                for other in [""] if name else self.parts():
                    with ExitStack() as free:
                        self.hold(free, other)
                holder.write_text(myself())
            held.callback(holder.unlink, missing_ok=True)
            yield

    def hold(self, held: ExitStack, name: str) -> None:
        """Take a lock until a stack is closed. Who holds it says so; others only look, which is waited for."""
        import filelock

        lock, end = filelock.FileLock(self.path(f"lock{name}")), time.monotonic() + LOOKING
        try:
            while not lock.is_locked:
                try:
                    lock.acquire(timeout=0.2, poll_interval=0.01)
                except filelock.Timeout:
                    said = _text(Path(self.path(f"holder{name}")))
                    if said or time.monotonic() > end:
                        raise in_use(self.root, said) from None
        except NotImplementedError:
            raise Refusal(f"the file system of {self.root} has no locks; name another place with --store") from None
        held.callback(lock.release)

    def held(self, name: str) -> bool:
        with ExitStack() as probe:
            try:
                self.hold(probe, name)
            except Exists:
                return True
        return False

    def parts(self) -> list[str]:
        """The names of which there are locks."""
        return [path.name.removeprefix("lock") for path in Path(self.root).glob("lock-*")]

    @contextmanager
    def writable(self) -> Iterator[None]:
        """Refusal instead of what the system says of a folder that cannot be written."""
        try:
            yield
        except OSError as error:
            raise Refusal(f"cannot write the store {self.root}: {error.strerror}; name another with --store") from None

    def sweep(self, places: Iterable[str], mine: Container[str] | None = None) -> None:
        after = ABANDONED if mine is None else REPAIRED
        for place in places:
            beside = glob.glob(f"{glob.escape(self.path(place))}.*{PARTIAL}")
            within = (os.path.join(folder, name) for folder, _, names in os.walk(self.path(place)) for name in names)
            half = (path for path in (*beside, *within) if path.endswith(PARTIAL))
            for path in half if mine is None else (path for path in half if self.target(path) in mine):
                if self.abandoned(Path(path), after):
                    Path(path).unlink(missing_ok=True)

    def target(self, partial: str) -> str:
        """The name of the chunk, which has no dot, that a half-written file was to become."""
        path = os.path.relpath(partial, self.root).replace(os.sep, "/")
        folder, _, name = path.rpartition("/")
        return f"{folder}/{name.partition('.')[0]}"

    def abandoned(self, partial: Path, after: float) -> bool:
        """Whether the writer of a half-written file is dead; one on another machine is so many seconds later."""
        said = WRITER.search(partial.name)
        if said is None:
            return True
        if f".{said['host']}".endswith(f".{self._host}"):
            return int(said["process"]) == os.getpid() or not alive(int(said["process"]))
        try:
            return time.time() - partial.stat().st_mtime > after
        except FileNotFoundError:
            return False


def alive(process: int) -> bool:
    """Whether a process of this number is at work on this machine, and not only waits for its parent to see it end."""
    import psutil

    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _text(path: Path) -> str:
    """A small file's text, empty when there is none."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
