"""OME-Zarr, version 0.5 (zarr 3) or 0.4 (zarr 2): a folder with the levels of a pyramid as arrays (c, y, x).

Chunks are packed by blosc with zstd, the bits of their samples shuffled: smaller than with bytes shuffled, in half the
time. They are written one file each under a temporary name, so that a file that is there is whole, and writing that was
stopped goes on.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.reading.zarr_images import OPACITY
from imfuse_tiles.imageio.writing.encode import in_order
from imfuse_tiles.imageio.writing.exif import picture_block
from imfuse_tiles.imageio.writing.picture import Picture
from imfuse_tiles.imageio.writing.pyramid import Pyramid, ReadRegion, TileIndex, levels_to, pyramid_tiles

EDGE = 512
_LEVEL = 3
Packed = tuple[TileIndex, list[bytes | bytearray]]


def pyramid_of(picture: Picture) -> Pyramid:
    """The levels and tiles of a picture."""
    frame = picture.height, picture.width
    return Pyramid(frame, picture.planes, picture.dtype, EDGE, levels_to(frame, EDGE))


def write_ome_zarr(folder: Path, picture: Picture, read: ReadRegion, workers: int = 2, version: str = "0.5") -> None:
    """Write a picture into a folder, which may hold a part of it; ``read`` gives regions as (planes, y, x)."""
    pyramid = pyramid_of(picture)
    chunks = ChunkFiles(folder, pyramid, version)
    write_metadata(folder, picture, pyramid, version)
    tiles = pyramid_tiles(pyramid, read, chunks)
    for tile, packed in in_order(chunks.pack, tiles, workers):
        chunks.write(tile, packed)


class ChunkFiles:
    """The chunks of a pyramid as files: one for each plane of a tile."""

    def __init__(self, folder: Path, pyramid: Pyramid, version: str) -> None:
        self.folder, self.pyramid, self.version = folder, pyramid, version
        self.dtype = np.dtype(pyramid.dtype).newbyteorder("<")

    def places(self, tile: TileIndex) -> Iterator[Path]:
        """The files of a tile."""
        for plane in range(self.pyramid.planes):
            key = f"{plane}/{tile.row}/{tile.column}"
            yield self.folder / str(tile.level) / (f"c/{key}" if self.version == "0.5" else key)

    def has(self, tile: TileIndex) -> bool:
        """Whether all files of a tile are there, as a whole."""
        return all(map(_is_whole, self.places(tile)))

    def read(self, tile: TileIndex) -> np.ndarray:
        """The samples of a tile, (planes, y, x)."""
        import imagecodecs

        rows, columns = self.pyramid.region(tile).shape
        planes = [imagecodecs.blosc_decode(place.read_bytes()) for place in self.places(tile)]
        return np.stack([np.frombuffer(plane, self.dtype).reshape(EDGE, EDGE)[:rows, :columns] for plane in planes])

    def pack(self, numbered: tuple[TileIndex, np.ndarray]) -> Packed:
        """The chunks of a tile, whole ones: filled up with zeros at the picture's right and lower border."""
        import imagecodecs

        tile, samples = numbered
        whole = samples.astype(self.dtype, copy=False)
        if samples.shape[1:] != (EDGE, EDGE):
            whole = np.zeros((len(samples), EDGE, EDGE), self.dtype)
            whole[:, : samples.shape[1], : samples.shape[2]] = samples
        pack: Any = imagecodecs.blosc_encode
        how = imagecodecs.BLOSC.SHUFFLE.BITSHUFFLE
        # Of plain bytes the library would take each sample for two.
        return tile, [pack(plane, level=_LEVEL, compressor="zstd", shuffle=how, numthreads=1)
                      for plane in map(np.ascontiguousarray, whole)]  # fmt: skip

    def write(self, tile: TileIndex, packed: list[bytes | bytearray]) -> None:
        """Write the chunks of a tile, each complete or not at all."""
        for place, data in zip(self.places(tile), packed, strict=True):
            write_whole(place, data)


def _is_whole(place: Path) -> bool:
    """Whether a chunk is there and as long as it says itself: a power cut may leave an empty file."""
    try:
        with place.open("rb") as file:
            head = file.read(16)
            return len(head) == 16 and int.from_bytes(head[12:16], "little") == os.fstat(file.fileno()).st_size
    except OSError:
        return False


def write_whole(place: Path, data: bytes | bytearray) -> None:
    """Write a file in one step, and its folder where it is missing."""
    partial = place.with_name(f"{place.name}.part")
    try:
        partial.write_bytes(data)
    except FileNotFoundError:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
    os.replace(partial, place)


def write_metadata(folder: Path, picture: Picture, pyramid: Pyramid, version: str) -> None:
    """Write what says which arrays there are and what they mean."""
    attributes = {**ome_attributes(picture, pyramid, version), "imfuse_tiles": own_attributes(picture)}
    sizes = [(picture.planes, *pyramid.size(level)) for level in range(pyramid.levels)]
    if version == "0.4":
        _write_json(folder / ".zgroup", {"zarr_format": 2})
        _write_json(folder / ".zattrs", attributes)
    else:
        _write_json(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})
    for level, shape in enumerate(sizes):
        name = ".zarray" if version == "0.4" else "zarr.json"
        described = _array_v2 if version == "0.4" else _array_v3
        _write_json(folder / str(level) / name, described(shape, picture.dtype))


def ome_attributes(picture: Picture, pyramid: Pyramid, version: str) -> dict[str, Any]:
    """The metadata of OME: the multiscale image, and how its channels are shown."""
    datasets = [
        {"path": str(level), "coordinateTransformations": transformations(picture, level)}
        for level in range(pyramid.levels)
    ]
    multiscale: dict[str, Any] = {
        "name": picture.name or "result", "axes": axes(picture), "datasets": datasets, "type": "local mean",
    }  # fmt: skip
    shown = {"multiscales": [multiscale], "omero": {"channels": channels(picture), "rdefs": {"model": "color"}}}
    if version == "0.5":
        return {"ome": {"version": version, **shown}}
    multiscale["version"] = version
    return shown


def axes(picture: Picture) -> list[dict[str, str]]:
    """Channels, rows and columns; the unit is named where the size of a pixel is known."""
    unit = {"unit": "micrometer"} if picture.size.x and picture.size.y else {}
    return [{"name": "c", "type": "channel"}, *({"name": axis, "type": "space", **unit} for axis in "yx")]


def transformations(picture: Picture, level: int) -> list[dict[str, Any]]:
    """Scale of a level, and where the middle of its first pixel lies."""
    size = picture.size
    y, x = (size.y, size.x) if size.x and size.y else (1.0, 1.0)
    factor = float(1 << level)
    found: list[dict[str, Any]] = [{"type": "scale", "scale": [1.0, factor * y, factor * x]}]
    if level:
        shift = (factor - 1) / 2
        found.append({"type": "translation", "translation": [0.0, shift * y, shift * x]})
    return found


def channels(picture: Picture) -> list[dict[str, Any]]:
    """Names and colours of the planes; opacity is there but not shown."""
    colours = [("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF")]
    if picture.planes < 3:
        colours = [(picture.name or "grey", "FFFFFF")]
    named = [*colours, (OPACITY, "FFFFFF")] if picture.alpha else colours
    end = {"uint8": 255, "uint16": 65535}.get(picture.dtype, 1)
    return [channel(name, colour, name != OPACITY, end) for name, colour in named]


def channel(name: str, colour: str, active: bool, end: float) -> dict[str, Any]:
    """How a plane is shown: from black at 0 to its colour at ``end``."""
    window = {"min": 0, "start": 0, "end": end, "max": end}
    return {"label": name, "color": colour, "active": active, "window": window}


def own_attributes(picture: Picture) -> dict[str, Any]:
    """What OME-Zarr has no place for: options, distance of the frames, EXIF and the colour profile."""
    facts: dict[str, Any] = {"software": picture.software, "description": picture.description}
    if picture.size.z:
        facts["z_step_micrometers"] = picture.size.z
    block = picture_block(picture)
    if picture.tags.main or picture.tags.exif:
        facts["exif"] = base64.b64encode(block).decode()
    if picture.profile:
        facts["icc_profile"] = base64.b64encode(picture.profile).decode()
    return {name: value for name, value in facts.items() if value}


def _array_v3(shape: tuple[int, ...], dtype: str) -> dict[str, Any]:
    size = np.dtype(dtype).itemsize
    little = {"configuration": {"endian": "little"}} if size > 1 else {}
    blosc = {"typesize": size, "cname": "zstd", "clevel": _LEVEL, "shuffle": "bitshuffle", "blocksize": 0}
    return {
        "zarr_format": 3, "node_type": "array", "shape": list(shape), "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, EDGE, EDGE]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if dtype == "float32" else 0,
        "codecs": [{"name": "bytes", **little}, {"name": "blosc", "configuration": blosc}],
        "attributes": {}, "dimension_names": ["c", "y", "x"], "storage_transformers": [],
    }  # fmt: skip


def _array_v2(shape: tuple[int, ...], dtype: str) -> dict[str, Any]:
    return {
        "zarr_format": 2, "shape": list(shape), "chunks": [1, EDGE, EDGE],
        "dtype": np.dtype(dtype).newbyteorder("<").str, "fill_value": 0.0 if dtype == "float32" else 0, "order": "C",
        "filters": None, "dimension_separator": "/",
        "compressor": {"id": "blosc", "cname": "zstd", "clevel": _LEVEL, "shuffle": 2, "blocksize": 0},
    }  # fmt: skip


def _write_json(place: Path, value: Any) -> None:
    write_whole(place, json.dumps(value, indent=1).encode())
