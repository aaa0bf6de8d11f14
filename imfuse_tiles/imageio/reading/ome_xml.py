"""What the XML of an OME-TIFF says: which picture of which file lies where along time, channel and focus.

tifffile's own reading of it opens every file that the XML names, wherever it lies, and makes lists as long as the XML
says. Here files are names beside the first one, and numbers have bounds, before anything is opened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree import ElementTree

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.series import Series

MOST_PLANES = 100_000
_MOST_BYTES = 64 << 20


@frozen
class OmeImage:
    """An image of an OME-TIFF. ``planes``: (file, page) of each picture in the order of the series, None: not told.

    The name of a file is empty for that which the XML is in.
    """

    series: Series
    planes: tuple[tuple[str, int] | None, ...]


def read_ome(text: str, pages: int) -> list[OmeImage]:
    """The images that the XML tells of, with pixels in files of ``pages`` pages where it does not say how many.

    ValueError for what is no such XML, or beyond measure.
    """
    if len(text) > _MOST_BYTES or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("OME metadata beyond measure")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"OME metadata: {error}") from error
    own = root.attrib.get("UUID", "")
    return [_image(image, pixels, own, pages) for image in _below(root, "Image") for pixels in _below(image, "Pixels")]


def _below(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """The children of a name, in whatever version of the schema."""
    return (child for child in element if child.tag.rpartition("}")[2] == name)


def _image(image: ElementTree.Element, pixels: ElementTree.Element, own: str, pages: int) -> OmeImage:
    about = pixels.attrib
    axes = about.get("DimensionOrder", "XYCZT")[:1:-1]
    if sorted(axes) != ["C", "T", "Z"]:
        raise ValueError(f"OME metadata: unknown order of dimensions {about.get('DimensionOrder')}")
    channels = list(_below(pixels, "Channel"))
    samples = {int(channel.attrib.get("SamplesPerPixel", 1)) for channel in channels} or {1}
    if len(samples) != 1 or min(samples) < 1:
        raise ValueError("OME metadata: channels of several samples per pixel")
    sizes = {axis: int(about[f"Size{axis}"]) for axis in axes}
    sizes["C"] = max(1, sizes["C"] // samples.pop())
    shape = tuple(sizes[axis] for axis in axes)
    if min(shape) < 1 or math.prod(shape) > MOST_PLANES:
        raise ValueError(f"OME metadata: {shape} planes")
    names = tuple(channel.attrib.get("Name", "") for channel in channels)[: sizes["C"]]
    series = Series(axes, shape, image.attrib.get("Name", ""), names if any(names) else ())
    return OmeImage(series, tuple(_planes(pixels, axes, shape, own, pages)))


def _planes(
    pixels: ElementTree.Element, axes: str, shape: tuple[int, ...], own: str, pages: int
) -> list[tuple[str, int] | None]:  # fmt: skip
    """The place of each plane."""
    count = math.prod(shape)
    planes: list[tuple[str, int] | None] = [None] * count
    for data in _below(pixels, "TiffData"):
        about = data.attrib
        first = 0
        for axis, size in zip(axes, shape, strict=True):
            place = int(about.get(f"First{axis}", 0))
            if not 0 <= place < size:
                raise ValueError("OME metadata: a plane beyond its axes")
            first = first * size + place
        page = int(about.get("IFD", 0))
        default = 1 if "IFD" in about else min(pages, count)
        number = int(about.get("PlaneCount", about.get("NumPlanes", default)))
        if page < 0 or not 0 <= number <= MOST_PLANES:
            raise ValueError("OME metadata: a page beyond measure")
        file = next((_file(uuid, own) for uuid in _below(data, "UUID")), "")
        for step in range(min(number, count - first)):
            planes[first + step] = (file, page + step)
    if not any(planes):
        planes = [("", number) for number in range(count)]
    return planes


def _file(uuid: ElementTree.Element, own: str) -> str:
    """The name of the file that holds a plane, empty for the file itself. ValueError for one that lies elsewhere."""
    name = uuid.attrib.get("FileName", "")
    if not name or (own and (uuid.text or "").strip() == own):
        return ""
    if "/" in name or "\\" in name or "\0" in name or name in (".", ".."):
        raise ValueError("OME metadata: names files of other folders")
    return name
