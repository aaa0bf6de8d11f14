"""A run computes what is missing and nothing else, keeps what it finished, and heals what was damaged."""

from __future__ import annotations

import errno
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from stacks import frames, imagined, recipe_of, result, run, stack_of, whole

from imfuse_tiles.errors import BlockFailed, Incomplete, Interrupted, Refusal
from imfuse_tiles.execution import schedule_blocks
from imfuse_tiles.execution.fuse_stack import fuse_images
from imfuse_tiles.execution.pools import ThreadPool, open_pool
from imfuse_tiles.execution.progress import Progress, StageReport
from imfuse_tiles.execution.run import Run
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import lay_out
from imfuse_tiles.planning.memory import PROGRAM_BYTES
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages import access
from imfuse_tiles.stages.array_layout import Block, Layout
from imfuse_tiles.stages.integrity import damaged_chunks
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import ChunkedArray
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "execution.compute_block",
    "execution.pipeline",
    "execution.progress",
    "execution.schedule_blocks",
    "execution.stage_run",
)

OPTIONS = "--wavelet --maskwave --cutwave"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_of(tmp_path_factory.mktemp("stack"), frames(3, shape=(250, 230)))


@pytest.fixture
def plan(stack: Stack) -> Plan:
    return make_plan(recipe_of(OPTIONS), stack)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture(scope="module")
def expected(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The result of a run that nothing disturbs."""
    plan, store = make_plan(recipe_of(OPTIONS), stack), Store(str(tmp_path_factory.mktemp("calm") / "store"))
    run(plan, store)
    return result(plan, store)


def computed(reports: list[StageReport]) -> dict[str, int]:
    return {report.name: report.computed for report in reports if report.computed}


def path_of(plan: Plan, name: str) -> str:
    return next(stage for stage in plan.stages if stage.name == name).outputs[0].path


# What is computed


def test_a_first_run_computes_every_block_of_every_stage(plan: Plan, store: Store) -> None:
    reports = run(plan, store)
    assert [report.name for report in reports] == [stage.name for stage in plan.stages]
    for report in reports:
        assert report.computed == report.blocks > 0
        assert report.reused == 0
        assert report.bytes_read > 0
        assert (report.bytes_written > 0) == bool(report.kind != "reduce")
    assert {report.name: report.blocks for report in reports} == {
        "read frames": 9, "mask wavelet": 9, "normalise wavelet mask": 9, "merge masks": 9, "montage": 9,
        "write result": 9,
    }  # fmt: skip


def test_a_second_run_computes_nothing_and_opens_no_pool(plan: Plan, store: Store) -> None:
    run(plan, store)

    def pool() -> Any:
        raise AssertionError("a pool was opened")

    reports = Run(survey(plan, store, Resources(memory=2 << 30, workers=2)), store).execute(pool)
    assert computed(reports) == {}
    assert all(report.reused == report.blocks > 0 for report in reports)


def test_another_recipe_in_the_same_store_computes_only_what_is_new(plan: Plan, store: Store, stack: Stack) -> None:
    run(plan, store)
    other = make_plan(recipe_of("--wavelet=w60 --saturation=w25 --maskwave --cutwave"), stack)
    assert computed(run(other, store)).keys() == {"mask saturation", "merge masks", "montage", "write result"}
    assert computed(run(plan, store)) == {}


def test_a_run_in_other_tiles_goes_on_with_what_is_there(plan: Plan, store: Store, stack: Stack) -> None:
    run(plan, store, tile=100)
    other = make_plan(recipe_of("--wavelet --maskwave"), stack)
    again = {report.name: report for report in run(other, store, tile=64)}
    assert (again["mask wavelet"].computed, again["montage"].computed) == (0, 16)


def test_a_stage_that_only_finished_stages_need_is_not_made_again(plan: Plan, store: Store, stack: Stack) -> None:
    """The raw masks may be gone once the merged ones are there."""
    run(plan, store)
    for chunk in (store.folder / path_of(plan, "mask wavelet") / "c").rglob("*"):
        if chunk.is_file():
            chunk.unlink()
    assert computed(run(plan, store)) == {}
    late = make_plan(recipe_of("--wavelet --maskwave --cutwave=p60"), stack)
    assert computed(run(late, store)).keys() == {"montage", "write result"}


# Stopping and going on


class StopAfter(Progress):
    """Asks the run to end after so many blocks."""

    def __init__(self, blocks: int, halt: Halt) -> None:
        self.left, self.halt = blocks, halt

    def block(self, stage: Stage) -> None:
        self.left -= 1
        if self.left == 0:
            self.halt.number = 15


@pytest.mark.parametrize("blocks", [1, 10, 20, 30, 40, 48])
def test_a_stopped_run_goes_on_where_it_was(plan: Plan, store: Store, expected: np.ndarray, blocks: int) -> None:
    halt = Halt()
    store.create()
    resources = Resources(2 << 30, 2, 100)
    stopped = Run(survey(plan, store, resources), store, StopAfter(blocks, halt), halt)
    with pytest.raises(Interrupted) as caught:
        stopped.execute(lambda: open_pool(resources, store.root))
    assert caught.value.code == 128 + 15
    kept = sum(len(store.journal(stage.key).completed_blocks()) for stage in plan.stages)
    assert blocks <= kept < 54
    reports = run(plan, store)
    assert sum(computed(reports).values()) == 54 - kept
    assert sum(report.reused for report in reports) == kept
    assert np.array_equal(result(plan, store), expected)


def failing(when: Callable[[str, Block], bool], error: BaseException) -> Callable[..., dict[str, Any]]:
    """A way to compute blocks that raises for some."""
    real = schedule_blocks.compute_block

    def compute(root: str, job: Any, block: Block, *context: str) -> dict[str, Any]:
        if when(type(job).__name__, block):
            raise error
        return real(root, job, block, *context)

    return compute


def test_a_block_that_fails_is_named_and_all_others_are_kept(
    plan: Plan, store: Store, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = failing(lambda job, block: job == "MergeJob" and block.name == "0/100/100", ZeroDivisionError("oops"))
    with monkeypatch.context() as patch:
        patch.setattr(schedule_blocks, "compute_block", bad)
        with pytest.raises(BlockFailed, match=r"block 0/100/100 of stage merge masks failed: ZeroDivisionError: oops"):
            run(plan, store)
    merge = next(stage for stage in plan.stages if stage.name == "merge masks")
    assert "0/100/100" not in store.journal(merge.key).completed_blocks()
    assert computed(run(plan, store)) == {"merge masks": 1, "montage": 9, "write result": 9}
    assert np.array_equal(result(plan, store), expected)


def test_of_several_blocks_that_fail_the_first_is_named_and_the_others_counted(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = failing(lambda job, block: job == "MergeJob" and block.region.y0 == 100, ZeroDivisionError("oops"))
    monkeypatch.setattr(schedule_blocks, "compute_block", bad)
    said = r"block 0/100/0 of stage merge masks failed: ZeroDivisionError: oops; 2 more failed like it, all others are"
    with pytest.raises(BlockFailed, match=said):
        run(plan, store, scheduler="sync")
    merge = next(stage for stage in plan.stages if stage.name == "merge masks")
    assert len(store.journal(merge.key).completed_blocks()) == 6


def test_a_stage_whose_every_block_fails_is_given_up_soon(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    bad = failing(lambda job, block: job == "MergeJob" and not tried.append(block.name), ZeroDivisionError("oops"))
    monkeypatch.setattr(schedule_blocks, "compute_block", bad)
    with pytest.raises(BlockFailed, match=r"9 more failed like it, the blocks behind them were not tried"):
        run(plan, store, tile=50, scheduler="sync")
    assert len(tried) == schedule_blocks.MOST_FAILURES


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_the_run_clearly_and_the_next_goes_on(
    plan: Plan, store: Store, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    writes = Counter[str]()
    real = ChunkedArray.write

    def full(self: ChunkedArray, box: Any, *what: Any) -> Any:
        writes[self.path] += 1
        if self.path.startswith("montage/") and writes[self.path] == 3:
            raise OSError(number, "disk full")
        return real(self, box, *what)

    with monkeypatch.context() as patch:
        patch.setattr(ChunkedArray, "write", full)
        with pytest.raises(Incomplete, match=r"disk is full: stage montage .* free") as caught:
            run(plan, store, workers=1)
    assert caught.value.code == 4
    # A block was waiting behind the one that failed, and may have been begun.
    assert computed(run(plan, store)) in ({"montage": 7, "write result": 9}, {"montage": 6, "write result": 9})
    assert np.array_equal(result(plan, store), expected)


def test_a_refusal_of_a_block_is_passed_on_as_it_is(plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        schedule_blocks, "compute_block", failing(lambda job, _: job == "IngestJob", Refusal("s00.tif: damaged"))
    )
    with pytest.raises(Refusal, match=r"^s00\.tif: damaged$"):
        run(plan, store)


# Damage


@pytest.mark.parametrize("name", ["read frames", "mask wavelet", "merge masks", "montage", "write result"])
@pytest.mark.parametrize("how", ["missing", "short", "altered"])
def test_a_damaged_chunk_is_made_again_when_it_is_needed(
    plan: Plan, store: Store, stack: Stack, expected: np.ndarray, name: str, how: str
) -> None:
    run(plan, store)
    path = path_of(plan, name)
    chunk = sorted(each for each in (store.folder / path / "c").rglob("*") if each.is_file())[4]
    raw = bytearray(chunk.read_bytes())
    chunk.unlink()
    if how != "missing":
        raw[100] ^= 1
        chunk.write_bytes(raw if how == "altered" else raw[:-5])
    # Everything behind the damaged array is to be made again, so that it is needed.
    for stage in plan.stages[[stage.name for stage in plan.stages].index(name) + 1 :]:
        store.journal(stage.key).forget()
    reports = computed(run(plan, store))
    assert reports.get(name) == 1
    assert np.array_equal(result(plan, store), expected)


def test_a_missing_array_is_made_again(plan: Plan, store: Store, expected: np.ndarray) -> None:
    run(plan, store)
    (store.folder / path_of(plan, "write result") / "zarr.json").unlink()
    assert computed(run(plan, store)) == {"write result": 9}
    assert np.array_equal(result(plan, store), expected)


def test_files_of_many_chunks_give_the_same_result_and_heal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = stack_of(tmp_path, frames(2, shape=(1030, 1100)))
    apart, together = (Store(str(tmp_path / name)) for name in ("apart", "together"))
    run(make_plan(recipe_of(OPTIONS), stack), apart, tile=2048)
    monkeypatch.setattr(access, "SHARDED_FRAME", 1)
    monkeypatch.setattr(access, "LARGE_FRAME", 1)
    plan = make_plan(recipe_of(OPTIONS), stack)
    run(plan, together, tile=2048)
    source, mask = (together.arrays.open(path_of(plan, name)) for name in ("read frames", "mask wavelet"))
    assert (source.per_file, mask.per_file) == ((2, 2), (3, 3))
    assert np.array_equal(result(plan, together), result(plan, apart))
    assert np.array_equal(zarr.open_array(Path(together.root, mask.path), mode="r")[:], whole(apart, mask.path))
    mask.chunk_file((1, 0, 0)).unlink()
    place = source.chunk_file((0, 1, 0, 0))
    place.write_bytes(place.read_bytes()[:-1] + b"?")  # its index, which only others read
    layout = Layout.of(together.journal(plan.stages[0].key).layout())
    assert layout is not None
    found = [damage.chunk_index for _, damage in damaged_chunks(together, plan.stages[0], layout, source.path)]
    assert found == [(0, 1, 0, 0)]
    again = make_plan(recipe_of("--wavelet --maskwave=p50 --cutwave"), stack)
    assert computed(run(again, together, tile=2048)).keys() == {"mask wavelet", *computed(run(again, apart, tile=2048))}
    assert np.array_equal(result(again, together), result(again, apart))


@pytest.mark.parametrize("larger_than", [(1 << 40, 1), (1, 1 << 40)], ids=["apart first", "together first"])
def test_a_store_begun_with_files_of_other_chunks_is_gone_on_with(
    larger_than: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, mixed, whole_run = stack_of(tmp_path, frames(2, shape=(1030, 1100))), tmp_path / "mixed", tmp_path / "once"
    halt, resources, stores = Halt(), Resources(2 << 30, 2, 1024), [Store(str(mixed)), Store(str(whole_run))]
    monkeypatch.setattr(access, "SHARDED_FRAME", larger_than[0])
    plan = make_plan(recipe_of(OPTIONS), stack)
    stores[0].create()
    with pytest.raises(Interrupted):
        Run(survey(plan, stores[0], resources), stores[0], StopAfter(6, halt), halt).execute(
            lambda: open_pool(resources, stores[0].root)
        )
    monkeypatch.setattr(access, "SHARDED_FRAME", larger_than[1])
    plan = make_plan(recipe_of(OPTIONS), stack)
    for store in stores:
        run(plan, store, tile=1024)
    kinds = {stores[0].arrays.open(path_of(plan, name)).per_file for name in ("read frames", "merge masks")}
    assert kinds == {(1, 1), (2, 2)}
    assert np.array_equal(*(result(plan, store) for store in stores))


def test_a_disk_that_damages_everything_is_not_tried_for_ever(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ChunkedArray.write

    def spoiled(self: ChunkedArray, box: Any, *what: Any) -> Any:
        count = real(self, box, *what)
        if self.path.startswith("mask/"):
            place = store.folder / self.chunk_name(next(self.chunk_indices(box)))
            raw = bytearray(place.read_bytes())
            raw[0] ^= 1
            place.write_bytes(raw)
        return count

    monkeypatch.setattr(ChunkedArray, "write", spoiled)
    with pytest.raises(BlockFailed, match="again and again"):
        run(plan, store)


# Bounds


@pytest.mark.parametrize(("workers", "room"), [(4, 1), (4, 2), (4, 4), (2, 9)])
def test_no_more_blocks_are_computed_at_once_than_the_memory_allows(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch, workers: int, room: int
) -> None:
    needs = {stage.name: lay_out(stage, Resources(8 << 30, 1, 100)).block_bytes for stage in plan.stages}
    memory = PROGRAM_BYTES + room * max(needs.values()) + 1000
    allowed = {stage.key: lay_out(stage, Resources(memory, workers, 100)).at_once for stage in plan.stages}
    assert min(allowed.values()) == min(workers, room)
    busy, most, lock = Counter[str](), Counter[str](), threading.Lock()
    real = schedule_blocks.compute_block

    def counted(root: str, job: Any, block: Block, *context: str) -> dict[str, Any]:
        name = type(job).__name__
        with lock:
            busy[name] += 1
            most[name] = max(most[name], busy[name])
        try:
            return real(root, job, block, *context)
        finally:
            with lock:
                busy[name] -= 1

    monkeypatch.setattr(schedule_blocks, "compute_block", counted)
    run(plan, store, memory=memory, workers=workers)
    for stage in plan.stages:
        assert most[type(stage.job).__name__] <= allowed[stage.key], stage.name


def test_few_blocks_are_submitted_ahead(plan: Plan, store: Store) -> None:
    """The graph of a huge frame is never in memory as a whole."""
    waiting: list[int] = []

    class Watched(ThreadPool):
        flying = 0

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            self.flying += 1
            waiting.append(self.flying)
            return super().submit(fn, *args, **kwargs)

    pool = Watched(2)

    class Told(Progress):
        def block(self, stage: Stage) -> None:
            pool.flying -= 1

    store.create()
    Run(survey(plan, store, Resources(2 << 30, 2, 32)), store, Told()).execute(lambda: pool)
    assert len(waiting) > 200
    assert max(waiting) <= 4


def test_half_written_files_are_only_looked_for_where_another_process_may_have_left_some(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, searched = [header.path for header in stack.headers], list[set[str]]()

    def sweep(store: Store, paths: Iterable[str] = ()) -> None:
        searched.append({path.partition("/")[0] for path in paths})

    for module in ("run", "pipeline"):
        monkeypatch.setattr(f"imfuse_tiles.execution.{module}.sweep_store", sweep)

    def looks(store: str, options: str, scheduler: str = "threads") -> bool:
        """Whether a run looks through several stages once all are computed."""
        searched.clear()
        place = tmp_path / store
        fuse_images(images, recipe_of(options), tmp_path / "r.tif", store=place, scheduler=scheduler, force=True)
        return any({"montage", "final"} <= groups for groups in searched)

    assert not looks("new", OPTIONS)
    assert looks("new", f"{OPTIONS} --cutalpha")
    assert looks("beside", OPTIONS, "processes:2")


def test_progress_hears_of_every_stage_and_block_once(plan: Plan, store: Store) -> None:
    heard: list[tuple[str, str]] = []

    class Listener(Progress):
        def stage(self, stage: Stage, blocks: int, reused: int) -> None:
            heard.append(("begin", f"{stage.name} {blocks} {reused}"))

        def block(self, stage: Stage) -> None:
            heard.append(("block", stage.name))

        def finished(self, stage: Stage) -> None:
            heard.append(("end", stage.name))

    run(plan, store, Listener())
    counts = Counter(heard)
    for stage in plan.stages:
        assert counts["begin", f"{stage.name} 9 0"] == counts["end", stage.name] == 1
        assert counts["block", stage.name] == 9


def test_a_journal_line_tells_what_a_block_read_and_wrote(plan: Plan, store: Store) -> None:
    run(plan, store)
    mask = next(stage for stage in plan.stages if stage.name == "mask wavelet")
    lines = store.journal(mask.key).completed_blocks().values()
    assert all({"block", "low", "high", "read", "written"} <= line.keys() for line in lines)
    samples = whole(store, mask.outputs[0].path)
    assert min(line["low"] for line in lines) == samples.min()
    assert max(line["high"] for line in lines) == samples.max()
    numbers = store.numbers.load(mask.key)
    assert numbers == {"low": float(samples.min()), "high": float(samples.max()), "blocks": 9}


def test_a_run_of_files_that_are_gone_is_refused_by_name(store: Store) -> None:
    with pytest.raises(Refusal, match=r"s00[01]\.tif: no such file"):
        run(make_plan(recipe_of(OPTIONS), imagined(2, (100, 100))), store)
