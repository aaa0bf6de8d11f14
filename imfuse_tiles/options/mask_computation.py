"""How a mask generator's filter becomes a mask: the planes it looks at, its answers, and their sum."""

from __future__ import annotations

from collections.abc import Callable

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace

Filter = Callable[[Window], Window]


def raw_mask(op: MaskGenerator, source: Window, scene: WorkingSpace, image: Window | None = None,
             respond: Filter | None = None) -> Window:  # fmt: skip
    """The mask (y, x), float32, of a frame's window (c, y, x), without the halo and not yet levelled.

    ``image``: the window of the picture that frames are compared to. ``respond`` stands in for the option's filter.
    """
    if respond or op.whole_frame:
        x = input_planes(op, source, scene, image)
        return mask_from_planes(op, x, (respond or op.respond)(x), scene)
    fused = op.fused_mask(source, scene)
    return fused if fused is not None else _mask_in_bands(op, source, scene, image)


def _mask_in_bands(op: MaskGenerator, source: Window, scene: WorkingSpace, image: Window | None) -> Window:
    """The mask computed band by band, so that what lies between stays in the caches."""
    halo = op.halo(source.frame)
    region = source.valid_region(halo)
    mask = np.empty(region.shape, np.float32)
    for band in region.bands(halo):
        around, out = band.with_halo(halo, source.frame), mask[band.slices_in(region)]
        part, other = source.cropped(around), image and image.cropped(around)
        if not _is_sum_of_planes(op, scene):
            _write_mask(op, input_planes(op, part, scene, other), scene, band, out)
        elif other is not None:
            kernels.codes.mean_similarity(part.data, other.data, op.neg, out)
        else:
            kernels.codes.quarter_sum(input_planes(op, part, scene, None).data, op.neg, out)
    return Window(mask, region, source.frame)


def _is_sum_of_planes(op: MaskGenerator, scene: WorkingSpace) -> bool:
    """Whether the mask is the sum of the planes themselves."""
    untouched = type(op).respond is MaskGenerator.respond and not op.takes_difference
    named = op.c is not None or (op.C is None and op.I is None and scene.channel is not None)
    return untouched and not named and not _converts_back(op, scene)


def _write_mask(op: MaskGenerator, x: Window, scene: WorkingSpace, region: Region, mask: np.ndarray) -> None:
    """Write the mask (y, x) of a region, computed from the planes of its surroundings."""
    if op.needs_all_planes(x) or _converts_back(op, scene):
        mask[:] = mask_from_planes(op, x, op.respond(x), scene).cropped(region).data
        return
    # One plane at a time, so that its answer is still in the caches when it is added up.
    at, count, named = x.region.offset(region), len(x.data), op.c is not None
    alone = count == 1 and not named and (scene.channel is None or op.I is not None)
    for k, plane in enumerate(x.data):
        f = op.respond(x.with_data(plane[None])).cropped(region).data[0]
        scale = 0.25 if k + 1 == count and not named else 1.0
        kernels.combine.add(f, plane, at, op.takes_difference, op.neg, k == 0, 3 if alone else 1, scale, mask)


def mask_from_planes(op: MaskGenerator, x: Window, f: Window, scene: WorkingSpace) -> Window:
    """The mask (y, x) from the planes looked at and the answers for all of them, both (c, y, x)."""
    if op.takes_difference:
        answers, before = f.common_data(x)
        f = Window(np.minimum(np.abs(answers - before), np.float32(1)), f.common_region(x), f.frame)
    if op.neg:
        f = f.with_data(np.float32(1) - f.data)
    return f.with_data(_sum_of_planes(op, f.data, scene))


def _converts_back(op: MaskGenerator, scene: WorkingSpace) -> bool:
    """Whether the answers go back from the generator's own colour space, and so must be seen together."""
    return op.C is not None and op.c is None and scene.space != op.C and op.I is None


def input_planes(op: MaskGenerator, source: Window, scene: WorkingSpace, image: Window | None) -> Window:
    """The planes the generator works on: likeness to an image, or the frame in its colour space."""
    if image is not None:
        frame, other = source.common_data(image)
        return Window(kernels.codes.similarity(frame, other), source.common_region(image), source.frame)
    space, c = (op.C or scene.space), op.c
    if op.c is None and op.C is None:
        c = scene.channel
    if c is not None:
        return source.with_data(kernels.colour.plane(coloured(source.data), space, c)[None])
    if space == "sRGB":
        return source
    return source.with_data(kernels.colour.to_space(coloured(source.data), space))


def _sum_of_planes(op: MaskGenerator, f: np.ndarray, scene: WorkingSpace) -> np.ndarray:
    """One plane from the planes of the answer: their sum divided by four, whatever their number.

    Four is what the original divides by; it shows in masks that are not levelled. A named plane is
    taken as it is. A grey frame counts as three equal planes.
    """
    if op.c is not None:
        return f[0]
    if op.C is None and op.I is None and scene.channel is not None:
        return f[0] / np.float32(4)
    if _converts_back(op, scene):
        f = kernels.colour.from_space(f, op.C)
        f = f if scene.space == "sRGB" else kernels.colour.to_space(f, scene.space)
    return _quarter(f)


def coloured(planes: np.ndarray) -> np.ndarray:
    """Three planes, a grey frame's one repeated."""
    return planes if planes.shape[0] == 3 else np.ascontiguousarray(np.broadcast_to(planes, (3, *planes.shape[1:])))


def _quarter(planes: np.ndarray) -> np.ndarray:
    """The sum of the planes, added from the first on, divided by four; one plane counts three times."""
    parts = [planes[0]] * 3 if len(planes) == 1 else list(planes)
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    total *= np.float32(0.25)
    return total
