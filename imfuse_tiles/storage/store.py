"""A zarr group that holds everything a run knows: arrays, journals, numbers and the lock.

It lies in a folder or behind the URL of an object store. A stage is named by its key: ``journal/KEY`` tells its
finished blocks, ``numbers/KEY.json`` appears when all are done.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.chunked_array import ChunkedArray, Damaged
from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.journal import Journal, Line
from imfuse_tiles.storage.open_files import files_of

FORMAT = 1
DTYPES = ("uint8", "uint16", "float32")


@frozen
class Store:
    """A store by its folder or URL. Cheap to make and to send to another process; nothing is opened before use."""

    root: str

    @classmethod
    def at(cls, place: str | Path) -> Store:
        """The store in a folder, named as such or by a file:// URL, or behind another URL."""
        text = str(place)
        if text.startswith("file://"):
            from urllib.request import url2pathname  # takes long to load

            text = url2pathname(urlsplit(text).path)
        return cls(text.rstrip("/") if "://" in text else str(Path(text).absolute()))

    @property
    def folder(self) -> Path:
        return Path(self.root)

    @property
    def local(self) -> bool:
        """Whether it lies in a folder."""
        return "://" not in self.root

    @property
    def files(self) -> Files:
        return files_of(self.root)

    def exists(self) -> bool:
        """Whether it has been created."""
        return self.files.exists("zarr.json")

    def check(self) -> None:
        """Refusal when something is there that this version cannot take for a store; nothing at all will do."""
        said = _inside(self._get("zarr.json"), "attributes", "imfuse_tiles", "format")
        if said is None and not self.files.free():
            # Another part of the run may have made it a store between the two looks.
            said = _inside(self._get("zarr.json"), "attributes", "imfuse_tiles", "format")
            if said is None:
                raise Refusal(f"{self.root} is not a store of imfuse-tiles; name an empty or a new folder")
        if said not in (None, FORMAT):
            raise Refusal(f"{self.root} is not a store of this version (format {said}, known is {FORMAT})")

    def create(self) -> bool:
        """Make the place a store if there is none yet; whether there was none. Refusal when it is something else."""
        with self.files.writable():
            self.check()
            if self.exists():
                return False
            attributes = {"imfuse_tiles": {"format": FORMAT}}
            self._put("zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})
            return True

    # Arrays

    def add(self, path: str, shape: Sequence[int], chunks: Sequence[int], dtype: str, about: dict[str, Any]) -> None:
        """Create an array, empty; an older one of this path goes."""
        self.files.delete(path)
        group = _group(path)
        if "/" in path and not self.files.exists(group):
            self._put(group, {"zarr_format": 3, "node_type": "group", "attributes": {}})
        self._put(f"{path}/zarr.json", _described(shape, chunks, dtype, about))

    def array(self, path: str) -> ChunkedArray:
        """An array that is there; Damaged when its description is lost or is not one that this program writes.

        It is taken as plain numbers only: what asks for other codecs or types than ours is never followed.
        """
        said = self._get(f"{path}/zarr.json")
        shape, dtype = _inside(said, "shape"), _inside(said, "data_type")
        chunks = _inside(said, "chunk_grid", "configuration", "chunk_shape")
        if not (_sizes(shape) and _sizes(chunks) and len(shape) == len(chunks) and dtype in DTYPES):
            raise Damaged(path, (), "unreadable" if said is not None else "missing")
        if said != _described(shape, chunks, dtype, said.get("attributes")):
            raise Damaged(path, (), "not as it was written")
        return ChunkedArray(self.root, path, tuple(shape), tuple(chunks), dtype)

    def about(self, path: str) -> Any:
        """What the maker of an array said of it, None when that is lost."""
        return _inside(self._get(f"{path}/zarr.json"), "attributes", "imfuse_tiles")

    # Journals

    def layout(self, key: str) -> dict[str, Any] | None:
        """How the blocks of a stage were laid out when it began, None when it never did."""
        return Journal(self.files, key).layout()

    def begin(self, key: str, layout: dict[str, Any]) -> None:
        """Start the journal of a stage afresh."""
        self.reopen(key)
        Journal(self.files, key).begin(layout)

    def forget(self, key: str) -> None:
        """Drop what is known of a stage, so that it starts afresh."""
        self.reopen(key)
        Journal(self.files, key).forget()

    def drop(self, key: str, paths: Iterable[str]) -> None:
        """Forget a stage and remove its arrays, in this order: a kill never leaves one that looks finished."""
        self.forget(key)
        for path in paths:
            self.files.delete(path)

    def done(self, key: str) -> dict[str, dict[str, Any]]:
        """The finished blocks of a stage with what each reported."""
        return Journal(self.files, key).done()

    def recorded(self, key: str) -> bool:
        """Whether every line of a stage's journal is whole."""
        return Journal(self.files, key).sound()

    def journals(self, key: str) -> list[tuple[str, int]]:
        """The files of a stage's journal with their bytes, which change with every line."""
        return Journal(self.files, key).sizes()

    def journal(self, key: str, writer: str = "") -> AbstractContextManager[Callable[[Line], None]]:
        """A function that appends one line to a stage's journal, as one of several writers if it has a name."""
        return Journal(self.files, key).writing(writer)

    # Numbers

    def numbers(self, key: str) -> dict[str, Any] | None:
        """What a finished stage measured over the whole stack, None while it is not finished or when altered."""
        said = self._get(f"numbers/{key}.json")
        numbers = _inside(said, "numbers")
        return numbers if isinstance(numbers, dict) and _inside(said, "crc32") == _check(numbers) else None

    def finish(self, key: str, numbers: dict[str, Any]) -> None:
        """Record that a stage is complete."""
        self._put(f"numbers/{key}.json", {"crc32": _check(numbers), "numbers": numbers})

    def reopen(self, key: str) -> None:
        """Take back that a stage is complete."""
        self.files.delete(f"numbers/{key}.json")

    def _get(self, name: str) -> Any:
        try:
            return json.loads(self.files.read(name))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None

    def _put(self, name: str, value: Any) -> None:
        self.files.write(name, json.dumps(value).encode())

    # The lock and the space

    def locked(self, writer: str = "") -> AbstractContextManager[None]:
        """Be the store's only writer, or the only one of a name. Exists (exit 3) naming the holder; a kill frees it."""
        return self.files.locked(f"-{writer}" if writer else "")

    def sweep(self, paths: Iterable[str]) -> None:
        """Remove what killed writers left half written: of the given arrays, their groups, and beside the journals."""
        paths = list(paths)
        self.files.sweep(["zarr.json", "numbers", "journal", *set(map(_group, paths)), *paths])

    def sweep_chunks(self, arrays: Iterable[tuple[ChunkedArray, Iterable[tuple[int, ...]]]]) -> None:
        """Remove what killed writers left half written of the given chunks, which are for nobody else to write."""
        for array, cells in arrays:
            self.files.sweep([array.path], {array.name(cell) for cell in cells})

    def clear(self) -> None:
        """Remove the store."""
        self.files.delete("")

    def size(self) -> int:
        """Bytes of all files; one that goes away meanwhile does not count."""
        return sum(size for _, size in self.files.names())


def _group(path: str) -> str:
    """The description of the group that an array lies in."""
    return f"{path.partition('/')[0]}/zarr.json"


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
