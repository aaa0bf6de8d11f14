"""The files of a store behind a URL: every file is an object, which is put as a whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.files import Bytes, FilePart
from imfuse_tiles.storage.inside import check_name
from imfuse_tiles.storage.object_log import ObjectLog
from imfuse_tiles.storage.object_server import (
    QUICK_OPTIONS,
    ServerError,
    open_file_system,
    translate_server_errors,
)

#: Objects asked for at once: enough to hide the way to the server, few enough to bound memory.
READ_AHEAD = 8


def object_path(base: str, name: str) -> str:
    """An object's path in the file system, by the path of the store and a name in it."""
    check_name(name)
    return f"{base}/{name}" if name else base


class ObjectFiles:
    """Files as objects under a URL. ``system``: the server as fsspec has it."""

    def __init__(self, root: str) -> None:
        self.root, self.durable = root, True
        self.system, self.base = open_file_system(root)
        #: Called before every write; each raises LockLost when this process may not write any more.
        self.fences: list[Callable[[], None]] = []

    def check_reachable(self) -> None:
        with self.refuse_if_unwritable():
            system, _ = open_file_system(self.root, QUICK_OPTIONS)
            with suppress(FileNotFoundError):
                system.info(object_path(self.base, "zarr.json"))

    def exists(self, name: str) -> bool:
        with translate_server_errors(self.root):
            return bool(self.system.isfile(object_path(self.base, name)))

    def is_vacant(self) -> bool:
        self.system.invalidate_cache()
        try:
            with translate_server_errors(self.root):
                return not self.system.ls(self.base, detail=False)
        except FileNotFoundError:
            return True

    def read(self, name: str) -> bytes:
        with translate_server_errors(self.root):
            return bytes(self.system.cat_file(object_path(self.base, name)))

    def read_parts(self, parts: Sequence[FilePart], fresh: bool = False) -> Iterator[bytes | None]:
        for first in range(0, len(parts), READ_AHEAD):
            some = parts[first : first + READ_AHEAD]
            paths = [object_path(self.base, part.name) for part in some]
            starts = ends = None
            if any(part.length != part.size for part in some):  # else whole objects, so that one too long shows
                starts, ends = [part.start for part in some], [part.start + part.length for part in some]
            with translate_server_errors(self.root):
                answers = self.system.cat_ranges(paths, starts, ends, on_error="return")
                for answer in answers:
                    if isinstance(answer, Exception) and not isinstance(answer, FileNotFoundError):
                        raise answer
            yield from (None if isinstance(answer, Exception) else answer for answer in answers)

    def write(self, name: str, *parts: Bytes) -> None:
        with translate_server_errors(self.root):
            for check in tuple(self.fences):
                check()
            self.system.pipe_file(object_path(self.base, name), b"".join(parts))

    def size(self, name: str) -> int:
        try:
            with translate_server_errors(self.root):
                return int(self.system.info(object_path(self.base, name))["size"] or 0)
        except FileNotFoundError:
            return 0

    def sizes(self, under: str) -> Callable[[str], int]:
        sizes = dict(self.list_files(under))
        return lambda name: sizes.get(name, 0)

    def list_files(self, under: str = "") -> Iterator[tuple[str, int]]:
        self.system.invalidate_cache()
        try:
            with translate_server_errors(self.root):
                objects = self.system.find(object_path(self.base, under), detail=True)
        except FileNotFoundError:
            return
        finally:
            self.system.invalidate_cache()
        for path in sorted(objects):
            yield path.removeprefix(self.base + "/"), int(objects[path]["size"] or 0)

    def delete(self, name: str) -> None:
        with suppress(FileNotFoundError), translate_server_errors(self.root):
            self.system.rm(object_path(self.base, name), recursive=True)

    @contextmanager
    def appending(self, name: str, keep: int) -> Iterator[Callable[[bytes], None]]:
        log = ObjectLog(self, f"{name}.d/{time.time_ns():016x}")
        try:
            yield log.append
        finally:
            log.close()

    @contextmanager
    def refuse_if_unwritable(self) -> Iterator[None]:
        try:
            with translate_server_errors(self.root):
                yield
        except (ServerError, FileNotFoundError) as error:
            problem = error.problem if isinstance(error, ServerError) else f"the store {self.root}: {error}"
            raise Refusal(f"cannot use {problem}; name another with --store") from error
