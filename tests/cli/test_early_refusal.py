"""What memory and disk never allow is refused before frames are compared, and what they may allow is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from imfuse_tiles import Refusal
from imfuse_tiles.cli.early_refusal import check_room_early
from imfuse_tiles.cli.main import main
from imfuse_tiles.execution.pipeline import plan_of
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.simulation import render
from imfuse_tiles.storage.store import Store


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = render(tmp_path_factory.mktemp("moved"), 240, 180, 3, 3, misalign=True)
    return [str(path) for path in sorted(folder.glob("slice_*.tif"))]


@pytest.mark.parametrize("words", [["--memory", "100K"], ["--disk", "20K"]])
def test_frames_are_not_compared_for_what_is_refused(
    words: list[str], images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("imfuse_tiles.execution.align_stack.estimate", None)
    assert main(["fuse", "--wavelet", "--quiet", *words, "-o", str(tmp_path / "result.tif"), *images]) == 2
    assert words[0] in capsys.readouterr().err


def test_what_may_do_for_a_smaller_area_is_not_refused(images: list[str], tmp_path: Path) -> None:
    stack, store, seen = open_stack(images), Store.at(tmp_path / "store"), []

    def plan(frames: Stack, most: int) -> Plan:
        seen.append(frames.frame)
        if frames.frame[0] > most:
            raise Refusal(f"{frames.frame[0]} rows")
        return make_plan(Recipe(()), frames)

    assert check_room_early(stack, Recipe(()), store, lambda frames: plan(frames, 170)) is None
    assert seen[0] == (180, 240)
    assert seen[1][0] < 150
    with pytest.raises(Refusal, match="180 rows"):
        check_room_early(stack, Recipe(()), store, lambda frames: plan(frames, 100))


@pytest.mark.parametrize(("compared", "plans"), [(False, 1), (True, 2)])
def test_frames_that_stay_as_they_are_are_planned_once(
    compared: bool, plans: int, images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compared:  # smaller ones are not
        images = [str(path) for path in sorted(render(tmp_path / "small", 120, 90, 3, 3).glob("slice_*.tif"))]
    made = []
    monkeypatch.setattr("imfuse_tiles.cli.fuse_run.plan_of", lambda *args: made.append(plan_of(*args)) or made[-1])
    place = tmp_path / "result.tif"
    assert main(["fuse", "--wavelet", "--quiet", "--store", str(tmp_path / "store"), "-o", str(place), *images]) == 0
    assert len(made) == plans
