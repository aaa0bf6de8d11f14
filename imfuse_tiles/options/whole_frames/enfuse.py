"""The fusion of ``--bg=enfuse`` on whole frames in memory."""

from __future__ import annotations

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.fusion_weights import FusionWeights


def fused_by_levels(
    stack: np.ndarray, full: float, fusion: FusionWeights, coverage: np.ndarray | None = None
) -> np.ndarray:
    """The picture, uint16 (planes, y, x), of a stack (slices, planes, y, x) whose full scale is ``full``.

    ``coverage``: which pixels of the slices are picture, bool (slices, y, x); None: all.
    """
    frame = stack.shape[2:]
    count = kernels.pyramid.levels_for(*frame)
    sizes = [kernels.pyramid.size_at(frame, level) for level in range(count)]
    sums = [np.zeros((stack.shape[1], *size), np.float32) for size in sizes]
    for samples, mask in zip(stack, level_masks(stack, fusion, coverage), strict=True):
        for level, size in enumerate(sizes[:-1]):
            above, here = Region(0, sizes[level + 1][0], 0, sizes[level + 1][1]), Region(0, size[0], 0, size[1])
            low = kernels.pyramid.reduce(samples, (0, 0), size, above)
            kernels.pyramid_expand.add_detail(samples, mask, low, ((0, 0),) * 3, size, here, sums[level])
            samples, mask = low, kernels.pyramid.reduce(mask, (0, 0), size, above)
        sums[-1] += samples * mask
    picture = sums.pop()
    for size, detail in zip(sizes[-2::-1], sums[::-1], strict=True):
        kernels.pyramid_expand.add_expanded(picture, (0, 0), size, Region(0, size[0], 0, size[1]), detail)
        picture = detail
    return np.clip(picture * np.float32(65535 / full) + np.float32(0.5), 0, 65535).astype(np.uint16)


def level_masks(stack: np.ndarray, fusion: FusionWeights, coverage: np.ndarray | None = None) -> list[np.ndarray]:
    """What every slice counts at every pixel: all together 1."""
    weights = [fusion.weights(Window.whole(samples)).data for samples in stack]
    if coverage is not None:
        weights = [weight * covered for weight, covered in zip(weights, coverage, strict=True)]
    shares = equal_shares(weights, coverage)
    if not fusion.soft:
        none, first = np.max(weights, axis=0) == 0, np.argmax(weights, axis=0)
        return [np.where(none, share, (first == z).astype(np.float32)) for z, share in enumerate(shares)]
    total = np.zeros_like(weights[0])
    for weight in weights:
        total += weight
    return [
        np.where(total > 0, weight / np.where(total > 0, total, 1), share)
        for weight, share in zip(weights, shares, strict=True)
    ]


def equal_shares(weights: list[np.ndarray], coverage: np.ndarray | None) -> list[np.ndarray]:
    """What slices count where none has any weight: those that are picture there alike, all where none is."""
    if coverage is None:
        return [np.full_like(weight, 1 / len(weights)) for weight in weights]
    count = coverage.sum(axis=0)
    share = np.float32(1) / np.where(count > 0, count, len(weights)).astype(np.float32)
    return [np.where(covered | (count == 0), share, np.float32(0)) for covered in coverage]
