"""Cutting stages into blocks that fit the memory and keep every worker busy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import lcm, prod

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame
from imfuse_tiles.options.resources import Resources, place
from imfuse_tiles.planning.memory import BASE, shown, spaces
from imfuse_tiles.stages.stage import CHUNK, FLAT, Layout, Stage

EDGES = (2048, 1024, 512, 256, 128, 64)


#: Blocks are no larger than this many halos (and the second of the edges) need them: new memory is slow.
HALOS = 12


#: Slices that one task takes together at most, so that the strongest of them is kept without another pass.
RUN = 12


#: The smallest chunks are this part of the largest, and disk that they may take more than those that take least.
SMALLEST, MORE = 0.625, 1.01


@frozen
class Cut:
    """A stage's layout, the bytes one block needs, and how many blocks may be in memory at once."""

    layout: Layout
    block_bytes: int
    at_once: int


def taken(resources: Resources, cut: Cut) -> int:
    """Bytes that a stage takes of what is allowed: on this machine, or of each worker on others."""
    if place(resources.scheduler) == "elsewhere":
        return BASE + cut.block_bytes * resources.cluster.threads
    return resources.memory - spaces(resources)[1] + cut.block_bytes * cut.at_once


def laid_out(stage: Stage, resources: Resources, layout: Layout | None = None) -> Cut:
    """The largest blocks that fit the memory and still keep every worker busy; Refusal when none fits.

    ``layout``: that of an earlier, unfinished run of the stage, kept as long as it fits.
    """
    one, space = spaces(resources)
    if layout is not None and stage.memory(layout) <= one:
        return _cut(stage, layout, resources, space)
    possible = layouts(stage, resources)
    together = [each for each in possible if stage.memory(each) * resources.workers <= space]
    busy = [each for each in together if stage.count(each) >= 2 * resources.workers]
    # The largest blocks that keep all workers busy; for a small frame the smallest of at least one chunk.
    for each in [*(each for each in busy if each.edge >= CHUNK), *reversed(together)]:
        if each.edge >= CHUNK or each is together[0]:
            return _cut(stage, each, resources, space)
    for each in reversed(possible):
        if stage.memory(each) <= one:
            return _cut(stage, each, resources, space)
    raise _too_big(stage, resources, one, (stage,))


def layouts(stage: Stage, resources: Resources) -> list[Layout]:
    """The layouts that a stage may have, the one of the largest blocks first."""
    if resources.tile:
        return [tiled(stage, resources.tile)]
    return [tiled(stage, edge, fitting(stage.frame, stage.grain)) for edge in edges(stage, resources)]


def edges(stage: Stage, resources: Resources) -> Sequence[int]:
    """Edges of blocks that are sensible for a stage, the largest first: elsewhere each costs its scheduler time."""
    if place(resources.scheduler) == "elsewhere":
        return EDGES
    return EDGES if stage.job.parted or HALOS * stage.halo.reach > EDGES[1] else EDGES[1:]


def check(stages: Sequence[Stage], resources: Resources) -> None:
    """Refusal of the first stage that does not fit the memory, with a tile with which all of them would."""
    for stage in stages:
        try:
            laid_out(stage, resources)
        except Refusal:
            raise _too_big(stage, resources, spaces(resources)[0], stages) from None


def _cut(stage: Stage, layout: Layout, resources: Resources, room: int) -> Cut:
    need = stage.memory(layout)
    return Cut(layout, need, max(1, min(resources.workers, room // max(need, 1))))


def tiled(stage: Stage, edge: int, most: int = CHUNK) -> Layout:
    """Blocks of about ``edge`` pixels, made of whole chunks of at most ``most``."""
    parts = -(-edge // CHUNK)
    chunk = min(most, -(-edge // parts // stage.grain) * stage.grain)
    if stage.whole or (stage.banded and not stage.about.get("rows")):
        side = stage.frame[0] if stage.banded else max(stage.frame)
        return Layout(chunk, -(-side // chunk) * chunk, 1)
    runs = -(-stage.slices // RUN)
    return Layout(chunk, chunk * parts, 1 if stage.banded else -(-stage.slices // runs))


@lru_cache(maxsize=64)
def fitting(frame: Frame, grain: int = 1) -> int:
    """Edge of the largest chunks that fill a frame about as well as any: a chunk at its side is stored whole."""

    def stored(chunk: int) -> int:
        return prod(-(-side // min(chunk, side)) * min(chunk, side) for side in frame)

    step = lcm(grain, FLAT)
    edges = range(CHUNK // step * step, int(SMALLEST * CHUNK), -step) or [-(-CHUNK // grain) * grain]
    least = min(map(stored, edges))
    return next(edge for edge in edges if stored(edge) <= MORE * least)


def _too_big(stage: Stage, resources: Resources, room: int, stages: Sequence[Stage]) -> Refusal:
    fits = next((edge for edge in EDGES if all(each.memory(tiled(each, edge)) <= room for each in stages)), None)
    said = f"--tile {fits} would fit" if fits else "give it more with --memory"
    need = min(map(stage.memory, layouts(stage, resources)))
    need += resources.memory - room
    return Refusal(
        f"stage {stage.name} needs {shown(need)} of memory, allowed is {shown(resources.memory)} (--memory); {said}"
    )
