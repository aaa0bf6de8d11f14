"""Other sizes of a frame, any window of them, in step with the whole frame."""

from __future__ import annotations

from collections.abc import Callable

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Frame, Region, Window
from imfuse_tiles.lazy_numpy import np

ReadRegion = Callable[[Region], "np.ndarray"]


def interpolation_names() -> tuple[str, ...]:
    """Names of the interpolations."""
    return tuple(kernels.interpolation.INTERPOLATIONS)


def scaled_size(frame: Frame, percent: float) -> Frame:
    """A size in percent of another, rounded, at least one pixel."""
    height, width = (max(1, int(np.floor(side * percent / 100 + 0.5))) for side in frame)
    return height, width


def resample_region(read: ReadRegion, frame: Frame, target: Frame, region: Region, interpolation: str) -> Window:
    """A region of ``target`` interpolated from the samples (c, y, x) that ``read`` gives for a region of ``frame``."""
    part = Region(*kernels.interpolation.source_region(region, frame, target, interpolation))
    planes = np.ascontiguousarray(read(part))
    # Mesh chooses its diagonals by luminance, for all planes alike.
    luma = kernels.colour.plane(planes, "Gray", 0) if interpolation == "Mesh" and len(planes) == 3 else None
    made = [
        kernels.resample.resample(plane, (part.y0, part.x0), frame, target, region, interpolation, luma)
        for plane in planes
    ]
    return Window(np.stack(made) if len(made) > 1 else made[0][None], region, target)


def resize_and_back(x: Window, small: Frame, region: Region, interpolation: str) -> Window:
    """A region of a window (c, y, x) after a change to another size and back."""

    def other(part: Region) -> np.ndarray:
        return resample_region(lambda inner: x.cropped(inner).data, x.frame, small, part, interpolation).data

    return resample_region(other, small, x.frame, region, interpolation)
