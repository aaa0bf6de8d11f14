"""The picture of the step at work."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stacks import frames, recipe_of, run, stack_of

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.stages.stage import Layout, Stage
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import live_preview
from imfuse_tiles.viewer.live_preview import Preview, block_of_name, preview_source, to_display


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return make_plan(recipe_of("--wavelet --bg=mean"), stack_of(tmp_path / "in", frames(3, shape=(150, 230))))


class Eager(Progress):
    """Draws a preview after every stage and keeps its size and brightness by the stage's name."""

    def __init__(self, drawn: Preview) -> None:
        self.drawn, self.seen = drawn, dict[str, tuple[tuple[int, int], float]]()

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.drawn.stage(stage, blocks, reused)

    def finished(self, stage: Stage) -> None:
        self.drawn.draw(time.monotonic() + 10)
        with Image.open(self.drawn.path) as image:
            self.seen[stage.name] = (image.size, float(np.asarray(image).mean()))


def test_every_step_that_makes_pictures_is_seen(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_preview, "MAX_EDGE", 100)
    store = Store(str(tmp_path / "store"))
    store.create()
    eager = Eager(Preview(tmp_path / "p.png", plan, store, force=False))
    run(plan, store, eager, tile=64)
    assert {size for size, _ in eager.seen.values()} == {(77, 50)}, "every third pixel of 230 x 150"
    assert eager.seen["normalise wavelet mask"] == eager.seen["mask wavelet"], "a measurement has no picture of its own"
    result = store.arrays.open(plan.result.outputs[0].path).read([(0, 3), (0, 150), (0, 230)])
    with Image.open(tmp_path / "p.png") as image:
        wanted = (result[:, ::3, ::3] / 65535 * 239 + 16).astype(np.uint8)
        assert np.abs(np.moveaxis(np.asarray(image), -1, 0).astype(int) - wanted).max() <= 1


def test_a_thread_draws_while_a_run_goes_on_and_once_more_at_its_end(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_preview, "MIN_PAUSE", 0.05)
    monkeypatch.setattr(live_preview, "CPU_SHARE", 1.0)
    store = Store(str(tmp_path / "store"))
    store.create()
    drawn = Preview(tmp_path / "p.png", plan, store, force=False)
    drawn.start()
    run(plan, store, drawn, tile=64)
    until = time.monotonic() + 20
    while not (tmp_path / "p.png").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert (tmp_path / "p.png").exists(), "before the end"
    drawn.close()
    assert not drawn.thread.is_alive()
    with Image.open(tmp_path / "p.png") as image:
        assert image.size == (230, 150)


def test_a_foreign_file_is_not_overwritten_but_the_own_is(plan: Plan, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.create()
    (tmp_path / "p.png").write_bytes(b"mine")
    with pytest.raises(AlreadyExists, match="--force"):
        Preview(tmp_path / "p.png", plan, store, force=False)
    run(plan, store)
    Preview(tmp_path / "p.png", plan, store, force=True).close()
    Preview(tmp_path / "p.png", plan, store, force=False).close()
    with pytest.raises(Refusal):
        Preview(tmp_path / "none" / "p.png", plan, store, force=False)


def test_trouble_with_the_picture_is_none_for_the_run(plan: Plan, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.create()
    folder = tmp_path / "gone"
    folder.mkdir()
    drawn = Preview(folder / "p.png", plan, store, force=False)
    drawn.start()
    folder.rmdir()
    run(plan, store, drawn)
    drawn.close()


def test_blocks_are_found_by_their_names(plan: Plan) -> None:
    for stage in plan.stages:
        layout = Layout(64, 64, 1 if stage.banded else 2)
        for block in stage.blocks(layout):
            assert block_of_name(stage, layout, block.name) == block


def test_masks_are_stretched_and_what_is_not_there_is_dark() -> None:
    mask = np.broadcast_to(np.linspace(0.2, 0.3, 1000, dtype=np.float32).reshape(20, 50), (3, 20, 50)).copy()
    mask[:, :2] = np.nan
    made = to_display(mask)
    assert (made[:, :2] == 8).all()
    assert made[:, 2:].min() == 16
    assert made.max() == 255


def test_measurements_have_no_view(plan: Plan) -> None:
    seen = {stage.name: preview_source(stage, plan) is not None for stage in plan.stages}
    assert seen.pop("normalise wavelet mask") is False
    assert all(seen.values())
