"""A lean run makes the same bytes, keeps what is needed and no more, and goes on wherever it was ended."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from stacks import frames, recipe_of, stack_of

from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.pipeline import plan_of, run_plan
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.execution.run import Run
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.disk import disk_growth
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.resume import read_record, recorded_blocks
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.mask_levels import normalisation_range
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.stages.stretched_masks import mask_limits
from imfuse_tiles.storage.arrays import Arrays
from imfuse_tiles.storage.folder_files import FolderFiles
from imfuse_tiles.storage.numbers import Numbers
from imfuse_tiles.storage.store import Store, delete_stage

OPTIONS = "--blur=s1 --wavelet --maskblur=s1 --cutblur=s1 --finalgamma=auto --bg=max"
FULL = Resources(memory=2 << 30, workers=1, tile=64, scheduler="sync")
LEAN = replace(FULL, lean=True)
#: What a lean run leaves: the images, numbers without arrays, the result.
LEFT = {"read frames", "normalise blur mask", "normalise wavelet mask", "measure finalgamma", "write result"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_of(tmp_path_factory.mktemp("in"), frames(3, shape=(130, 110)))


@pytest.fixture(scope="module")
def plan(stack: Stack) -> Plan:
    return make_plan(recipe_of(OPTIONS), stack)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture(scope="module")
def full(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int]:
    """The file of a run that keeps everything, and how many blocks it computed."""
    folder, counted = tmp_path_factory.mktemp("full"), Counting()
    run(plan, Store(str(folder / "store")), FULL, counted)
    return (folder / "store.tif").read_bytes(), sum(counted.blocks.values())


def run(plan: Plan, store: Store, how: Resources = LEAN, progress: Progress | None = None, again: str | None = None
        ) -> bytes:  # fmt: skip
    """A run as the program starts it; the bytes of its file."""
    place = store.folder.with_suffix(".tif")
    run_plan(plan, store, how, ExportRequest(place, force=True), progress, again=again)
    return place.read_bytes()


def there(plan: Plan, store: Store) -> set[str]:
    """The names of the stages that are complete."""
    return {stage.name for stage in plan.stages if store.numbers.load(stage.key) is not None}


def arrays(store: Store) -> set[str]:
    """The arrays of which there is anything."""
    return {f"{path.parent.name}/{path.name}" for path in store.folder.glob("*/*") if path.is_dir()}


def exported(plan: Plan) -> set[str]:
    """The arrays of the images and of the result."""
    return {plan.stages[0].outputs[0].path, plan.result.outputs[0].path}


class Counting(Progress):
    """Counts the blocks of each stage."""

    def __init__(self) -> None:
        self.blocks: Counter[str] = Counter()

    def block(self, stage: Stage) -> None:
        self.blocks[stage.name] += 1


class Killed(BaseException):
    """What nobody expects."""


class Ends(Counting):
    """Ends a run after so many blocks, or when so many stages are complete."""

    def __init__(self, blocks: int = 0, stages: int = 0) -> None:
        super().__init__()
        self.left, self.stages = blocks, stages

    def block(self, stage: Stage) -> None:
        super().block(stage)
        self.left -= 1
        if self.left == 0:
            raise Killed

    def finished(self, stage: Stage) -> None:
        self.stages -= 1
        if self.stages == 0:
            raise Killed


# What is there in the end


def test_a_lean_run_makes_the_same_bytes_and_keeps_images_numbers_and_result(
    plan: Plan, store: Store, full: tuple[bytes, int]
) -> None:
    counted = Counting()
    assert run(plan, store, LEAN, counted) == full[0]
    assert sum(counted.blocks.values()) == full[1]
    assert there(plan, store) == LEFT
    assert arrays(store) - {"journal", "numbers"} == exported(plan)


def test_a_second_lean_run_computes_nothing(plan: Plan, store: Store, full: tuple[bytes, int]) -> None:
    run(plan, store)
    counted = Counting()
    assert run(plan, store, LEAN, counted) == full[0]
    assert counted.blocks == {}


def test_a_result_that_has_its_maps_serves_without_them_though_its_montage_is_gone(
    plan: Plan, store: Store, stack: Stack
) -> None:
    run(plan, store)
    assert plan_of(plan.recipe, stack, store, LEAN, extra=False) == plan


def test_layers_that_are_exported_stay(stack: Stack, store: Store) -> None:
    plan = make_plan(replace(recipe_of("--wavelet --substacks=n1 --finalblur=s1 --bg=max"), layered=True), stack)
    run(plan, store)
    kept = {stage.outputs[0].path for stage in plan.stages if stage.key in plan.wanted}
    assert len(kept) == 4
    assert arrays(store) == kept | exported(plan)


def test_what_was_complete_before_is_kept_and_what_was_half_done_is_not(
    plan: Plan, store: Store, full: tuple[bytes, int]
) -> None:
    names = [stage.name for stage in plan.stages]
    with pytest.raises(Killed):  # in the midst of the second mask
        run(plan, store, FULL, Ends(blocks=(names.index("mask wavelet")) * 6 + 2))
    before = there(plan, store)
    assert "mask blur" in before
    assert "mask wavelet" not in before
    assert run(plan, store) == full[0]
    assert there(plan, store) == LEFT | before


def test_a_full_run_keeps_what_a_lean_one_left_unfinished(plan: Plan, store: Store, full: tuple[bytes, int]) -> None:
    with pytest.raises(Killed):
        run(plan, store, LEAN, Ends(stages=4))
    assert run(plan, store, FULL) == full[0]
    assert there(plan, store) == {stage.name for stage in plan.stages}
    assert run(plan, store) == full[0]
    assert there(plan, store) == {stage.name for stage in plan.stages}, "made to be kept"


def test_computing_anew_from_a_step_on_makes_what_went_again(plan: Plan, store: Store, full: tuple[bytes, int]) -> None:
    run(plan, store)
    for again in ("focus", "mask"):
        assert run(plan, store, again=again) == full[0]
        assert arrays(store) == exported(plan)


# Going on


@pytest.mark.parametrize("stages", range(1, 11))
def test_a_run_that_ended_after_any_stage_computes_no_block_twice(
    plan: Plan, store: Store, full: tuple[bytes, int], stages: int
) -> None:
    assert len(plan.stages) == 10
    first, second = Ends(stages=stages), Counting()
    with pytest.raises(Killed):
        run(plan, store, LEAN, first)
    assert run(plan, store, LEAN, second) == full[0]
    assert first.blocks + second.blocks == Counter(dict.fromkeys(first.blocks | second.blocks, 6)) | Counter(
        {"read frames": 9}
    )
    assert sum((first.blocks + second.blocks).values()) == full[1]
    assert arrays(store) == exported(plan)


@pytest.mark.parametrize("blocks", [5, 20, 41, 60])
def test_a_run_that_ended_after_any_block_computes_no_block_twice(
    plan: Plan, store: Store, full: tuple[bytes, int], blocks: int
) -> None:
    with pytest.raises(Killed):
        run(plan, store, LEAN, Ends(blocks=blocks))
    second = Counting()
    assert run(plan, store, LEAN, second) == full[0]
    assert blocks + sum(second.blocks.values()) == full[1]
    assert arrays(store) == exported(plan)


@pytest.mark.parametrize("step", [*range(5), 9, 17])
def test_a_run_that_ended_between_two_deletions_leaves_nothing_that_looks_finished(
    plan: Plan, store: Store, full: tuple[bytes, int], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Counting(), Counting()
    with monkeypatch.context() as patched:
        ended_at(patched, step)
        with pytest.raises(Killed):
            run(plan, store, LEAN, first)
    assert [
        stage.name
        for stage in plan.stages
        if store.numbers.load(stage.key) and not recorded_blocks(store, stage, read_record(store, stage))[1]
    ] == []
    assert run(plan, store, LEAN, second) == full[0]
    assert sum((first.blocks + second.blocks).values()) == full[1]
    assert arrays(store) == exported(plan)


def ended_at(patched: pytest.MonkeyPatch, step: int) -> None:
    """End a run at its so-manieth step of dropping stages; of a folder then only the first file is gone."""
    delete, dropping, steps = FolderFiles.delete, list[str](), iter(range(step, -1, -1))

    def delete_noted(store: Store, key: str, paths: Any) -> None:
        dropping.append(key)
        delete_stage(store, key, paths)
        dropping.pop()

    def deleted(self: FolderFiles, name: str) -> None:
        if dropping and not next(steps):
            for file in sorted(Path(self.root, name).rglob("*"))[-1:]:
                file.unlink()
            raise Killed
        delete(self, name)

    patched.setattr("imfuse_tiles.execution.run.delete_stage", delete_noted)
    patched.setattr(FolderFiles, "delete", deleted)


# Damage


class Damages(Counting):
    """Alters a chunk of an array as soon as a stage begins or is complete."""

    def __init__(self, store: Store, path: str, begun: str = "", finished: str = "") -> None:
        super().__init__()
        self.store, self.path, self.begun, self.done = store, path, begun, finished

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        if stage.name == self.begun:
            self.damage()

    def finished(self, stage: Stage) -> None:
        if stage.name == self.done:
            self.damage()

    def damage(self) -> None:
        self.begun = self.done = ""
        chunk = sorted(path for path in (self.store.folder / self.path / "c").rglob("*") if path.is_file())[1]
        raw = bytearray(chunk.read_bytes())
        raw[50] ^= 1
        chunk.write_bytes(raw)


def path_of(plan: Plan, name: str) -> str:
    return next(stage for stage in plan.stages if stage.name == name).outputs[0].path


def test_a_damaged_chunk_whose_inputs_are_gone_is_made_again_with_them(
    plan: Plan, store: Store, full: tuple[bytes, int]
) -> None:
    damages = Damages(store, path_of(plan, "merge masks"), begun="montage")
    assert run(plan, store, LEAN, damages) == full[0]
    again = {name: count for name, count in damages.blocks.items() if count > 6}
    assert again == {"read frames": 9, "mask blur": 12, "mask wavelet": 12, "merge masks": 7}
    assert arrays(store) == exported(plan), "what was made again goes again"


def test_a_result_that_is_damaged_before_it_is_exported_is_made_again(
    plan: Plan, store: Store, full: tuple[bytes, int]
) -> None:
    damages = Damages(store, path_of(plan, "write result"), finished="write result")
    assert run(plan, store, LEAN, damages) == full[0]
    assert damages.blocks["write result"] == 7
    assert damages.blocks["merge masks"] == 12
    assert arrays(store) == exported(plan)


def test_damaged_images_are_read_again_and_nothing_else(plan: Plan, store: Store, full: tuple[bytes, int]) -> None:
    damages = Damages(store, path_of(plan, "read frames"), begun="montage")
    assert run(plan, store, LEAN, damages) == full[0]
    assert damages.blocks["read frames"] == 10
    assert sum(damages.blocks.values()) == full[1] + 1


# What stages read


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


# Disk


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
