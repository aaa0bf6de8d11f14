"""Where blocks are computed makes no difference to what comes back."""

from __future__ import annotations

import os
import resource
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import psutil
import pytest

from imfuse_tiles.execution import allocator
from imfuse_tiles.execution.pools import Pool, open_pool
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.storage.store import Store


def square(number: int) -> int:
    return number * number


def broken(number: int) -> int:
    raise ValueError(f"no {number}")


def where(_: int) -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def opened(spec: str, workers: int, store: str = "/nowhere") -> AbstractContextManager[Pool]:
    return open_pool(Resources(memory=2 << 30, workers=workers, scheduler=spec), store)


@pytest.mark.parametrize("spec", ["sync", "threads", "processes", "local"])
def test_every_scheduler_computes_and_hands_errors_back(tmp_path: Path, spec: str) -> None:
    Store(str(tmp_path / "store")).create()
    with opened(spec, 2, str(tmp_path / "store")) as pool:
        assert [pool.submit(square, number).result(240) for number in range(5)] == [0, 1, 4, 9, 16]
        with pytest.raises(ValueError, match="no 3"):
            pool.submit(broken, 3).result(240)
        if spec == "local":
            assert {address for _, address, _ in listening()} <= {"127.0.0.1"}


def listening() -> set[tuple[int, str, int]]:
    """Where this process or one of its children can be reached: (process, address, port)."""
    me = psutil.Process()
    found = set()
    for process in (me, *me.children(recursive=True)):
        heard = (each for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN)
        found |= {(process.pid, each.laddr.ip, each.laddr.port) for each in heard}
    return found


def test_threads_and_processes_listen_nowhere() -> None:
    others = listening()  # servers of other tests
    for spec in ("threads", "processes"):
        with opened(spec, 2) as pool:
            pool.submit(square, 2).result(240)
            assert listening() <= others


def test_sync_computes_in_the_calling_thread_and_processes_elsewhere() -> None:
    here = where(0)
    with opened("sync", 1) as pool:
        assert pool.submit(where, 0).result() == here
    with opened("threads", 1) as pool:
        process, thread = pool.submit(where, 0).result()
        assert (process, thread != here[1]) == (here[0], True)
    with opened("processes", 1) as pool:
        assert pool.submit(where, 0).result(240)[0] != here[0]


def test_what_was_not_begun_is_dropped_when_the_pool_closes() -> None:
    with opened("threads", 1) as pool:
        futures = [pool.submit(time.sleep, 2) for _ in range(50)]  # longer than a busy machine takes for these lines
    assert sum(future.cancelled() for future in futures) >= 45


def variable(name: str) -> str | None:
    return os.environ.get(name)


def test_worker_processes_have_the_environment_of_their_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("a bucket's key", "another"):
        monkeypatch.setenv("IMFUSE_OF_A_TEST", value)
        with opened("processes", 1) as pool:
            assert pool.submit(variable, "IMFUSE_OF_A_TEST").result(240) == value


def new_pages() -> int:
    """How many pages the system has to give for arrays like those before, which were freed."""
    allocator.keep_freed_memory()
    counts = []
    for _ in range(3):
        arrays = [np.ones(5 << 19, np.float64) for _ in range(4)]  # together more than a heap of a thread holds
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        del arrays
    return counts[-1] - counts[0]


@pytest.mark.skipif(allocator._glibc() is None, reason="only glibc is told")
@pytest.mark.parametrize("spec", ["processes", "local"])
def test_a_worker_process_keeps_what_it_frees_whatever_thread_of_it_computes(tmp_path: Path, spec: str) -> None:
    Store(str(tmp_path / "store")).create()
    with opened(spec, 1, str(tmp_path / "store")) as pool:
        assert pool.submit(new_pages).result(240) < 4000, "of 40,000; the process has other threads at work"
