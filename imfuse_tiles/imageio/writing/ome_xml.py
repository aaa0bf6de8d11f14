"""The description of an OME-TIFF file: axes, channels, physical sizes."""

from __future__ import annotations

import re
import uuid
from typing import Any

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.writing.picture import Picture

#: A channel without colour of its own is shown in white: red, green, blue, opacity as a signed number.
WHITE = -1
_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DATE_TAKEN = 36867  # in the EXIF directory: DateTimeOriginal


def ome_xml(picture: Picture) -> str:
    """OME-XML (schema 2016-06) for one picture: its planes are samples of one channel, grey or RGB."""
    import tifffile

    facts: dict[str, Any] = {"Name": _plain(picture.name or "result"), **_sizes(picture), **_channel(picture)}
    if picture.description:
        facts["Description"] = _plain(picture.description)
    if date := date_taken(picture.tags):
        facts["AcquisitionDate"] = date
    shape = (picture.height, picture.width, picture.planes)
    axes = "YX" if picture.planes == 1 else "YXS"
    name = repr([shape, picture.dtype, facts, picture.software])
    xml = tifffile.OmeXml(Creator=picture.software or "imfuse-tiles", UUID=str(uuid.uuid5(uuid.NAMESPACE_OID, name)))
    stored = (1, 1, 1, *shape)
    xml.addimage(picture.dtype, shape[: len(axes)], stored, axes=axes, **facts)
    return xml.tostring(declaration=True)


def date_taken(tags: Tags) -> str:
    """When the picture was taken, as ISO 8601 has it; empty where the tags do not say or say nonsense."""
    value = tags.exif.get(_DATE_TAKEN)
    text = value.data.decode("ascii", "replace").rstrip("\0 ") if value else ""
    match = re.fullmatch(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", text)
    if not match:
        return ""
    from datetime import datetime

    try:
        return datetime.fromisoformat(f"{match[1]}-{match[2]}-{match[3]}T{match[4]}").isoformat()
    except ValueError:
        return ""


def _sizes(picture: Picture) -> dict[str, Any]:
    size = picture.size
    known = {"X": size.x, "Y": size.y, "Z": size.z}
    facts: dict[str, Any] = {}
    for axis, micrometres in known.items():
        if micrometres:
            facts |= {f"PhysicalSize{axis}": micrometres, f"PhysicalSize{axis}Unit": "µm"}
    return facts


def _channel(picture: Picture) -> dict[str, Any]:
    channel: dict[str, Any] = {"Name": [_plain(picture.name or ("grey" if picture.planes < 3 else "colours"))]}
    if picture.planes == 1:
        channel["Color"] = [WHITE]
    return {"Channel": channel}


def _plain(text: str) -> str:
    """Text without what XML cannot hold."""
    return _NOT_IN_XML.sub(" ", text.encode("utf-8", "replace").decode())
