"""Metadata of Zarr folders, read and bounded before zarr-python opens an array: versions 2 and 3."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.header import FREE_BYTES, LARGEST_EXPANSION, refuse

_FILES = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
_MOST_BYTES = 16 << 20
#: Codecs that unpack numbers; others, such as those of Python objects, could run code.
_CODECS = {"bytes", "transpose", "blosc", "gzip", "zlib", "zstd", "lz4", "bz2", "lzma", "crc32c", "crc32", "shuffle",
           "sharding_indexed"}  # fmt: skip
_NAMES = {"u1": "uint8", "u2": "uint16", "f2": "float16", "f4": "float32", "f8": "float64"}


@frozen
class ZarrArray:
    """An array of a Zarr folder. ``files``: shape of what lies in one file, ``chunk``: of what is decoded together."""

    folder: Path
    path: str
    shape: tuple[int, ...]
    files: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: str
    prefix: str
    separator: str
    #: Names of what chunks are packed by.
    codecs: tuple[str, ...] = ()

    @property
    def place(self) -> Path:
        """The array's own folder."""
        return self.folder / self.path

    def chunk_files(self, along: dict[int, tuple[int, int]]) -> list[Path]:
        """The files of a part of the array, there or not. ``along``: from and to by the axis; all of other axes."""
        grid = []
        for axis, (size, length) in enumerate(zip(self.shape, self.files, strict=True)):
            first, end = along.get(axis, (0, size))
            grid.append(range(first // length, (end - 1) // length + 1))
        if not self.prefix:  # version 2
            return [self.place / self.separator.join(map(str, places)) for places in product(*grid)]
        return [self.place / self.separator.join([self.prefix, *map(str, places)]) for places in product(*grid)]


def is_zarr(path: Path) -> bool:
    """Whether a folder has the metadata of a Zarr group or array."""
    return path.is_dir() and any((path / name).is_file() for name in _FILES)


def read_json_file(path: Path) -> dict[str, Any]:
    """A JSON object in a file, empty where there is none. Refusal for one that is damaged or beyond measure."""
    if not path.is_file():
        return {}
    if path.stat().st_size > _MOST_BYTES:
        raise refuse(path, f"is larger than {_MOST_BYTES} bytes")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise refuse(path, "is damaged: no JSON") from error
    if not isinstance(value, dict):
        raise refuse(path, "is damaged: no JSON object")
    return value


def read_attributes(folder: Path) -> dict[str, Any]:
    """The attributes of a group or array; those of OME-Zarr 0.5 lie in them below ``ome``."""
    attributes = read_all_attributes(folder)
    inner = attributes.get("ome")
    return inner if isinstance(inner, dict) else attributes


def read_all_attributes(folder: Path) -> dict[str, Any]:
    """The attributes of a group or array, whoever they are of; empty where there are none."""
    attributes = read_json_file(folder / "zarr.json").get("attributes") or read_json_file(folder / ".zattrs")
    return attributes if isinstance(attributes, dict) else {}


def read_array(folder: Path, path: str) -> ZarrArray:
    """An array at a path below a folder. Refusal where there is none, or one that is not read."""
    place = folder / path
    if not place.resolve().is_relative_to(folder.resolve()):
        raise refuse(folder, f"names an array outside itself ({path!r})")
    try:
        about = read_json_file(place / "zarr.json")
        if about.get("node_type") == "array":
            array = _version_3(folder, path, about)
        elif about := read_json_file(place / ".zarray"):
            array = _version_2(folder, path, about)
        else:
            raise refuse(place, "is no Zarr array")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise refuse(place, f"has damaged Zarr metadata: {type(error).__name__} {error}") from error
    _check_array(array)
    return array


def _version_3(folder: Path, path: str, about: dict[str, Any]) -> ZarrArray:
    codecs = list(about["codecs"])
    _check_codecs(folder / path, codecs)
    files = tuple(map(int, about["chunk_grid"]["configuration"]["chunk_shape"]))
    sharding = codecs[0] if codecs[0]["name"] == "sharding_indexed" else None
    chunk = files
    if sharding:
        _check_codecs(folder / path, [*sharding["configuration"]["codecs"],
                                      *sharding["configuration"].get("index_codecs", ())])  # fmt: skip
        chunk = tuple(map(int, sharding["configuration"]["chunk_shape"]))
    encoding = about.get("chunk_key_encoding") or {"name": "default"}
    separator = (encoding.get("configuration") or {}).get("separator", "/" if encoding["name"] == "default" else ".")
    prefix = "c" if encoding["name"] == "default" else ""
    inner = sharding["configuration"]["codecs"] if sharding else codecs
    return ZarrArray(folder, path, tuple(map(int, about["shape"])), files, chunk, str(about["data_type"]),
                     prefix, separator, tuple(map(codec_name, inner)))  # fmt: skip


def _version_2(folder: Path, path: str, about: dict[str, Any]) -> ZarrArray:
    codecs = [codec for codec in (about["compressor"], *(about.get("filters") or ())) if codec]
    _check_codecs(folder / path, codecs)
    chunk = tuple(map(int, about["chunks"]))
    dtype = _NAMES.get(str(about["dtype"])[1:], str(about["dtype"]))
    return ZarrArray(folder, path, tuple(map(int, about["shape"])), chunk, chunk, dtype, "",
                     about.get("dimension_separator", "."), tuple(map(codec_name, codecs)))  # fmt: skip


def codec_name(codec: dict[str, Any]) -> str:
    """The name of a codec as the metadata of either version have it."""
    return str(codec.get("name") or codec.get("id")).removeprefix("numcodecs.")


def _check_codecs(place: Path, codecs: Sequence[dict[str, Any]]) -> None:
    for codec in codecs:
        name = codec_name(codec)
        if name not in _CODECS:
            raise refuse(place, f"has a Zarr codec {name!r}; allowed are {', '.join(sorted(_CODECS))}")


def _check_array(array: ZarrArray) -> None:
    if (
        not len(array.shape) == len(array.files) == len(array.chunk)
        or min(*array.shape, *array.chunk, *array.files) < 1
    ):
        raise refuse(array.place, f"has no pixels, or damaged chunks ({array.shape} in {array.chunk})")
    if array.separator not in ("/", "."):
        raise refuse(array.place, "has chunks of an unknown naming")
    if array.dtype not in _NAMES.values():
        raise refuse(array.place, f"has {array.dtype} samples; allowed are {', '.join(_NAMES.values())}")


def check_chunks(array: ZarrArray, sizes: Sequence[int], decoded: int) -> None:
    """Refuse files that claim more pixels than they can hold. ``sizes``: bytes of those that are there."""
    if sizes and decoded > FREE_BYTES + LARGEST_EXPANSION * max(sizes):
        text = " x ".join(map(str, array.chunk))
        raise Refusal(f"{array.place}: claims chunks of {text}, impossible in {max(sizes)} bytes: damaged or malicious")


def chunk_bytes(array: ZarrArray) -> int:
    """Bytes of a chunk once it is decoded."""
    return math.prod(array.chunk) * {"uint8": 1, "float64": 8, "float32": 4}.get(array.dtype, 2)
