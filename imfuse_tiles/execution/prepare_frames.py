"""Frames of a stack as they are fused, band by band, prepared if they are to be: for files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.reading import open_frame
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.preparation_chain import PreparationChain
from imfuse_tiles.options.preparation_tone import ContrastStretch
from imfuse_tiles.stages.measure_frames import frame_range, measure_mean, merge_means
from imfuse_tiles.stages.prepare import Numbers, prepared_band
from imfuse_tiles.stages.source_windows import SourceWindows

#: Rows of a band; more where a file would be read again for each, up to so many bytes.
BAND, BAND_BYTES = 256, 1 << 28


def measure_stack(stack: Stack, chain: PreparationChain, workers: int, memory: int) -> list[Numbers]:
    """What has to be known for every frame and option of the chain; ``memory``: bytes that this may take."""
    mean = stack_mean(stack, workers, memory) if any(step.needs_mean_image for step in chain.steps) else {}
    known: list[Numbers] = [[] for _ in stack.headers]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for count, step in enumerate(chain.steps):
            found = [dict(mean) for _ in known]
            if isinstance(step, ContrastStretch):
                part = chain.until(count)
                warps = stack.warps or (None,) * len(stack)
                found = list(pool.map(lambda header, warp, numbers, step=step, part=part: frame_range(
                    header, warp, part, numbers, step, mean), stack.headers, warps, known))  # fmt: skip
            for numbers, new in zip(known, found, strict=True):
                numbers.append({**mean, **new})
    return known


def stack_mean(stack: Stack, workers: int, memory: int) -> dict[str, float]:
    """The numbers of the mean image of the files of a stack."""
    height, width = stack.file_frame
    rows = memory // max(1, 2 * workers * width * stack.planes * 16)
    step = max(1, min(height, BAND if all(header.random_access for header in stack.headers) else rows))
    regions = [Region(y0, min(y0 + step, height), 0, width) for y0 in range(0, height, step)]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        return merge_means(pool.map(lambda region: measure_mean(stack.headers, region), regions))


def prepared_bands(
    stack: Stack, number: int, chain: PreparationChain, numbers: Numbers, opacity: bool
) -> Iterator[np.ndarray]:
    """The rows of a prepared frame: (rows, width, planes). ``opacity``: with that of the resampled frame."""
    (height, width), header = stack.frame, stack.headers[number]
    row_bytes = width * (header.channels + 1) * np.dtype(header.dtype).itemsize
    step = max(BAND, BAND_BYTES // row_bytes) if chain.turns_sides else BAND
    with open_frame(header) as frame:
        source = SourceWindows(frame, stack.warps[number] if stack.warps else None, opacity)
        for y0 in range(0, height, step):
            band = Region(y0, min(y0 + step, height), 0, width)
            samples = prepared_band(source, header, chain, numbers, band)
            yield np.ascontiguousarray(np.moveaxis(samples, 0, -1))
