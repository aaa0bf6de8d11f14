"""ND2 files of version 3, put together by their layout, as nobody but Nikon's programs writes them.

Chunks of a magic number, a name and data; metadata as "lite variants" (a type, a name in UTF-16, a value); a map of all
chunks at the end.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

_MAGIC = 0x0ABECEDA
_MAP = b"ND2 CHUNK MAP SIGNATURE 0000001!"
_TIME, _POSITIONS, _SLICES = 1, 2, 4


def write_nd2(path: Path, stack: np.ndarray, names: tuple[str, ...], pixel: float, step: float) -> None:
    """Write (times, positions, slices, channels, rows, columns) of uint8 or uint16; sizes in micrometres."""
    times, positions, slices, channels, height, width = stack.shape
    frames = stack.reshape(-1, channels, height, width)
    bits, row = 8 * stack.itemsize, width * channels * stack.itemsize
    attributes = {
        "uiWidth": width, "uiWidthBytes": row, "uiHeight": height, "uiComp": channels, "uiBpcInMemory": bits,
        "uiBpcSignificant": bits, "uiSequenceCount": len(frames), "eCompression": 2,
    }  # fmt: skip
    planes = {
        f"a{number}": {"sDescription": name, "uiCompCount": 1, "pFluorescentProbe": {"wsName": name}}
        for number, name in enumerate(names)
    }
    picture = {"bCalibrated": True, "dCalibration": pixel,
               "sPicturePlanes": {"uiCount": channels, "sPlaneNew": planes}}  # fmt: skip
    chunks = {
        b"ND2 FILE SIGNATURE CHUNK NAME01!": b"Ver3.0".ljust(64, b"\0"),
        b"ImageAttributesLV!": _variant("SLxImageAttributes", attributes),
        b"ImageMetadataSeqLV|0!": _variant("SLxPictureMetadata", picture),
        b"ImageMetadataLV!": _variant("SLxExperiment", _loops(times, positions, slices, step)),
    }
    chunks |= {
        b"ImageDataSeq|%d!" % number: bytes(8) + np.ascontiguousarray(np.moveaxis(frame, 0, -1)).tobytes()
        for number, frame in enumerate(frames)
    }
    _write_chunks(path, chunks)


def _loops(times: int, positions: int, slices: int, step: float) -> dict[str, Any]:
    """What was recorded in which order, the outermost loop first."""
    points = {f"i{number:010}": {"dPosX": 10.0 * number, "dPosY": 0.0} for number in range(positions)}
    inner = {"eType": _SLICES, "uLoopPars": {"uiCount": slices, "dZStep": step}}
    middle = {"eType": _POSITIONS, "uLoopPars": {"Points": points}, "ppNextLevelEx": {"i0000000000": inner}}
    time = {"uiCount": times, "dStart": 0.0, "dPeriod": 1000.0, "dDuration": 1000.0 * times}
    return {"eType": _TIME, "uLoopPars": time, "ppNextLevelEx": {"i0000000000": middle}}


def _write_chunks(path: Path, chunks: dict[bytes, bytes]) -> None:
    """Write chunks; the data of a frame begins 4096 bytes behind its chunk."""
    places = b""
    with path.open("wb") as file:
        for name, data in chunks.items():
            places += name + struct.pack("<QQ", file.tell(), len(data))
            room = 4072 if name.startswith(b"ImageDataSeq") else max(len(name), 32)
            file.write(struct.pack("<IIQ", _MAGIC, room, len(data)) + name.ljust(room, b"\0") + data)
        end = file.tell()
        places += _MAP + struct.pack("<Q", end)
        name = b"ND2 FILEMAP SIGNATURE NAME 0001!"
        file.write(struct.pack("<IIQ", _MAGIC, len(name), len(places)) + name + places)


def _variant(name: str, value: Any) -> bytes:
    """A value under a name."""
    head = bytes((_type_number(value), len(name) + 1)) + f"{name}\0".encode("utf-16-le")
    if isinstance(value, dict):
        items = b"".join(_variant(key, item) for key, item in value.items())
        return head + struct.pack("<IQ", len(value), len(head) + 12 + len(items)) + items + bytes(8 * len(value))
    if isinstance(value, str):
        return head + f"{value}\0".encode("utf-16-le")
    return head + struct.pack({bool: "<?", int: "<I", float: "<d"}[type(value)], value)


def _type_number(value: Any) -> int:
    return {bool: 1, int: 3, float: 6, str: 8, dict: 11}[type(value)]
