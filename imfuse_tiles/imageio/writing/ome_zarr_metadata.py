"""What an OME-Zarr says of itself: which arrays there are, and what they mean."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.reading.zarr_images import OPACITY
from imfuse_tiles.imageio.writing.exif import picture_block
from imfuse_tiles.imageio.writing.picture import Picture
from imfuse_tiles.imageio.writing.pyramid import Pyramid
from imfuse_tiles.imageio.writing.target import write_whole

#: Rows and columns of a chunk, which is of one plane, and how much zstd tries.
EDGE, ZSTD_LEVEL = 512, 3


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
    blosc = {"typesize": size, "cname": "zstd", "clevel": ZSTD_LEVEL, "shuffle": "bitshuffle", "blocksize": 0}
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
        "compressor": {"id": "blosc", "cname": "zstd", "clevel": ZSTD_LEVEL, "shuffle": 2, "blocksize": 0},
    }  # fmt: skip


def _write_json(place: Path, value: Any) -> None:
    write_whole(place, json.dumps(value, indent=1).encode())
