"""Dask clusters: what is lost is computed again, what cannot be is named, and no pixel passes the scheduler."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import distributed.comm.tcp as wire
import numpy as np
import psutil
import pytest
from blocks import FillJob, Hog, Poison, Tracked, plan_of
from dask_programs import Running
from program import pressed, until
from stacks import imagined, recipe_of, result, run, stack_of

from imfuse_tiles.errors import BlockFailed, Incomplete, Refusal
from imfuse_tiles.execution.cluster_pool import ClusterPool
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.options.resources import Cluster, Resources
from imfuse_tiles.planning.block_layout import lay_out
from imfuse_tiles.planning.memory import block_memory_limit
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.storage.store import Store

TESTED_MODULES = ("execution.cluster_pool",)
LAST = 400600.0


def made(**settings: Any) -> Any:
    """A cluster in this process, as a callable that a user names."""
    from distributed import LocalCluster

    quiet = {"processes": False, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1",
             "protocol": "tcp"}  # fmt: skip
    return LocalCluster(**{**quiet, "n_workers": 1, **settings})


@pytest.fixture
def counts(tmp_path: Path) -> str:
    (tmp_path / "counts").mkdir()
    return str(tmp_path / "counts")


# What a cluster computes


def test_a_local_cluster_makes_the_same_bytes_as_threads(tmp_path: Path, store: Store) -> None:
    plan = make_plan(recipe_of("--blur --darkness=w10 --cutbg --bg=mean"), stack_of(tmp_path / "in"))
    threads = Store(str(tmp_path / "threads"))
    run(plan, threads)
    run(plan, store, scheduler="local:2")
    assert np.array_equal(result(plan, store), result(plan, threads))


def test_a_cluster_of_changing_size_is_used_as_it_comes_and_goes() -> None:
    from distributed import Client

    with made() as cluster, Client(cluster) as client:
        blocks = ClusterPool(client)
        assert blocks.window(1) == 2
        cluster.scale(3)
        assert until(lambda: blocks.window(1) == 6, pause=0.2)
        cluster.scale(1)
        assert until(lambda: blocks.window(1) == 2, pause=0.2)


def test_a_callable_s_cluster_computes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "my_clusters", sys.modules[__name__])
    cluster = Cluster(settings={"n_workers": 2})
    plan = plan_of(FillJob("first/x"))
    run(plan, store, scheduler="my_clusters:made", cluster=cluster)
    assert float(result(plan, store)[0, 299, 399]) == LAST


@pytest.mark.parametrize("dashboard", [None, "127.0.0.1:0"])
def test_workers_watch_themselves_only_for_a_dashboard(store: Store, dashboard: str | None) -> None:
    store.create()
    resources = Resources(2 << 30, 1, 100, "local:1", Cluster(dashboard=dashboard))
    with open_pool(resources, store.root) as pool:
        assert pool.submit(watched).result(240) == bool(dashboard)


def watched() -> bool:
    """In a worker: whether its computing is sampled a hundred times a second."""
    from distributed import get_worker

    return "profile" in get_worker().periodic_callbacks


# What goes over the wire


def test_what_a_task_is_told_is_small_even_of_a_thousand_slices() -> None:
    stack, resources = imagined(1000, (32000, 32000)), Resources(4 << 30, 2)
    text = "--wavelet=p5 --maskwave=p100 --cutless=p15 --cutwave --finalblur=s10,S2,t5 --bg=mean --fft --statistic"
    for stage in make_plan(recipe_of(text), stack, block_memory_limit(resources)).stages:
        block = next(stage.blocks(lay_out(stage, resources).layout))
        assert len(pickle.dumps((stage.job.for_block(block), block))) < 3000, stage.name


def test_no_pixels_pass_the_scheduler(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = [0]
    write, read = wire.TCP.write, wire.from_frames

    async def counted(self: Any, *args: Any, **more: Any) -> Any:
        size = await write(self, *args, **more)
        passed[0] += size
        return size

    async def received(frames: Any, *args: Any, **more: Any) -> Any:
        passed[0] += sum(memoryview(frame).nbytes for frame in frames)
        return await read(frames, *args, **more)

    monkeypatch.setattr(wire.TCP, "write", counted)
    monkeypatch.setattr(wire, "from_frames", received)
    plan = plan_of(FillJob("first/x"), (3000, 4000))
    reports = run(plan, store, scheduler="local:2", tile=500)
    pixels = sum(report.bytes_written + report.bytes_read for report in reports)
    blocks = sum(report.computed for report in reports)
    assert (blocks, pixels > 140_000_000) == (96, True)
    assert 0 < passed[0] < 20_000 * blocks


# Faults


def test_workers_killed_in_turn_do_not_stop_the_run(store: Store, counts: str) -> None:
    plan = plan_of(Tracked("first/x", seconds=0.3, folder=counts))
    killed, struck, over = set[int](), Counter[str](), threading.Event()

    def killer() -> None:
        while len(killed) < 3 and not over.wait(0.5):
            for mark in sorted(Path(counts).iterdir()):
                with suppress(FileNotFoundError):
                    block, process = mark.read_text(), int(mark.name)
                    if process in killed or struck[block] == 2 or not psutil.pid_exists(process):
                        continue  # a block that kills a third worker is given up, and rightly so
                    os.kill(process, signal.SIGKILL)
                    killed.add(process)
                    struck[block] += 1
                    break

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        run(plan, store, scheduler="local:2")
    finally:
        over.set()
        thread.join()
    assert len(killed) >= 2
    assert float(result(plan, store)[0, 299, 399]) == LAST


@pytest.mark.parametrize("scheduler", ["processes:2", "local:2"])
def test_a_block_that_kills_two_workers_gets_a_third(store: Store, counts: str, scheduler: str) -> None:
    plan = plan_of(Poison("first/x", folder=counts, times=2))
    run(plan, store, scheduler=scheduler)
    assert len(os.listdir(counts)) == 2
    assert float(result(plan, store)[0, 0, 100]) == 200


@pytest.mark.parametrize("scheduler", ["processes:2", "local:2"])
def test_a_block_that_kills_three_workers_is_named(store: Store, counts: str, scheduler: str) -> None:
    with pytest.raises(BlockFailed, match=r"block 0/0/100 of stage first .*killed its worker 3 times") as caught:
        run(plan_of(Poison("first/x", folder=counts)), store, scheduler=scheduler)
    assert (caught.value.code, len(os.listdir(counts))) == (5, 3)
    assert len(store.journal("first").completed_blocks()) == 11
    assert [report.computed for report in run(plan_of(FillJob("first/x")), store)] == [1, 12]


@pytest.mark.slow
def test_a_block_over_the_memory_of_its_worker_is_named(store: Store) -> None:
    with pytest.raises(BlockFailed, match=r"block 0/0/100 of stage first .*more memory than there is"):
        run(plan_of(Hog("first/x")), store, scheduler="local:2", memory=1400 << 20)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    cluster = Running(tmp_path)
    yield cluster
    cluster.close()


def test_a_run_whose_scheduler_is_killed_ends_resumably_and_goes_on(running: Running, store: Store) -> None:
    plan = plan_of(FillJob("first/x", seconds=0.4))
    began: list[float] = []

    def kill() -> None:
        until(lambda: store.exists() and len(store.journal("first").completed_blocks()) >= 2, pause=0.05)
        began.append(time.monotonic())
        os.kill(running.programs[0].pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(Incomplete, match="scheduler was lost") as caught:
        run(plan, store, scheduler=f"file:{running.file}")
    thread.join()
    assert (caught.value.code, time.monotonic() - began[0] < pressed(10)) == (4, True)
    done = len(store.journal("first").completed_blocks())
    assert done >= 2
    assert run(plan_of(FillJob("first/x")), store)[0].reused == done


def test_a_scheduler_that_does_not_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imfuse_tiles.execution.dask_cluster.PATIENCE", 1)
    resources = Resources(2 << 30, 1, 100, "tcp://127.0.0.1:9")
    with pytest.raises(Refusal, match="no dask scheduler answers there"), open_pool(resources, str(tmp_path)):
        pass


def test_workers_that_do_not_see_the_store_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "my_clusters", sys.modules[__name__])
    resources = Resources(2 << 30, 1, 100, "my_clusters:made")
    with pytest.raises(Refusal, match="does not see the store"), open_pool(resources, str(tmp_path / "none")):
        pass
