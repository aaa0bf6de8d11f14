"""What preparing frames has to know of whole frames: of the mean of all of them, and of each as it is so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.reading import Header, open_frame
from imfuse_tiles.imageio.stack import FULL, FrameWarp
from imfuse_tiles.options.preparation_chain import PreparationChain
from imfuse_tiles.options.preparation_tone import ContrastStretch
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.ingest import BAND
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.prepare import MeasuredBy, bands, load_numbers, parts, preparation_memory, prepared_planes
from imfuse_tiles.stages.source_windows import SourceWindows
from imfuse_tiles.storage.store import Store

#: Samples of a mean of floating-point frames are summed as whole numbers of this size: the order does not matter.
SUM_SCALE = 1 << 24


@frozen
class MeanImageJob(Job):
    """The darkest and brightest sample and the mean of the mean of all frames as they are in their files."""

    kind: ClassVar[str] = "reduce"
    step: ClassVar[str] = ""

    headers: tuple[Header, ...]

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        return measure_mean(self.headers, block.region)

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return merge_means(reports)

    def memory(self, height: int, width: int) -> int:
        decoder = max(header.decode_bytes for header in self.headers)
        return decoder + height * width * self.headers[0].planes * (8 + 2 * 4)


def measure_mean(headers: Iterable[Header], region: Region) -> dict[str, Any]:
    """Of rows of the mean of frames: least and largest sample in 0..1, and their sum in whole numbers."""
    sums: np.ndarray | None = None
    count = 0
    for header in headers:
        with open_frame(header) as frame:
            rows = frame.rows(region.y0, region.y1)[: header.channels]
        whole = rows.dtype.kind == "u"
        sums = np.zeros(rows.shape, np.uint64 if whole else np.float64) if sums is None else sums
        sums += rows
        count, full = count + 1, FULL[header.dtype]
    assert sums is not None
    mean = sums / (count * full)
    total = int(sums.sum()) if whole else int(np.rint(mean * SUM_SCALE).astype(np.int64).sum())
    scale = count * int(full) if whole else SUM_SCALE
    return {"low": float(mean.min()), "high": float(mean.max()), "sum": total, "count": sums.size * scale}


def merge_means(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The numbers of the whole mean image from those of its parts."""
    found = list(reports)
    total, count = (sum(report[name] for report in found) for name in ("sum", "count"))
    return {"low": min(report["low"] for report in found), "high": max(report["high"] for report in found),
            "mean": total / count}  # fmt: skip


@frozen
class FrameRangeJob(Job):
    """What becomes black and white in every frame, by counting its intensities after the options of a chain."""

    kind: ClassVar[str] = "reduce"
    step: ClassVar[str] = ""

    headers: tuple[Header, ...]
    chain: PreparationChain
    measured: MeasuredBy
    op: ContrastStretch
    warps: tuple[FrameWarp, ...] = ()
    first: int = 0

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        numbers, place = self.measured.numbers(access.store, block.z0), block.z0 - self.first
        mean = load_numbers(access.store, self.measured.mean) if self.measured.mean else {}
        warp = self.warps[place] if self.warps else None
        found = frame_range(self.headers[place], warp, self.chain, numbers, self.op, mean)
        return {"slice": block.z0, **found}

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return {"frames": sorted(reports, key=lambda report: report["slice"])}

    def for_block(self, block: Block) -> FrameRangeJob:
        some = slice(block.z0, block.z1)
        return replace(self, headers=self.headers[some], warps=self.warps[some], first=block.z0)

    def memory(self, height: int, width: int) -> int:
        height, width = self.chain.size
        sides = (height, min(width, BAND)) if self.chain.turns_sides else (min(height, BAND), width)
        return preparation_memory(self.headers, self.warps, self.chain, sides)


def frame_range(
    header: Header, warp: FrameWarp | None, chain: PreparationChain, numbers: list[dict[str, Any]],
    op: ContrastStretch, mean: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """The steps of 65535 that become black and white in a frame prepared by a chain."""
    height, width = chain.size
    counts = np.zeros(kernels.tone_curves.STEPS + 1, np.int64)
    with open_frame(header) as frame:
        source = SourceWindows(frame, warp)
        for band in bands(Region(0, height, 0, width), (BAND, BAND), chain.turns_sides):
            for part in parts(band):
                planes = prepared_planes(source, header, chain, numbers, part)[: header.channels]
                counts += kernels.tone_curves.intensity_counts(planes)
    black, white = kernels.tone_curves.black_and_white(counts, *op.left_out(height * width, mean))
    return {"black": black, "white": white}
