"""A folder that is a zarr group and holds everything a run knows: arrays, journals, numbers and the lock.

A stage is named by its key. ``journal/KEY`` has a first line with the layout of its blocks and then one line
for every finished block, each with its own checksum; ``numbers/KEY.json`` appears when all are done.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imfuse_tiles.chunks import ChunkedArray, Damaged
from imfuse_tiles.errors import Exists, Refusal

FORMAT = 1
DTYPES = ("uint8", "uint16", "float32")
PARTIAL = ".partial"
#: What lies in the folder of a run that has only just begun.
BEGINNING = ("lock", "holder")


@dataclass(frozen=True)
class Store:
    """A store by its folder. Cheap to make and to send to another process; nothing is opened before use."""

    root: str

    @property
    def folder(self) -> Path:
        return Path(self.root)

    def check(self) -> None:
        """Refusal when something is there that this version cannot take for a store; an empty folder will do."""
        said = _inside(self._get("zarr.json"), "attributes", "imfuse_tiles", "format")
        if said is None and self._taken():
            raise Refusal(f"{self.root} is not a store of imfuse-tiles; name an empty or a new folder")
        if said not in (None, FORMAT):
            raise Refusal(f"{self.root} is not a store of this version (format {said}, known is {FORMAT})")

    def _taken(self) -> bool:
        """Whether the folder holds anything but what a run leaves that has only just begun."""
        try:
            return any(name not in BEGINNING and not name.endswith(PARTIAL) for name in os.listdir(self.folder))
        except FileNotFoundError:
            return False
        except NotADirectoryError:
            return True

    def create(self) -> bool:
        """Make the folder a store, if it is none; whether it was none. Refusal when it is something else."""
        try:
            self.check()
            if (self.folder / "zarr.json").exists():
                return False
            self.folder.mkdir(parents=True, exist_ok=True)
            attributes = {"imfuse_tiles": {"format": FORMAT}}
            self._put("zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})
            return True
        except OSError as error:
            raise Refusal(f"cannot write the store {self.root}: {error.strerror}; name another with --store") from None

    # Arrays

    def add(self, path: str, shape: Sequence[int], chunks: Sequence[int], dtype: str, about: dict[str, Any]) -> None:
        """Create an array, empty; an older one of this path goes."""
        folder = self.folder / path
        if folder.is_symlink():
            folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        self._put(f"{path}/zarr.json", _described(shape, chunks, dtype, about))

    def array(self, path: str) -> ChunkedArray:
        """An array that is there; Damaged when its description is not. It is taken as plain numbers only.

        Refusal when it asks for anything that this program does not write: other codecs, types, chunk names.
        """
        said = self._get(f"{path}/zarr.json")
        shape, dtype = _inside(said, "shape"), _inside(said, "data_type")
        chunks = _inside(said, "chunk_grid", "configuration", "chunk_shape")
        if not (_sizes(shape) and _sizes(chunks) and len(shape) == len(chunks)):
            raise Damaged(path, (), "unreadable" if said is not None else "missing")
        ours = _described(shape, chunks, dtype if dtype in DTYPES else "", said.get("attributes"))
        strange = sorted(name for name in {*ours, *said} if said.get(name) != ours.get(name))
        if strange:
            raise Refusal(
                f"array {path} of the store {self.root} is not as imfuse-tiles writes it ({', '.join(strange)}); "
                "remove it or name another --store"
            )
        return ChunkedArray(self.root, path, tuple(shape), tuple(chunks), dtype)

    # Journals

    def layout(self, key: str) -> dict[str, Any] | None:
        """How the blocks of a stage were laid out when it began, None when it never did."""
        for line in self._lines(key):
            return line
        return None

    def begin(self, key: str, layout: dict[str, Any]) -> None:
        """Start the journal of a stage afresh."""
        (self.folder / "journal").mkdir(exist_ok=True)
        (self.folder / f"numbers/{key}.json").unlink(missing_ok=True)
        (self.folder / f"journal/{key}").write_bytes(_sealed(layout))

    def forget(self, key: str) -> None:
        """Drop what is known of a stage, so that it starts afresh."""
        self.reopen(key)
        (self.folder / f"journal/{key}").unlink(missing_ok=True)

    def done(self, key: str) -> dict[str, dict[str, Any]]:
        """The finished blocks of a stage with what each reported; a line that says it was lost undoes it."""
        found: dict[str, dict[str, Any]] = {}
        lines = self._lines(key)
        next(lines, None)
        for line in lines:
            if "lost" in line:
                found.pop(line["lost"], None)
            elif isinstance(line.get("block"), str):
                found[line["block"]] = line
        return found

    def _lines(self, key: str) -> Iterator[dict[str, Any]]:
        with suppress(FileNotFoundError), open(self.folder / f"journal/{key}", "rb") as file:
            for raw in file:
                line = _unsealed(raw)
                if line is None:
                    return
                yield line

    @contextmanager
    def journal(self, key: str) -> Iterator[Any]:
        """A function that appends one line to a stage's journal; a torn last line is cut off first."""
        path = self.folder / f"journal/{key}"
        with open(path, "r+b") as file:
            good = 0
            for raw in file:
                if _unsealed(raw) is None:
                    break
                good += len(raw)
            file.truncate(good)
            file.seek(good)

            def record(line: dict[str, Any]) -> None:
                file.write(_sealed(line))
                file.flush()

            yield record

    # Numbers

    def numbers(self, key: str) -> dict[str, Any] | None:
        """What a finished stage measured over the whole stack, None while it is not finished or when altered."""
        said = self._get(f"numbers/{key}.json")
        numbers = _inside(said, "numbers")
        return numbers if isinstance(numbers, dict) and _inside(said, "crc32") == _check(numbers) else None

    def finish(self, key: str, numbers: dict[str, Any]) -> None:
        """Record that a stage is complete."""
        (self.folder / "numbers").mkdir(exist_ok=True)
        self._put(f"numbers/{key}.json", {"crc32": _check(numbers), "numbers": numbers})

    def reopen(self, key: str) -> None:
        """Take back that a stage is complete."""
        (self.folder / f"numbers/{key}.json").unlink(missing_ok=True)

    def _get(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None

    def _put(self, name: str, value: Any) -> None:
        self._write(name, json.dumps(value))

    def _write(self, name: str, text: str) -> None:
        """A small file, complete or absent."""
        partial = self.folder / f"{name}.{os.getpid()}{PARTIAL}"
        try:
            partial.write_text(text)
            os.replace(partial, self.folder / name)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise

    # The lock and the space

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the store's only writer. Exists (exit 3) naming the holder when another run is; a kill frees it."""
        import filelock

        lock, holder = filelock.FileLock(self.folder / "lock"), self.folder / "holder"
        try:
            lock.acquire(timeout=0)
            self._write("holder", f"process {os.getpid()} on {socket.gethostname()}")
        except filelock.Timeout:
            said = _text(holder) or "another run"
            raise Exists(f"the store {self.root} is in use by {said}; wait for it or name another --store") from None
        except (OSError, NotImplementedError) as error:
            lock.release()
            said = getattr(error, "strerror", None) or str(error)
            raise Refusal(f"cannot write the store {self.root}: {said}; name another with --store") from None
        try:
            yield
        finally:
            with suppress(OSError):
                holder.unlink()
            lock.release()

    def sweep(self, paths: Iterable[str]) -> None:
        """Remove what killed writers left half written: in the arrays of the given paths and beside the journals."""
        folders = [self.folder, self.folder / "numbers", self.folder / "journal"]
        for folder in [*folders, *(Path(each) for path in paths for each, _, _ in os.walk(self.folder / path))]:
            with suppress(FileNotFoundError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(PARTIAL):
                        os.unlink(entry.path)

    def clear(self) -> None:
        """Remove the store."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def size(self) -> int:
        """Bytes of all files; one that goes away meanwhile does not count."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(FileNotFoundError):
                    total += os.stat(os.path.join(folder, name)).st_size
        return total


def _text(path: Path) -> str:
    """A small file's text, empty when there is none."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _inside(value: Any, *names: str) -> Any:
    """What lies in nested JSON objects, None when a name is missing or not an object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, int) and each > 0 for each in value)


def _described(shape: Sequence[int], chunks: Sequence[int], dtype: str, about: Any) -> dict[str, Any]:
    """The description of an array as zarr writes it: little-endian chunks, uncompressed, a crc32c behind each."""
    little = {"configuration": {"endian": "little"}}
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunks)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if dtype == "float32" else 0,
        "codecs": [{"name": "bytes", **({} if dtype == "uint8" else little)}, {"name": "crc32c"}],
        "storage_transformers": [],
        "attributes": about,
    }


def _check(numbers: dict[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(numbers, sort_keys=True).encode()):08x}"


def _sealed(line: dict[str, Any]) -> bytes:
    text = json.dumps(line, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _unsealed(raw: bytes) -> dict[str, Any] | None:
    """A journal line's content, None when the line is torn or altered."""
    if not raw.endswith(b"\n") or raw[8:9] != b" ":
        return None
    text = raw[9:-1]
    if b"%08x" % zlib.crc32(text) != raw[:8]:
        return None
    return json.loads(text)
