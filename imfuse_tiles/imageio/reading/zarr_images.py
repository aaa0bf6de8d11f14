"""The images of a Zarr folder: OME-Zarr 0.4 and 0.5, single or many (bioformats2raw, plates), or a bare array."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.array_frames import ArrayAxes, axes_of_shape, leading_axes
from imfuse_tiles.imageio.reading.header import refuse
from imfuse_tiles.imageio.reading.series import Series
from imfuse_tiles.imageio.reading.zarr_metadata import ZarrArray, read_array, read_attributes, read_json_file

_MOST_IMAGES = 10_000
_RGB = ("ff0000", "00ff00", "0000ff")
#: The name of the channel by which results of this program tell of their opacity.
OPACITY = "opacity"


@frozen
class ZarrImage:
    """An image of a folder: its axes, and the paths of its levels, the full size first."""

    folder: Path
    axes: str
    levels: tuple[str, ...]
    series: Series

    @property
    def leading(self) -> str:
        """The axes that are not the picture's."""
        return leading_axes(self.axes)

    def array(self, level: int) -> ZarrArray:
        """The array of a level. Refusal where there is none."""
        if not 0 <= level < len(self.levels):
            raise refuse(self.folder, f"has no level {level}; --input-level may be 0 to {len(self.levels) - 1}")
        array = read_array(self.folder, self.levels[level])
        if len(array.shape) != len(self.axes):
            raise refuse(array.place, f"has {len(array.shape)} axes, not {len(self.axes)} as its metadata say")
        return array


def read_images(folder: Path) -> list[ZarrImage]:
    """All images of a folder. Refusal for one that has none."""
    about = read_attributes(folder)
    if about.get("multiscales"):
        return [_image(folder, "", about, name="")]
    paths = list(_image_paths(folder, about))
    if len(paths) > _MOST_IMAGES:
        raise refuse(folder, f"holds more than {_MOST_IMAGES} images")
    if paths:
        return [_image(folder, path, read_attributes(folder / path), name=path) for path in paths]
    if read_json_file(folder / "zarr.json").get("node_type") == "array" or (folder / ".zarray").is_file():
        array = read_array(folder, "")
        axes = axes_of_shape(array.shape)
        return [ZarrImage(folder, axes, ("",), ArrayAxes(axes, array.shape, array.dtype).series())]
    raise refuse(folder, "is a Zarr folder without images of OME-Zarr; name one of its arrays")


def _image_paths(folder: Path, about: dict[str, Any]) -> Iterator[str]:
    """Where the images of a plate, or of a file that Bio-Formats converted, lie in it."""
    plate = about.get("plate")
    if isinstance(plate, dict):
        for well in plate.get("wells") or ():
            path = _inner(folder, well["path"])
            fields = read_attributes(folder / path).get("well", {}).get("images", ())
            yield from (f"{path}/{_inner(folder, field['path'])}" for field in fields)
    elif "bioformats2raw.layout" in about:
        names = read_attributes(folder / "OME").get("series")
        if not names:
            names = sorted((path.name for path in folder.iterdir() if path.name.isdecimal()), key=int)
        yield from (_inner(folder, name) for name in names)


def _inner(folder: Path, path: Any) -> str:
    """A path that stays in the folder."""
    if not isinstance(path, str) or not re.fullmatch(r"[\w .-]+(/[\w .-]+)*", path) or ".." in path.split("/"):
        raise refuse(folder, f"names {str(path)[:60]!r}, which is no path in it")
    return path


def _image(folder: Path, path: str, about: dict[str, Any], name: str) -> ZarrImage:
    """An image by the attributes of its group."""
    try:
        scales = about["multiscales"][0]
        levels = [f"{path}/{_inner(folder, level['path'])}".lstrip("/") for level in scales["datasets"]]
        axes = [axis["name"] if isinstance(axis, dict) else axis for axis in scales.get("axes") or "tczyx"]
        letters = "".join(axis.upper() if len(axis) == 1 else "?" for axis in axes)
        array = read_array(folder, levels[0])
        channels = (about.get("omero") or {}).get("channels") or []
        labels = [str(channel.get("label") or "") for channel in channels]
        colours = tuple(str(channel.get("color", "")).lower() for channel in channels[:3])
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise refuse(folder / path, f"has damaged OME-Zarr metadata: {type(error).__name__} {error}") from error
    if not letters.endswith("YX") or "?" in letters or len(set(letters)) != len(letters):
        raise refuse(folder / path, f"has axes {', '.join(axes)}; allowed are t, c, z, y, x, in this order")
    if len(array.shape) != len(letters):
        raise refuse(folder / path, f"has {len(array.shape)} axes, not {len(letters)} as its metadata say")
    described = ArrayAxes(letters, array.shape, array.dtype)
    count = described.size("C")
    title = name or str(scales.get("name") or "")
    names = labels if len(labels) == count and any(labels) else []
    found = described.series(title, names, count in (3, 4) and colours == _RGB)
    return ZarrImage(folder, letters, tuple(levels), replace(found, has_opacity=_has_opacity(found, names)))


def _has_opacity(found: Series, names: list[str]) -> bool:
    """Whether the last channel is the opacity of the colours, or of a grey picture, before it."""
    return names[-1:] == [OPACITY] and (found.count("C") == 2 or (found.is_rgb and found.count("C") == 4))
