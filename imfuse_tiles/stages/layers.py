"""Backgrounds as layers: colours with opacity, read from the store or made up."""

from __future__ import annotations

from typing import Any

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.options.backgrounds import ImageSpec
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.covered_area import within_area
from imfuse_tiles.stages.stored_frames import StoredFrames


@frozen
class Layer:
    """A background: its origin, and where its picture lies unless it is a plain colour.

    ``veiled``: the picture's last plane is its opacity; ``premultiplied``: its colours are stored times that.
    """

    image_spec: ImageSpec
    picture: StoredFrames | None = None
    veiled: bool = False
    premultiplied: bool = False
    #: What any slice covers, for a picture of the slices that does not cover all.
    area: StoredFrames | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The keys of the stages it is read from."""
        return tuple(each.key for each in (self.picture, self.area) if each)

    def record(self) -> list[Any]:
        """What decides its samples."""
        path, area = self.picture.path if self.picture else "", [self.area.key] if self.area else []
        return [self.image_spec.kind, self.image_spec.value, path, self.veiled, *area]

    @property
    def colours(self) -> int:
        """How many colour planes it needs to be shown as it is."""
        if self.picture is None:
            return 3 if self.image_spec.needs_colour else 1
        return self.picture.planes - self.veiled

    def read(self, access: Access, region: Region, colours: int) -> np.ndarray:
        """Colours with opacity (colours + 1, y, x), float32 in 0..1."""
        if self.picture is None:
            values = self.image_spec.value or (0.0, 0.0, 0.0, 0.0)
            planes = np.asarray((*values[:colours], values[3]), np.float32)
            return np.broadcast_to(planes[:, None, None], (colours + 1, *region.shape))
        planes = np.clip(self.picture.window(access, 0, region).data, 0, 1)
        planes = unpremultiply(planes, self.veiled, self.premultiplied)
        return with_colour_planes(within_area(planes, self.area, access, region), colours)


def unpremultiply(planes: np.ndarray, veiled: bool, premultiplied: bool) -> np.ndarray:
    """Colours and opacity: opaque if there is none, and the colours divided by it if they are stored times it."""
    if not veiled:
        return np.concatenate([planes, np.ones((1, *planes.shape[1:]), np.float32)])
    return np.concatenate([divide_by_opacity(planes[:-1], planes[-1]), planes[-1:]]) if premultiplied else planes


def with_colour_planes(planes: np.ndarray, colours: int) -> np.ndarray:
    """Colours with opacity in ``colours`` planes and the opacity: grey is repeated."""
    if len(planes) == colours + 1:
        return planes
    return np.concatenate([np.repeat(planes[:1], colours, axis=0), planes[-1:]])


def divide_by_opacity(colours: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Colours that were stored times their opacity, as they are; 0 where nothing can be seen."""
    seen = opacity > 0
    return np.where(seen, np.minimum(colours / np.where(seen, opacity, np.float32(1)), np.float32(1)), np.float32(0))
