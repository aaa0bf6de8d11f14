"""The fusion of ``--bg=enfuse`` on whole frames in memory."""

from __future__ import annotations

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.fusion_weights import FusionWeights


def fused_by_levels(stack: np.ndarray, full: float, fusion: FusionWeights) -> np.ndarray:
    """The picture, uint16 (planes, y, x), of a stack (slices, planes, y, x) whose full scale is ``full``."""
    frame = stack.shape[2:]
    count = kernels.pyramid.levels_for(*frame)
    sizes = [kernels.pyramid.size_at(frame, level) for level in range(count)]
    sums = [np.zeros((stack.shape[1], *size), np.float32) for size in sizes]
    for samples, mask in zip(stack, level_masks(stack, fusion), strict=True):
        for level, size in enumerate(sizes[:-1]):
            above, here = Region(0, sizes[level + 1][0], 0, sizes[level + 1][1]), Region(0, size[0], 0, size[1])
            low = kernels.pyramid.reduce(samples, (0, 0), size, above)
            kernels.pyramid.add_detail(samples, mask, low, ((0, 0),) * 3, size, here, sums[level])
            samples, mask = low, kernels.pyramid.reduce(mask, (0, 0), size, above)
        sums[-1] += samples * mask
    picture = sums.pop()
    for size, detail in zip(sizes[-2::-1], sums[::-1], strict=True):
        kernels.pyramid.add_expanded(picture, (0, 0), size, Region(0, size[0], 0, size[1]), detail)
        picture = detail
    return np.clip(picture * np.float32(65535 / full) + np.float32(0.5), 0, 65535).astype(np.uint16)


def level_masks(stack: np.ndarray, fusion: FusionWeights) -> list[np.ndarray]:
    """What every slice counts at every pixel: all together 1."""
    share = np.float32(1 / len(stack))
    weights = [fusion.weights(Window.whole(samples)).data for samples in stack]
    if not fusion.soft:
        none, first = np.max(weights, axis=0) == 0, np.argmax(weights, axis=0)
        return [np.where(none, share, (first == z).astype(np.float32)) for z in range(len(stack))]
    total = np.zeros_like(weights[0])
    for weight in weights:
        total += weight
    return [np.where(total > 0, weight / np.where(total > 0, total, 1), share) for weight in weights]
