"""Tuning in the page: a region computed with changed options, step after step, and the whole run when it is right."""

from __future__ import annotations

import secrets
import shlex
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from imfuse_tiles.errors import Interrupted, Refusal, TooLarge
from imfuse_tiles.execution.mask_warmup import warmup
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.execution.region_values import region_values
from imfuse_tiles.execution.remembered_masks import forgotten
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.imageio.writing.encode_tile import encode_png
from imfuse_tiles.kernels.eight_bits import eight_bits
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.background_run import BackgroundRun
from imfuse_tiles.viewer.opened_run import OpenedRun
from imfuse_tiles.viewer.option_forms import declarations, form_of, is_fixed, recipe_of
from imfuse_tiles.viewer.tile_images import BACKDROP

#: Pixels of the largest region, and pictures of regions that are remembered.
LARGEST, REMEMBERED = 8_000_000, 200


@frozen
class TunedRun:
    """What a run is tuned from: its stack, options and resources, and the words of a command that would run others.

    ``words``: from options and a place for the result (empty: ``result``) to the words behind ``imfuse-tiles``.
    """

    stack: Stack
    recipe: Recipe
    store: Store
    resources: Resources
    block_limit: int
    words: Callable[[Recipe, str], list[str]]
    folder: str
    result: str
    #: Bytes of the run's memory that masks take which are remembered.
    reserved: int = 0

    @property
    def stack_name(self) -> str:
        """Tells the frames, as they are read and prepared, from all others: the same steps can be tuned of the same."""
        fixed = [str(op) for op in self.recipe.ops if is_fixed(type(op))]
        read = make_plan(self.recipe, self.stack, self.block_limit, maps=False).frames_key
        return digest([read, fixed, self.recipe.revert])


class Tuner:
    """Answers the page's questions of tuning. One region is computed at a time; an older question is dropped."""

    def __init__(self, open_run: Callable[[], TunedRun], last_run: Callable[[], object] = lambda: None) -> None:
        """``last_run``: which run the store is of now; of another one ``open_run`` is asked again."""
        self.opened = OpenedRun(open_run, last_run)
        self.pictures: dict[int, bytes] = {}
        self.number = secrets.randbelow(10**8)  # a page that remembers a number of another process finds nothing
        self.latest, self.asker, self.doing, self.halt = Counter[str](), "", "", Halt()
        self.computing = threading.Lock()
        self.warmed: TunedRun | None = None  # the run whose masks were begun to be computed beforehand
        self.whole = BackgroundRun()

    @property
    def run(self) -> TunedRun:
        """The run, its stack opened when first asked for. Refusal when its images are gone."""
        return self.opened.get()

    @property
    def questions(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return {
            "options": self.options,
            "tune": self.tune,
            "tuning": self.progress,
            "whole": self.run_whole,
            "stop": self.whole.stop,
            "drop": self.drop,
        }

    def options(self, about: dict[str, Any]) -> dict[str, Any]:
        """The options of the run as a form, and what others there are. ``stack``: tells it from other frames."""
        self.opened.renew()
        return {
            "stack": self.run.stack_name,
            "form": form_of(self.run.recipe),
            "options": str(self.run.recipe),
            "declarations": declarations(),
            "most": LARGEST,
            "result": self.run.result,
            "command": self.command(self.run.recipe),
        }

    def tune(self, about: dict[str, Any]) -> dict[str, Any]:
        """A region (x, y, width, height in pixels) with the options of a ``form``. Refusal of either.

        ``page``: who asks; its older question is dropped, that of another page is waited for.
        """
        self.opened.renew()
        recipe, region, page = self.recipe(about), self.region(about.get("region")), str(about.get("page", ""))
        self.latest[page] += 1
        mine = self.latest[page]
        self.drop(about)  # not before: an older question that begins right now would be computed to its end
        with self.computing:
            self.asker, self.halt, began = page, Halt(), time.perf_counter()
            if mine != self.latest[page]:
                return {"stale": True}
            try:
                picture, exact = self.compute(recipe, region, bool(about.get("quick")))
            except Interrupted:
                return {"stale": True}
            number = self.number = self.number + 1
            self.pictures[number] = picture
            while len(self.pictures) > REMEMBERED:
                del self.pictures[min(self.pictures)]
        return {"picture": number, "exact": exact, "seconds": round(time.perf_counter() - began, 2),
                "options": str(recipe), "form": form_of(recipe), "command": self.command(recipe)}  # fmt: skip

    def drop(self, about: dict[str, Any]) -> dict[str, Any]:
        """Measure no more for the region that is being computed for a ``page``: another one is to come."""
        if self.asker == str(about.get("page", "")):
            self.halt.number = signal.SIGINT
        return {}

    def recipe(self, about: dict[str, Any]) -> Recipe:
        """The recipe of a ``form``. Refusal of one that would read other frames than those of the run."""
        recipe = recipe_of(about.get("form", ()), self.run.recipe.revert)
        own, other = (
            [str(op) for op in each.ops if is_fixed(type(op))] for each in (self.run.recipe, recipe)
        )  # fmt: skip
        if own != other:
            raise Refusal("frames are prepared as they are read: fuse with other preparations, then tune that run")
        return recipe

    def region(self, place: Any) -> Region:
        """A region of the frame. Refusal of anything else."""
        height, width = self.run.stack.frame
        if not (isinstance(place, list) and len(place) == 4 and all(isinstance(each, int) for each in place)):
            raise Refusal("a region is x, y, width and height in pixels")
        x, y, columns, rows = place
        if not (0 <= x < x + columns <= width and 0 <= y < y + rows <= height and columns * rows <= LARGEST):
            raise Refusal(f"a region lies in the frame of {width} x {height} pixels and has at most {LARGEST} of them")
        return Region(y, y + rows, x, x + columns)

    def compute(self, recipe: Recipe, region: Region, quick: bool) -> tuple[bytes, bool]:
        """The region as PNG, and whether it is just what the whole run makes."""
        run = self.run
        plan = make_plan(recipe, run.stack, run.block_limit)
        try:
            values, exact = self.values(plan, region, quick)
        finally:
            self.doing = ""
        if exact and self.warmed is run:
            warmup.make_room(run.stack.frame, len(run.stack), plan, run.store)
        elif exact:
            self.warmed = run
            warmup.start(plan, run.store, run.resources.workers)
        job = plan.result.job
        assert isinstance(job, FinishJob)
        codes, opacity = values[: job.colours], values[job.colours].astype(int)[None]
        pixels = (codes.astype(int) * opacity + BACKDROP * 257 * (65535 - opacity)) // 65535
        return encode_png(eight_bits(pixels.astype(np.uint16)).transpose(1, 2, 0).copy()), exact

    def values(self, plan: Plan, region: Region, quick: bool) -> tuple[np.ndarray, bool]:
        """``region_values`` of the run; where its memory is not enough beside remembered masks, without these."""
        run = self.run
        try:
            return region_values(plan, run.store, run.resources, region, Told(self), self.halt, quick)
        except TooLarge:
            resources = replace(run.resources, memory=run.resources.memory + run.reserved)
            with forgotten():
                return region_values(plan, run.store, resources, region, Told(self), self.halt, quick)

    def progress(self, about: dict[str, Any]) -> dict[str, Any]:
        """What is measured at the moment, whether masks are computed beforehand, and how the whole run is."""
        return {"doing": self.doing, "preparing": warmup.is_alive(), **self.whole.progress()}

    def run_whole(self, about: dict[str, Any]) -> dict[str, Any]:
        """Start the whole run with the options of a ``form`` into the file ``result``. Refusal while one goes on."""
        self.opened.renew()
        result = str(about.get("result", ""))
        words = self.run.words(self.recipe(about), result)
        self.whole.start(words, result, self.run.folder)
        return {"command": shlex.join(["imfuse-tiles", *words])}

    def command(self, recipe: Recipe) -> str:
        """The command line of the whole run with other options."""
        return shlex.join(["imfuse-tiles", *self.run.words(recipe, "")])


class Told(Progress):
    """Says in the page what of the whole stack is being measured."""

    def __init__(self, tuner: Tuner) -> None:
        self.tuner, self.done, self.blocks = tuner, 0, 0

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.done, self.blocks = reused, blocks
        self.block(stage, 0)

    def block(self, stage: Stage, more: int = 1) -> None:
        self.done += more
        self.tuner.doing = f"{stage.name}: {self.done} of {self.blocks} blocks"


def words_with(rest: Sequence[str], recipe: Recipe, store: Store, result: str) -> list[str]:
    """The words of ``fuse`` for a recipe: ``rest`` are those that are not of the recipe, nor name result and store."""
    options = [*map(str, recipe.ops), *(["--revert"] if recipe.revert else [])]
    return ["fuse", *options, f"--store={store.root}", f"--output={result}", *rest]
