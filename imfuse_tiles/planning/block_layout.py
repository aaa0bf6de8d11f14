"""Cutting stages into blocks that fit the memory and keep every worker busy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import lcm, prod

from imfuse_tiles.errors import TooLarge
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame
from imfuse_tiles.options.resources import Resources, worker_location
from imfuse_tiles.planning.memory import PROGRAM_BYTES, format_size, memory_limits
from imfuse_tiles.stages.access import CHUNK, chunk_factor
from imfuse_tiles.stages.array_layout import FLAT, Layout
from imfuse_tiles.stages.stage import Stage

EDGES = (2048, 1024, 512, 256, 128, 64)
LARGER_EDGE = 4096


#: Blocks are no larger than this many halos (and the second of the edges) need them: new memory is slow.
HALOS_PER_EDGE = 12


#: Slices that one task takes together at most, so that the strongest of them is kept without another pass.
SLICES_PER_BLOCK = 12


#: The smallest chunks are this part of the largest, and disk that they may take more than those that take least.
SMALLEST, MORE = 0.625, 1.01


@frozen
class BlockLayout:
    """A stage's layout, the bytes one block needs, and how many blocks may be in memory at once."""

    layout: Layout
    block_bytes: int
    at_once: int


def memory_used(resources: Resources, cut: BlockLayout) -> int:
    """Bytes that a stage takes of what is allowed: on this machine, or of each worker on others."""
    if worker_location(resources.scheduler) == "remote":
        return PROGRAM_BYTES + cut.block_bytes * resources.cluster.threads
    return resources.memory - memory_limits(resources)[1] + cut.block_bytes * cut.at_once


def lay_out(stage: Stage, resources: Resources, layout: Layout | None = None) -> BlockLayout:
    """The largest blocks that fit the memory and still keep every worker busy; Refusal when none fits.

    ``layout``: that of an earlier, unfinished run of the stage, kept as long as it fits.
    """
    if layout is not None and (blocks := adopt_layout(stage, resources, layout)):
        return blocks
    one, space = memory_limits(resources)
    possible = candidate_layouts(stage, resources)
    together = [option for option in possible if stage.memory(option) * resources.workers <= space]
    busy = [option for option in together if stage.count(option) >= 2 * resources.workers]
    # The largest blocks that keep all workers busy; for a small frame the smallest of at least one chunk, which may be
    # a little smaller than the usual one, so that it fills the frame.
    least = min(CHUNK, possible[0].chunk)
    for option in [*(option for option in busy if option.edge >= least), *reversed(together)]:
        if option.edge >= least or option is together[0]:
            return sized(stage, option, resources, space)
    for option in reversed(possible):
        if stage.memory(option) <= one:
            return sized(stage, option, resources, space)
    raise too_large(stage, resources, (stage,))


def candidate_layouts(stage: Stage, resources: Resources) -> list[Layout]:
    """The layouts that a stage may have, the one of the largest blocks first."""
    if resources.tile:
        return [layout_of_edge(stage, resources.tile)]
    return [
        layout_of_edge(stage, edge, largest_chunk(stage.frame, stage.grain, CHUNK * _factor(stage)))
        for edge in candidate_edges(stage, resources)
    ]


def _factor(stage: Stage) -> int:
    """How many times as wide as others the chunks of a stage may be: those of a stack's frames."""
    return chunk_factor(stage.frame) if stage.banded and stage.slices > 1 else 1


def candidate_edges(stage: Stage, resources: Resources) -> Sequence[int]:
    """Edges of blocks that are sensible for a stage, the largest first: elsewhere each costs its scheduler time."""
    if worker_location(resources.scheduler) == "remote":
        return EDGES
    if stage.job.parted and chunk_factor(stage.frame) > 1:
        return (LARGER_EDGE, *EDGES)  # with wide chunks around them
    return EDGES if stage.job.parted or HALOS_PER_EDGE * stage.halo.radius > EDGES[1] else EDGES[1:]


def sized(stage: Stage, layout: Layout, resources: Resources, limit: int) -> BlockLayout:
    """A layout with the bytes of a block, and how many blocks ``limit`` bytes hold at once."""
    need = stage.memory(layout)
    return BlockLayout(layout, need, max(1, min(resources.workers, limit // max(need, 1))))


def adopt_layout(stage: Stage, resources: Resources, layout: Layout) -> BlockLayout | None:
    """A layout that another program chose for the stage, None when its blocks do not fit the memory."""
    one, space = memory_limits(resources)
    return sized(stage, layout, resources, space) if stage.memory(layout) <= one else None


def layout_of_edge(stage: Stage, edge: int, most: int = CHUNK) -> Layout:
    """Blocks of about ``edge`` pixels, made of whole chunks of at most ``most``."""
    parts = -(-edge // max(CHUNK, most))
    chunk = min(most, -(-edge // parts // stage.grain) * stage.grain)
    if stage.whole or (stage.banded and not stage.about.get("rows")):
        side = stage.frame[0] if stage.banded else max(stage.frame)
        return Layout(chunk, -(-side // chunk) * chunk, 1)
    runs = -(-stage.slices // SLICES_PER_BLOCK)
    return Layout(chunk, chunk * parts, 1 if stage.banded else -(-stage.slices // runs))


@lru_cache(maxsize=64)
def largest_chunk(frame: Frame, grain: int = 1, most: int = CHUNK) -> int:
    """Edge of the largest chunks that fill a frame about as well as any: a chunk at its side is stored whole."""

    def stored(chunk: int) -> int:
        return prod(-(-side // min(chunk, side)) * min(chunk, side) for side in frame)

    step = lcm(grain, FLAT)
    edges = range(most // step * step, int(SMALLEST * most), -step) or [-(-most // grain) * grain]
    least = min(map(stored, edges))
    return next(edge for edge in edges if stored(edge) <= MORE * least)


def too_large(stage: Stage, resources: Resources, stages: Sequence[Stage]) -> TooLarge:
    """What to say of a stage that does not fit the memory, with a tile with which all of ``stages`` would."""
    limit = memory_limits(resources)[0]
    fits = next((edge for edge in EDGES if all(_fits(other, edge, limit) for other in stages)), None)
    advice = f"--tile {fits} would fit" if fits else "give it more with --memory"
    need = min(map(stage.memory, candidate_layouts(stage, resources))) + resources.memory - limit
    return TooLarge(
        f"stage {stage.name} needs {format_size(need)} of memory, "
        f"allowed is {format_size(resources.memory)} (--memory); {advice}"
    )


def _fits(stage: Stage, edge: int, limit: int) -> bool:
    return stage.memory(layout_of_edge(stage, edge)) <= limit
