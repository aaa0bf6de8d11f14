"""A stage reads only what its inputs name: what may be deleted when these are complete depends on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from lean_runs import FULL, OPTIONS
from stacks import frames, recipe_of, stack_of

from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.execution.run import Run
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.mask_levels import normalisation_range
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.stages.stretched_masks import mask_limits
from imfuse_tiles.storage.arrays import Arrays
from imfuse_tiles.storage.numbers import Numbers
from imfuse_tiles.storage.store import Store


@pytest.mark.parametrize(
    "text",
    [
        OPTIONS,
        "--fft --maskfft=r9 --maskblur --prepresize=p80",
        "--saturation=level --compose --enfuse --masklevel=all --cutless --cutbg=background --substacks=n2",
        "--wavelet --finalblur=s1 --finalgamma=auto --finalcmd=-auto-level --finalsharpen --layered",
        "--darkness --bg=enfuse --bg=enfuse,exposure --bg=#fff",
        "--bg=pyramid",
    ],
)
def test_a_stage_reads_only_what_its_inputs_name(
    stack: Stack, store: Store, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise something might be deleted that is still read."""
    check_what_stages_read(make_plan(recipe_of(text), stack, block_limit=1 << 20), store, monkeypatch)


def test_a_copy_from_a_pair_reads_only_what_its_inputs_name(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = stack_of(tmp_path, frames(2, shape=(260, 220)))
    check_what_stages_read(make_plan(recipe_of("--bg=pyramid"), pair, maps=False), store, monkeypatch)


def test_masks_of_frames_that_are_transparent_in_part_name_them(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.tif" for number in range(2)]
    for path, frame in zip(paths, frames(2, planes=4, shape=(60, 50)), strict=True):
        frame[3] = np.where(np.arange(50) < 20, 0, 65535)
        tifffile.imwrite(path, np.moveaxis(frame, 0, -1), photometric="rgb", extrasamples=["unassalpha"])
    stack = open_stack(paths)
    check_what_stages_read(make_plan(recipe_of("--wavelet --bg=pyramid"), stack), store, monkeypatch)


def check_what_stages_read(plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    normalisation_range.cache_clear()
    mask_limits.cache_clear()
    spy = Spy(monkeypatch)
    store.create()
    Run(survey(plan, store, FULL), store, spy).execute(lambda: open_pool(FULL, store.root))
    by_key = {stage.key: {stage.key, *(output.path for output in stage.outputs)} for stage in plan.stages}
    assert len(spy.read) == len(plan.stages)
    for stage in plan.stages:
        assert spy.read[stage.key] <= set().union(*(by_key[key] for key in (stage.key, *stage.inputs))), stage.name


class Spy(Progress):
    """Notes the arrays and numbers that are asked for while each stage is at work."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.read: dict[str, set[str]] = {}
        self.key = ""
        self.watch(patched, Arrays, "open")
        self.watch(patched, Numbers, "load")

    def watch(self, patched: pytest.MonkeyPatch, kind: type, method: str) -> None:
        real = getattr(kind, method)

        def noted(values: Any, name: str) -> Any:
            if self.key:
                self.read[self.key].add(name)
            return real(values, name)

        patched.setattr(kind, method, noted)

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.key = stage.key
        self.read[stage.key] = set()

    def finished(self, stage: Stage) -> None:
        self.key = ""
