"""The files of a store in a folder of this machine, or one that all machines see under the same path."""

from __future__ import annotations

import glob
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from imfuse_tiles.errors import Exists, Refusal
from imfuse_tiles.storage.files import Bytes, in_use, myself

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
