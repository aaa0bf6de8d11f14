"""Where blocks are computed: in this thread, in threads, in processes, or on a dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from imfuse_tiles.errors import Refusal

ALLOWED = "sync, threads[:N], processes[:N], local[:N], tcp://host:port or file:scheduler.json"


class Here(Executor):
    """Computes at once, in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def check_scheduler(spec: str, workers: int) -> int:
    """How many workers a scheduler will have (as given in it, else ``workers``); Refusal when it is unknown."""
    name, _, rest = spec.partition(":")
    if name == "sync" and not rest:
        return 1
    if name in ("threads", "processes", "local"):
        if rest and not (rest.isdigit() and int(rest) > 0):
            raise Refusal(f"--scheduler {spec}: {rest} is no number of workers; allowed is {ALLOWED}")
        return int(rest) if rest else workers
    if name in ("tcp", "tls") or (name == "file" and rest):
        return workers
    raise Refusal(f"--scheduler {spec} is not known; allowed is {ALLOWED}")


@contextmanager
def open_pool(spec: str, workers: int) -> Iterator[Executor]:
    """An executor for a scheduler; closed, with what it was asked to do dropped, at the end."""
    name, _, rest = spec.partition(":")
    if name == "sync":
        yield Here()
    elif name in ("threads", "processes"):
        with ThreadPoolExecutor(workers) if name == "threads" else _processes(workers) as pool:
            try:
                yield pool
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    else:
        with _client(name, rest, spec, workers) as client:
            yield client.get_executor(pure=False, retries=3)


def _processes(workers: int) -> ProcessPoolExecutor:
    """Processes that are not forked from this one: a fork would inherit the store's lock and outlive a kill."""
    import multiprocessing

    clean = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    return ProcessPoolExecutor(workers, multiprocessing.get_context(clean), initializer=_follow)


def _follow() -> None:
    """In a worker process: leave signals to the parent, and end when it does."""
    import os
    import signal
    import threading
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


@contextmanager
def _client(name: str, rest: str, spec: str, workers: int) -> Iterator[Any]:
    """A client of a dask cluster: one made here that only this machine can reach, or a running one."""
    from distributed import Client, LocalCluster

    if name != "local":
        where = {"scheduler_file": rest} if name == "file" else {"address": spec}
        try:
            client = Client(**where, timeout=20)
        except (OSError, ValueError) as error:
            raise Refusal(f"--scheduler {spec}: no dask scheduler answers there ({error})") from None
        with client:
            yield client
        return
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
                     dashboard_address=None, memory_limit=0, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield client
