"""The files of a store in a folder of this machine, or one that all machines see under the same path."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.files import Bytes
from imfuse_tiles.storage.partial_files import PARTIAL, partial_name

#: How the names of the files begin that a run puts into its store first.
FIRST_FILES = ("lock", "holder")


class FolderFiles:
    """Files in a folder that every process sees under the same path."""

    def __init__(self, root: str) -> None:
        self.root = root

    def check_reachable(self) -> None:
        pass

    def exists(self, name: str) -> bool:
        return os.path.isfile(self._path(name))

    def is_vacant(self) -> bool:
        try:
            return all(name.startswith(FIRST_FILES) or name.endswith(PARTIAL) for name in os.listdir(self.root))
        except FileNotFoundError:
            return True
        except NotADirectoryError:
            return False

    def read(self, name: str) -> bytes:
        with open(self._path(name), "rb", buffering=0) as file:
            return file.read()

    def read_many(self, names: Sequence[str], size: int = 0) -> Iterator[Bytes | None]:
        # One buffer for all: new memory for each file costs more than reading what the system has cached.
        buffer = memoryview(bytearray(size + 1)) if size else None
        for name in names:
            try:
                yield self.read(name) if buffer is None else self._read_into(name, buffer)
            except FileNotFoundError:
                yield None

    def _read_into(self, name: str, buffer: memoryview) -> memoryview:
        """The part of a buffer that a file fills, at most all of it; the file should leave one byte free."""
        count, size = 0, len(buffer) - 1
        with FileIO(self._path(name)) as file:
            # What fills all but that byte, though all was asked for, is the whole file: its end is not asked for.
            while count != size and (read := file.readinto(buffer[count:])):
                count += read
        return buffer[:count]

    def write(self, name: str, *parts: Bytes) -> None:
        target = self._path(name)
        partial = partial_name(target)
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
            return os.stat(self._path(name)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def sizes(self, under: str) -> Callable[[str], int]:
        return self.size

    def list_files(self, under: str = "") -> Iterator[tuple[str, int]]:
        for folder, subfolders, names in os.walk(self._path(under)):
            subfolders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                with suppress(FileNotFoundError):
                    yield os.path.relpath(path, self.root).replace(os.sep, "/"), os.stat(path).st_size

    def delete(self, name: str) -> None:
        try:
            os.unlink(self._path(name))
        except FileNotFoundError:
            pass
        except (IsADirectoryError, PermissionError):  # the second is what macOS says of folders
            shutil.rmtree(self._path(name), ignore_errors=True)

    @contextmanager
    def appending(self, name: str, keep: int) -> Iterator[Callable[[bytes], None]]:
        os.makedirs(os.path.dirname(self._path(name)), exist_ok=True)
        with open(self._path(name), "ab") as file:
            file.truncate(keep)

            def append(line: bytes) -> None:
                file.write(line)
                file.flush()

            yield append

    @contextmanager
    def refuse_if_unwritable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Refusal(f"cannot write the store {self.root}: {error.strerror}; name another with --store") from None

    def _path(self, name: str) -> str:
        return os.path.join(self.root, name)
