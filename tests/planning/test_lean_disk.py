"""The disk that a lean run takes is known before it begins."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from lean_runs import LEAN, OPTIONS, Ends, Killed, run
from stacks import frames, recipe_of, stack_of

from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.planning.disk import disk_growth
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store


class Disk(Progress):
    """The largest size that a store has while a run goes on, in bytes of the file system."""

    def __init__(self, store: Store) -> None:
        self.folder, self.most = store.folder, 0

    def finished(self, stage: Stage) -> None:
        self.most = max(self.most, used(self.folder))


def used(folder: Path) -> int:
    """Bytes of all files as the file system has them."""
    return sum(os.stat(Path(at, name)).st_blocks * 512 for at, _, names in os.walk(folder) for name in names)


@pytest.mark.parametrize("text", [OPTIONS, "--wavelet --substacks=n2 --finalgamma=auto", "--darkness --bg=enfuse"])
def test_the_disk_that_a_lean_run_takes_is_known_before(text: str, store: Store, tmp_path: Path) -> None:
    plan = make_plan(recipe_of(text), stack_of(tmp_path / "in", frames(4, shape=(400, 360))))
    how, disk = replace(LEAN, tile=128), Disk(store)
    work = survey(plan, store, how)
    need, whole = disk_growth(work, lean=True), disk_growth(work)
    run(plan, store, how, disk)
    assert disk.most <= 1.02 * need.most
    assert need.most <= 1.05 * disk.most
    assert used(store.folder) == pytest.approx(need.end, rel=0.05)
    assert need.most < 0.9 * whole.most
    assert disk_growth(survey(plan, store, how), how.lean) == (0, 0)


def test_of_a_run_that_goes_on_the_rest_is_known(plan: Plan, store: Store) -> None:
    with pytest.raises(Killed):
        run(plan, store, LEAN, Ends(stages=7))
    before, need, disk = used(store.folder), disk_growth(survey(plan, store, LEAN), lean=True), Disk(store)
    run(plan, store, LEAN, disk)
    assert disk.most - before <= need.most + 8 * 4096
    assert need.end < 0, "it ends with less than there is"
    assert used(store.folder) - before == pytest.approx(need.end, rel=0.1)
