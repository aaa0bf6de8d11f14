"""The size of a pixel as files say it: in tags of resolution, by OME, by ImageJ; whatever else they hold."""

from __future__ import annotations

import html
import json
import mmap
import re
import struct
from math import isfinite
from pathlib import Path
from typing import Any

from imfuse_tiles.imageio.physical_size import (
    LARGEST,
    RESOLUTION_UNIT,
    SMALLEST,
    UNITS,
    X_RESOLUTION,
    Y_RESOLUTION,
    PhysicalSize,
)
from imfuse_tiles.imageio.reading.exif_tags import main_values
from imfuse_tiles.imageio.reading.formats import ReadsExif, ReadsPixelSize, format_of_start
from imfuse_tiles.imageio.reading.header import Header

#: A pixel of at most so many micrometres is no print resolution, whatever it is called: 2540 pixels an inch.
FINEST_PRINT = 10.0
DESCRIPTION = 270
#: Bytes of the metadata of an OME-Zarr that are read at most.
LARGEST_METADATA = 4 << 20
_INCH, _CENTIMETRE = 2, 3


def read_physical_size(path: str | Path, series: int = 0) -> PhysicalSize:
    """What an image file or an OME-Zarr says; what is missing, damaged or absurd is not known.

    ``series``: of a file that has several. Never raises, whatever is there.
    """
    try:
        return _of_format(Path(path), series) or _of_plain_file(Path(path))
    except Exception:  # of damaged files, JSON of another form, and libraries of microscopes with types of their own
        return PhysicalSize()


def _of_format(path: Path, series: int) -> PhysicalSize | None:
    """What a file says that has a reader of its own; None for others."""
    if path.is_dir():
        return None
    with path.open("rb") as file:
        kind = format_of_start(file.read(132))
    reader = kind.reader(path) if kind else None
    if isinstance(reader, ReadsExif):
        return _sane(_in_tiff(reader.read_exif(path)))
    if isinstance(reader, ReadsPixelSize):
        return _sane(reader.read_pixel_size(path, series))
    return PhysicalSize() if kind else None


def _of_plain_file(path: Path) -> PhysicalSize:
    """What a TIFF, PNG or JPEG file or an OME-Zarr says."""
    if path.is_dir():
        return _sane(_in_ome_zarr(path))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _sane(_of_data(data))


def frame_size(header: Header) -> PhysicalSize:
    """What a frame's file says; not known of arrays, and of levels, as files tell of the full size."""
    if header.format == "array" or header.level:
        return PhysicalSize()
    return read_physical_size(header.path, header.series)


def _of_data(data: mmap.mmap) -> PhysicalSize:
    if data[:4] == b"\x89PNG":
        return _in_png(data)
    if data[:2] == b"\xff\xd8":
        return _in_jpeg(data)
    return _in_tiff(data)


def _in_tiff(data: mmap.mmap | bytes) -> PhysicalSize:
    """By an OME description, by one of ImageJ, by the tags of resolution."""
    values = main_values(data, {X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, DESCRIPTION})
    description = values[DESCRIPTION].data[: 1 << 16].decode("utf-8", "replace") if DESCRIPTION in values else ""
    if "<OME" in description or "<Pixels" in description:
        return _in_ome(description)
    unit = struct.unpack("<H", values[RESOLUTION_UNIT].data[:2])[0] if RESOLUTION_UNIT in values else _INCH
    density = tuple(_ratio(values[tag].data) for tag in (X_RESOLUTION, Y_RESOLUTION) if tag in values)
    if description.startswith("ImageJ="):
        return _in_imagej(description, density)
    if len(density) != 2 or unit not in (_INCH, _CENTIMETRE):
        return PhysicalSize()
    return _by_density(*(each * (1.0 if unit == _CENTIMETRE else 1 / 2.54) for each in density))


def _in_ome(text: str) -> PhysicalSize:
    """The pixel sizes of the first image of an OME description; the unit is micrometres unless another is named."""
    sizes = {}
    for axis in "XYZ":
        value = re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]+)"', text)
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', text)
        factor = UNITS.get(html.unescape(unit[1]) if unit else "um", 0.0)
        sizes[axis] = float(value[1]) * factor if value else 0.0
    return PhysicalSize(sizes["X"], sizes["Y"], sizes["Z"])


def _in_ome_zarr(folder: Path) -> PhysicalSize:
    """The scale of the first level of an OME-Zarr, whose axes name their units."""
    name = folder / "zarr.json" if (folder / "zarr.json").is_file() else folder / ".zattrs"
    if name.stat().st_size > LARGEST_METADATA:
        return PhysicalSize()
    metadata = json.loads(name.read_bytes())
    attributes = metadata.get("attributes", metadata)
    image = attributes.get("ome", attributes)["multiscales"][0]
    scales = [*image["datasets"][0].get("coordinateTransformations", ()), *image.get("coordinateTransformations", ())]
    sizes = {"x": 0.0, "y": 0.0, "z": float(attributes.get("imfuse_tiles", {}).get("z_step_micrometers", 0.0))}
    for number, axis in enumerate(image["axes"]):
        factor = UNITS.get(axis.get("unit", ""), 0.0)
        for transformation in scales:
            factor *= float(transformation["scale"][number]) if transformation["type"] == "scale" else 1.0
        if axis["name"] in sizes and factor:
            sizes[axis["name"]] = factor
    return PhysicalSize(sizes["x"], sizes["y"], sizes["z"])


def _in_imagej(text: str, density: tuple[float, ...]) -> PhysicalSize:
    """ImageJ names the unit, writes pixels per unit as the resolution, and the distance of slices as spacing."""
    facts = dict(line.partition("=")[::2] for line in text.splitlines())
    factor = UNITS.get(facts.get("unit", "").lower(), 0.0)
    spacing = float(facts.get("spacing", 0.0)) * factor
    x, y = (factor / each if each else 0.0 for each in (density if len(density) == 2 else (0.0, 0.0)))
    return PhysicalSize(x, y, abs(spacing))


def _in_png(data: mmap.mmap) -> PhysicalSize:
    place = data.find(b"pHYs", 8, 1 << 20)
    if place < 0 or data.find(b"IDAT", 8, place) >= 0:
        return PhysicalSize()
    x, y, unit = struct.unpack_from(">IIB", data, place + 4)
    return _by_density(x / 100, y / 100) if unit == 1 else PhysicalSize()


def _in_jpeg(data: mmap.mmap) -> PhysicalSize:
    """By EXIF, or by JFIF, which holds whole numbers only."""
    place = 2
    jfif = PhysicalSize()
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, place + 2)
        content = bytes(data[place + 4 : place + 2 + length])
        if data[place + 1] == 0xE1 and content.startswith(b"Exif\0\0"):
            size = _in_tiff(content[6:])
            if size != PhysicalSize():
                return size
        if data[place + 1] == 0xE0 and content.startswith(b"JFIF\0"):
            unit, x, y = struct.unpack_from(">BHH", content, 7)
            jfif = _by_density(*(each / (2.54 if unit == 1 else 1.0) for each in (x, y))) if unit in (1, 2) else jfif
        place += 2 + length
    return jfif


def _by_density(x: float, y: float) -> PhysicalSize:
    """By pixels a centimetre: a physical size where they are finer than print is, a print resolution elsewhere."""
    if min(x, y) <= 0:
        return PhysicalSize()
    if 1e4 / x <= FINEST_PRINT and 1e4 / y <= FINEST_PRINT:
        return PhysicalSize(1e4 / x, 1e4 / y)
    return PhysicalSize(dpi=(x * 2.54, y * 2.54))


def _ratio(data: bytes) -> float:
    above, below = struct.unpack("<II", data[:8])
    return above / below if below else 0.0


def _sane(size: PhysicalSize) -> PhysicalSize:
    """The size without what no microscope or camera has."""

    def kept(value: Any) -> float:
        return round(value, 12) if isfinite(value) and SMALLEST <= value <= LARGEST else 0.0

    x, y = kept(size.x), kept(size.y)
    both = bool(x and y)
    dpi = (kept(size.dpi[0]), kept(size.dpi[1]))
    return PhysicalSize(x * both, y * both, kept(size.z), dpi if all(dpi) else (0.0, 0.0))
