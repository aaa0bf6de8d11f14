"""The files of a store in a folder of this machine, or one that all machines see under the same path."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import groupby

from imfuse_tiles.errors import Refusal
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.storage.files import Bytes, FilePart
from imfuse_tiles.storage.inside import check_name, file_size, open_to_read, open_to_write, refuse_links, sync_folder
from imfuse_tiles.storage.partial_files import PARTIAL, partial_name

#: How the names of the files begin that a run puts into its store first.
FIRST_FILES = ("lock", "holder")


class FolderFiles:
    """Files in a folder that every process sees under the same path."""

    def __init__(self, root: str) -> None:
        self.root, self.durable = root, False

    def check_reachable(self) -> None:
        pass

    def exists(self, name: str) -> bool:
        refuse_links(self.root, name)
        try:  # os.path would take a disk that fails for a missing file
            return stat.S_ISREG(os.stat(self._path(name)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def is_vacant(self) -> bool:
        if os.path.lexists(self.root) and not os.path.isdir(self.root):
            return False
        # Folders without a file are what a power cut may leave of the first steps of a run.
        return all(
            folder == self.root and (name.startswith(FIRST_FILES) or name.endswith(PARTIAL))
            for folder, subfolders, names in os.walk(self.root, onerror=_raise_unless_gone)
            for name in [*names, *(name for name in subfolders if os.path.islink(os.path.join(folder, name)))]
        )

    def read(self, name: str) -> bytes:
        refuse_links(self.root, name)
        with FileIO(open_to_read(self._path(name))) as file:
            return file.read()

    def read_parts(self, parts: Sequence[FilePart], fresh: bool = False) -> Iterator[Bytes | None]:
        buffer, folder = memoryview(b""), None
        for name, together in groupby(parts, key=lambda part: part.name):
            if (parent := os.path.dirname(name)) != folder:
                refuse_links(self.root, folder := parent)
            try:
                file = FileIO(open_to_read(self._path(name)))
            except FileNotFoundError:
                yield from (None for _ in together)
                continue
            with file:
                size, place = os.fstat(file.fileno()).st_size, 0
                for part in together:
                    if not part.size:
                        yield file.read()
                        continue
                    if fresh or len(buffer) != part.length:  # new memory costs more than reading what is cached
                        buffer = memoryview(np.empty(part.length, np.uint8))
                    if place != part.start:
                        file.seek(part.start)
                    count = _fill(file, buffer) if size == part.size else 0
                    place = part.start + count
                    yield buffer[:count]

    def write(self, name: str, *parts: Bytes) -> None:
        refuse_links(self.root, os.path.dirname(name))
        target = self._path(name)
        partial = partial_name(target)
        try:
            file = FileIO(partial, "w", opener=open_to_write)
        except (FileNotFoundError, NotADirectoryError):
            self._make_folder(os.path.dirname(target))
            file = FileIO(partial, "w", opener=open_to_write)
        try:
            with file:
                for part in parts:
                    rest = memoryview(part)
                    while rest:
                        rest = rest[file.write(rest) :]
                if self.durable:
                    os.fsync(file.fileno())
            self._put_in_place(partial, target)
            if self.durable:
                sync_folder(os.path.dirname(target))
        except BaseException:
            with suppress(OSError):
                os.unlink(partial)
            raise

    def size(self, name: str) -> int:
        return file_size(self._path(name))

    def sizes(self, under: str) -> Callable[[str], int]:
        refuse_links(self.root, under)
        sizes = {name: status.st_size for name, status in self._walk(under) if stat.S_ISREG(status.st_mode)}
        return lambda name: sizes.get(name, 0)

    def list_files(self, under: str = "") -> Iterator[tuple[str, int]]:
        refuse_links(self.root, under)
        yield from ((name, status.st_size) for name, status in self._walk(under))

    def _walk(self, under: str) -> Iterator[tuple[str, os.stat_result]]:
        """What lies in a folder and in those below it and is no folder, nor a link to one, folder by folder."""
        folders = [under]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self._path(folder)) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except (FileNotFoundError, NotADirectoryError):
                continue  # what cannot be read must not look empty, unless it is gone
            before = f"{folder}/" if folder else ""
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False) and not (entry.is_symlink() and os.path.isdir(entry.path)):
                    with suppress(FileNotFoundError):
                        yield before + entry.name, entry.stat(follow_symlinks=False)
            folders += [before + entry.name for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]

    def delete(self, name: str) -> None:
        refuse_links(self.root, os.path.dirname(name))
        try:
            os.unlink(self._path(name))
            if self.durable:  # what tells of other files goes before these do
                sync_folder(os.path.dirname(self._path(name)))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (IsADirectoryError, PermissionError):  # the second is what macOS says of folders
            shutil.rmtree(self._path(name), ignore_errors=True)

    @contextmanager
    def appending(self, name: str, keep: int) -> Iterator[Callable[[bytes], None]]:
        refuse_links(self.root, name)
        self._make_folder(os.path.dirname(self._path(name)))
        with open(self._path(name), "ab", opener=open_to_write) as file:
            file.truncate(keep)
            if self.durable:
                sync_folder(os.path.dirname(self._path(name)))

            def append(line: bytes) -> None:
                file.write(line)
                file.flush()
                if self.durable:
                    os.fsync(file.fileno())

            yield append

    @contextmanager
    def refuse_if_unwritable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Refusal(f"cannot write the store {self.root}: {error.strerror}; name another with --store") from None

    def _path(self, name: str) -> str:
        check_name(name)
        return os.path.join(self.root, name)

    def _make_folder(self, path: str) -> None:
        """Make a folder and those above it; what lies in their place and is none goes."""
        try:
            os.makedirs(path, exist_ok=True)
            while self.durable and path.startswith(self.root):
                path = os.path.dirname(path)
                sync_folder(path)
        except (FileExistsError, NotADirectoryError):
            blocker = path
            while not os.path.lexists(blocker):
                blocker = os.path.dirname(blocker)
            if os.path.relpath(blocker, self.root).startswith((os.curdir, os.pardir)):
                raise
            if not stat.S_ISDIR(os.lstat(blocker).st_mode):  # a disk may have failed to say that it is one
                os.unlink(blocker)
            self._make_folder(path)

    def _put_in_place(self, partial: str, target: str) -> None:
        """Move a complete file to its place; a folder there goes."""
        try:
            os.replace(partial, target)
        except (IsADirectoryError, PermissionError):
            if not os.path.isdir(target) or os.path.islink(target):
                raise
            shutil.rmtree(target)
            os.replace(partial, target)


def _fill(file: FileIO, buffer: memoryview) -> int:
    """Read from where a file stands until a buffer is full or the file ends; how many bytes that were."""
    count = 0
    while count < len(buffer) and (read := file.readinto(buffer[count:])):
        count += read
    return count


def _raise_unless_gone(error: OSError) -> None:
    """What a walk does when a folder cannot be read: it must not look like an empty one, unless it is gone."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
