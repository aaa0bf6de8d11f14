"""A small picture of the step at work, refreshed from the store while a run goes on.

Every finished block is read once and thinned out, a few at a time, so that the picture costs no more than a
few percent of the run; blocks that there was no time for is drawn later or not at all.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from imfuse_tiles import __version__
from imfuse_tiles.errors import AlreadyExists
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.stack import FULL
from imfuse_tiles.imageio.writing import Picture, check_target, write_picture
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.stage import Access, Block, Layout, Stage
from imfuse_tiles.storage.store import Store

MAX_EDGE = 1000
#: Seconds between two pictures at least, and the share of a core's time that drawing may take.
MIN_PAUSE, CPU_SHARE = 2.0, 0.03


@frozen
class PreviewSource:
    """How blocks of a stage are looked at: an array, and the planes that a block wrote into it."""

    path: str
    full: float
    sliced: bool
    lead: tuple[tuple[int, int], ...]

    def read(self, access: Access, block: Block, step: int) -> np.ndarray:
        """Every ``step``-th sample (planes, y, x) of a block, float32."""
        region = block.region
        y0, x0 = -(-region.y0 // step) * step, -(-region.x0 // step) * step
        lead = [*self.lead, (block.z0, block.z0 + 1)] if self.sliced else list(self.lead)
        samples = access.read(self.path, lead, region)
        planes = samples.reshape(-1, *region.shape)[:, y0 - region.y0 :: step, x0 - region.x0 :: step]
        return planes.astype(np.float32) / np.float32(self.full)


def preview_source(stage: Stage, plan: Plan) -> PreviewSource | None:
    """How a stage can be looked at, None when it makes no picture."""
    if not stage.outputs:
        return None
    output = stage.outputs[0]
    kind, full = output.path.partition("/")[0], FULL[output.dtype]
    if kind in ("mask", "merge"):
        return PreviewSource(output.path, full, True, ())
    if kind in ("source", "file", "image"):
        return PreviewSource(output.path, full, True, ((0, output.lead[0]),))
    if kind in ("montage", "picture", "final"):
        job = plan.result.job
        colours = job.colours if kind == "final" and isinstance(job, FinishJob) else plan.stack.planes
        return PreviewSource(output.path, full, False, ((0, colours),))
    return None


class Preview(Progress):
    """Draws into ``path`` in a thread of its own from :meth:`start` to :meth:`close`."""

    def __init__(self, path: Path, plan: Plan, store: Store, force: bool) -> None:
        self.path, self.plan, self.store = path, plan, store
        self.note = f"preview-{digest(str(path.absolute()))}"
        self.current: Stage | None = None
        self.canvas: np.ndarray | None = None
        self.drawn: set[str] = set()
        self.end, self.changed = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        check_target(path, Picture(1, 1, 3, "uint8"), force=True)
        if path.exists() and not force and not self.is_own():
            raise AlreadyExists(f"{path}: exists already; --force overwrites it")

    def is_own(self) -> bool:
        """Whether the file is one that an earlier run of this store drew."""
        note = self.store.numbers.load(self.note)
        return note is not None and self.path.is_file() and self.path.stat().st_mtime_ns == note["mtime_ns"]

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.current = stage
        self.changed.set()

    def start(self) -> None:
        self.thread.start()

    def close(self) -> None:
        """Stop, with a last look at the result."""
        self.end.set()
        self.changed.set()
        if self.thread.is_alive():
            self.thread.join()
        self.current = self.plan.result
        self.draw(time.monotonic() + MIN_PAUSE)

    def _watch(self) -> None:
        pause = MIN_PAUSE
        while not self.end.wait(pause):
            began = time.thread_time()
            self.draw(time.monotonic() + MIN_PAUSE / 4)
            pause = max(MIN_PAUSE, (time.thread_time() - began) / CPU_SHARE)

    def draw(self, until: float) -> None:
        """Draw blocks that are not there yet until time is up, and write the picture. Trouble is no reason to stop."""
        with suppress(Exception):
            stage = self.current
            seen = preview_source(stage, self.plan) if stage else None
            if stage is None or seen is None or not self._update(stage, seen, until):
                return
            assert self.canvas is not None
            planes = to_display(self.canvas)
            _, height, width = planes.shape
            picture = Picture(height, width, 3, "uint8", stage.name, f"imfuse-tiles v{__version__}")
            write_picture(self.path, picture, [np.ascontiguousarray(np.moveaxis(planes, 0, -1))], force=True, workers=1)
            self.store.numbers.save(self.note, {"mtime_ns": self.path.stat().st_mtime_ns})

    def _update(self, stage: Stage, seen: PreviewSource, until: float) -> bool:
        """Draw new blocks onto the canvas; whether there were any."""
        step = -(-max(stage.frame) // MAX_EDGE)
        layout = self.store.journal(stage.key).layout()
        if layout is None:
            return False
        if self.changed.is_set() or self.canvas is None:
            self.changed.clear()
            self.drawn = set()
            self.canvas = np.full((3, -(-stage.frame[0] // step), -(-stage.frame[1] // step)), np.nan, np.float32)
        new = [name for name in self.store.journal(stage.key).completed_blocks() if name not in self.drawn]
        access = Access(self.store)
        for name in reversed(new):  # the latest first
            block = block_of_name(stage, Layout(**layout), name)
            part = seen.read(access, block, step)
            y, x = -(-block.region.y0 // step), -(-block.region.x0 // step)
            self.canvas[:, y : y + part.shape[1], x : x + part.shape[2]] = part
            self.drawn.add(name)
            if time.monotonic() > until:
                break
        return bool(new)


def block_of_name(stage: Stage, layout: Layout, name: str) -> Block:
    """The block of a name."""
    run, y0, x0 = map(int, name.split("/"))
    height, width = stage.frame
    right = width if stage.banded else min(x0 + layout.edge, width)
    region = Region(y0, min(y0 + layout.edge, height), x0, right)
    return Block(run, run * layout.run, min((run + 1) * layout.run, stage.slices), region)


def to_display(canvas: np.ndarray) -> np.ndarray:
    """A canvas as uint8: masks stretched to their range, what is not there yet dark."""
    known = np.isfinite(canvas)
    if known.any() and np.array_equal(canvas[0], canvas[1], equal_nan=True):
        low, high = np.nanpercentile(canvas[0], (0.5, 99.5))
        canvas = (canvas - low) / ((high - low) or 1.0)
    grey = np.clip(np.where(known, canvas, 0), 0, 1) * 239 + 16
    return np.where(known, grey, 8).astype(np.uint8)
