"""The arrays of a store by their paths: ``mask/KEY`` is an array in the zarr group ``mask``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import prod
from typing import Any

from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.chunk_codec import codec_metadata
from imfuse_tiles.storage.chunked_array import ChunkedArray, Damaged
from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.json_values import get_nested, matches, read_json, write_json
from imfuse_tiles.storage.shards import sharding_metadata

DTYPES = ("uint8", "uint16", "int16", "float32")
#: More chunks than this no array has: each is about a megabyte.
MAX_CHUNKS = 2**28
#: Dimensions that an array has at most.
MAX_DIMENSIONS = 8
#: Bytes of the largest chunk that is read.
MAX_CHUNK_BYTES = 1 << 30


@frozen
class Arrays:
    """Creates and opens the arrays of a store."""

    files: Files

    def create(
        self, path: str, shape: Sequence[int], chunks: Sequence[int], dtype: str, attributes: dict[str, Any],
        compressed: bool = False, per_file: tuple[int, int] = (1, 1),
    ) -> None:  # fmt: skip
        """Create an array, empty; an older one of this path goes.

        ``dtype``: uint8, uint16, int16 or float32. ``attributes``: those of the zarr array, as JSON.
        ``compressed``: whether its chunks are. ``per_file``: how many of them lie in a file, down and across, unless
        they are compressed.
        """
        self.files.delete(path)
        group = group_metadata_file(path)
        if "/" in path and not self.files.exists(group):
            write_json(self.files, group, {"zarr_format": 3, "node_type": "group", "attributes": {}})
        per_file = (1, 1) if compressed else per_file
        metadata = _metadata(shape, chunks, dtype, attributes, compressed, per_file)
        write_json(self.files, f"{path}/zarr.json", metadata)

    def open(self, path: str) -> ChunkedArray:
        """An array that is there; Damaged when its metadata is lost or is not what this program writes.

        It is taken as plain numbers only: what asks for other codecs or types than ours is never followed.
        """
        metadata = read_json(self.files, f"{path}/zarr.json")
        shape, dtype = get_nested(metadata, "shape"), get_nested(metadata, "data_type")
        chunks, per_file = _chunks(metadata)
        if not (_is_shape(shape) and _is_shape(chunks) and _fits(shape, chunks) and dtype in DTYPES):
            raise Damaged(path, (), "unreadable" if metadata is not None else "missing")
        plain = {key: value for key, value in metadata.items() if key not in _dimension_names(metadata)}
        forms = [
            _metadata(shape, chunks, dtype, metadata.get("attributes"), compressed, per_file)
            for compressed in (False, True)
        ]
        if plain not in forms:
            raise Damaged(path, (), "not as it was written")
        key = get_nested(metadata, "attributes", "imfuse_tiles", "key")
        layout = get_nested(metadata, "attributes", "imfuse_tiles", "layout")
        return ChunkedArray(
            self.files.root, path, tuple(shape), tuple(chunks), dtype, key if isinstance(key, str) else "",
            json.dumps(layout) if layout else "", plain == forms[True], per_file,
        )  # fmt: skip

    def name_dimensions(self, path: str, names: Sequence[str]) -> None:
        """Add the names of an array's dimensions to its metadata, as viewers of OME-Zarr ask for."""
        metadata = read_json(self.files, f"{path}/zarr.json")
        if isinstance(metadata, dict) and metadata.get("dimension_names") != list(names):
            write_json(self.files, f"{path}/zarr.json", {**metadata, "dimension_names": list(names)})

    def attributes(self, path: str) -> Any:
        """What the writer of an array recorded about it, None when that is lost."""
        return get_nested(read_json(self.files, f"{path}/zarr.json"), "attributes", "imfuse_tiles")

    def delete(self, path: str) -> None:
        """Remove an array."""
        self.files.delete(path)


def group_metadata_file(path: str) -> str:
    """The metadata of the group that an array lies in."""
    return f"{path.partition('/')[0]}/zarr.json"


def _is_shape(value: Any) -> bool:
    return matches(value, [int]) and len(value) <= MAX_DIMENSIONS and all(size > 0 for size in value)


def _fits(shape: Sequence[int], chunks: Sequence[int]) -> bool:
    """Whether an array may have such chunks: not in more dimensions, and not more of them than any disk holds."""
    if len(shape) != len(chunks) or 4 * prod(chunks) > MAX_CHUNK_BYTES:
        return False
    return prod(-(-a // b) for a, b in zip(shape, chunks, strict=True)) <= MAX_CHUNKS


def _dimension_names(metadata: dict[str, Any]) -> dict[str, Any]:
    """The names of the dimensions, if an array's metadata have them: strings, one for each."""
    names = metadata.get("dimension_names")
    if not isinstance(names, list) or len(names) != len(metadata["shape"]):
        return {}
    return {"dimension_names": names} if all(isinstance(name, str) for name in names) else {}


def _chunks(metadata: Any) -> tuple[Any, tuple[int, int]]:
    """The shape of an array's chunks as its metadata have it, and how many lie in a file, down and across."""
    whole, codecs = get_nested(metadata, "chunk_grid", "configuration", "chunk_shape"), get_nested(metadata, "codecs")
    first = codecs[0] if isinstance(codecs, list) and codecs else None
    chunks = get_nested(first, "configuration", "chunk_shape")
    if not (_is_shape(whole) and _is_shape(chunks) and len(whole) == len(chunks) > 1):
        return whole, (1, 1)
    return chunks, (max(1, whole[-2] // chunks[-2]), max(1, whole[-1] // chunks[-1]))


def _metadata(
    shape: Sequence[int], chunks: Sequence[int], dtype: str, attributes: Any, compressed: bool,
    per_file: tuple[int, int],
) -> dict[str, Any]:  # fmt: skip
    """The metadata of an array as zarr v3 has it: little-endian chunks, maybe compressed, a crc32c behind each."""
    little = {"configuration": {"endian": "little"}}
    codecs = [
        {"name": "bytes", **({} if dtype == "uint8" else little)},
        *([codec_metadata(dtype)] if compressed else []),
        {"name": "crc32c"},
    ]
    files = [*chunks[:-2], *(a * b for a, b in zip(chunks[-2:], per_file, strict=False))]
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": files}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if dtype == "float32" else 0,
        "codecs": codecs if per_file == (1, 1) else [sharding_metadata(chunks, codecs)],
        "storage_transformers": [],
        "attributes": attributes,
    }
