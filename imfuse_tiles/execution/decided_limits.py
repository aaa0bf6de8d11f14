"""Limits of merged masks that are known without merging all of them: for the exact pixels of a region.

Limits are widened to whole steps. Once values in the first and in the last step are seen, and none can lie in a later
one, they are those that measuring everything gives. Tiles with the strongest masks are merged first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import numpy as np

from imfuse_tiles.execution.remembering_jobs import RememberedMergeJob
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region, tile_indices, tile_region
from imfuse_tiles.options.mask_merging import MaskLevel
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.access import CHUNK, Access
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.stages.stage import Stage, measured_key
from imfuse_tiles.storage.store import Store

#: More than merged masks are wrong by.
ROUNDING = 1e-5
#: Which tiles come first is told by every so manieth pixel of a row and of a column, then more closely for the part
#: of all tiles that this leaves; a search gives up after the part that is left in the end.
#: Of a small stack there are at least ``FEWEST``.
COARSE_STEP, COARSE_SHARE = 8, 0.15
FINE_STEP, SHARE, FEWEST = 2, 0.02, 8
#: Pixels along the edge of a square whose mean counts: filters take away single ones.
SQUARE = {COARSE_STEP: 16, FINE_STEP: 8}


@frozen
class Extremes:
    """The least and the largest value that was seen of merged masks, and what none of them is above."""

    low: float
    high: float
    most: float

    def decide(self, levels: Iterable[MaskLevel]) -> bool:
        """Whether limits are known, as no value is below 0."""
        return all(level.limits(self.low, self.high) == level.limits(0.0, self.most) for level in levels)

    def with_values(self, made: Iterable[tuple[float, float]]) -> Extremes:
        """With more values seen: the least and the largest of each tile."""
        lows, highs = zip(*made, strict=True)
        return Extremes(min(self.low, *lows), max(self.high, *highs), self.most)

    @property
    def numbers(self) -> dict[str, Any]:
        """As a stage that measures masks notes them."""
        return {"low": self.low, "high": self.high}


#: What searches found, by the keys of the stages.
searched: dict[str, Extremes] = {}


def is_merging(stage: Stage) -> bool:
    """Whether a stage only measures the limits of merged masks."""
    return isinstance(stage.job, MergeJob) and stage.job.last and not stage.outputs


def levels_of(lean: Plan) -> Mapping[str, list[MaskLevel]]:
    """How merged masks are stretched, by the keys of the stages that measure them."""
    levels: dict[str, list[MaskLevel]] = {}
    for job in [job for stage in lean.stages for job in (stage.job, *stage.computed_jobs.values())]:
        if isinstance(job, MontageJob):
            levels.setdefault(measured_key(job.masks.key), []).append(job.masks.level)
    return levels


def are_decided(lean: Plan, needed: Sequence[Stage], guess: Store) -> bool:
    """Whether estimates give the very values that measuring all would: where only limits of merged masks are needed."""
    levels = levels_of(lean)
    return all(is_merging(stage) and stage.key in levels for stage in needed) and all(
        (seen := seen_extremes(stage, guess)) is not None and seen.decide(levels[stage.key]) for stage in needed
    )


def seen_extremes(stage: Stage, guess: Store) -> Extremes | None:
    """What is known of a stage's masks: from a search, or from patches; None where these may lie beside pictures."""
    job, numbers = stage.job, guess.numbers.load(stage.key)
    if stage.key in searched:
        return searched[stage.key]
    if numbers is None or not isinstance(job, MergeJob) or job.source is not None:
        return None
    return Extremes(numbers["low"], numbers["high"], min(1.0, job.most() + ROUNDING))


def search_limits(lean: Plan, needed: Sequence[Stage], guess: Store, store: Store, workers: int, halt: Halt) -> bool:
    """Find what decides the limits of stages that patches leave open. Whether it was found: ``searched`` has it.

    ``guess`` has the estimates, ``store`` all other numbers. Interrupted when ``halt`` says so.
    """
    levels, access = levels_of(lean), Access(store, computed=dict(lean.result.computed_jobs))
    for stage in needed:
        seen = seen_extremes(stage, guess)
        if seen is None or stage.key not in levels:
            return False
        if not seen.decide(levels[stage.key]):
            if (found := found_extremes(stage, seen, levels[stage.key], access, workers, halt)) is None:
                return False
            searched[stage.key] = found
    return True


def known_numbers() -> dict[str, dict[str, Any]]:
    """The numbers that searches found, by the keys of the stages."""
    return {key: found.numbers for key, found in searched.items()}


def found_extremes(
    stage: Stage, seen: Extremes, levels: Sequence[MaskLevel], access: Access, workers: int, halt: Halt
) -> Extremes | None:
    """What decides the limits of a stage's masks, None where it is not found soon."""
    job = stage.job
    if not isinstance(job, RememberedMergeJob):
        return None

    def extremes(tile: tuple[int, Region]) -> tuple[float, float]:
        return job.merged(Access(access.store, computed=access.computed), *tile)[1:]  # not one for several threads

    with ThreadPoolExecutor(workers) as threads:
        tiles = strongest_tiles(job, stage.slices, access.store, threads)
        for first in range(0, len(tiles), workers):
            halt.check()
            seen = seen.with_values(list(threads.map(extremes, tiles[first : first + workers])))
            if seen.decide(levels):
                return seen
    return None


def strongest_tiles(job: RememberedMergeJob, slices: int, store: Store, threads: Executor) -> list[tuple[int, Region]]:
    """Slices and regions of the tiles that are to be merged first: those with the strongest masks before filters.

    Masks that are not kept do not count; none at all if none are.
    """
    regions = [tile_region(job.frame, CHUNK, *index) for index in tile_indices(job.frame, CHUNK)]
    whole, strengths = Region(0, job.frame[0], 0, job.frame[1]), list[float]()
    for mask in threads.map(lambda z: job.sampled(store, z, whole, COARSE_STEP), range(slices)):
        if mask is None:
            return []
        strengths += [strength(mask[coarse(region)], COARSE_STEP) for region in regions]
    tiles = [(z, region) for z in range(slices) for region in regions]

    def look(tile: tuple[int, Region]) -> float:
        mask = job.sampled(store, *tile, FINE_STEP)
        return 0.0 if mask is None else strength(mask, FINE_STEP)

    some = strongest_of(tiles, strengths, max(FEWEST, int(COARSE_SHARE * len(tiles))))
    return strongest_of(some, list(threads.map(look, some)), max(FEWEST, int(SHARE * len(tiles))))


def coarse(region: Region) -> tuple[slice, slice]:
    """Rows and columns of a region among every ``COARSE_STEP``-th of a frame's."""
    y0, y1, x0, x1 = (-(-edge // COARSE_STEP) for edge in region)
    return slice(y0, y1), slice(x0, x1)


def strength(mask: np.ndarray, step: int) -> float:
    """The largest mean of squares of a mask (y, x) of which every ``step``-th row and column is there."""
    rows, columns = (min(SQUARE[step] // step, length) for length in mask.shape)
    along_y = np.add.reduce([mask[first : len(mask) - rows + 1 + first] for first in range(rows)])
    squares = np.add.reduce([along_y[:, first : mask.shape[1] - columns + 1 + first] for first in range(columns)])
    return float(squares.max(initial=0)) / (rows * columns)


def strongest_of(
    tiles: Sequence[tuple[int, Region]], strengths: Sequence[float], count: int
) -> list[tuple[int, Region]]:
    """So many tiles, the strongest first."""
    order = np.argsort(-np.asarray(strengths), kind="stable")
    return [tiles[number] for number in order[:count]]
