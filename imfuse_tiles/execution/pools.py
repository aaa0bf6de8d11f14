"""Where blocks are computed: in this thread, in threads, in processes, or on a dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any, Protocol

from imfuse_tiles import kernels
from imfuse_tiles.options.resources import Resources, worker_location


class Pool(Protocol):
    """What computes blocks. ``in_process``: in this process, with the very code that is loaded."""

    in_process: bool

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Hand over a block."""

    def window(self, at_once: int) -> int:
        """How many blocks to hand over at a time when memory allows ``at_once`` of them."""


class InlinePool:
    """Computes at once, in the calling thread."""

    in_process = True

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args))
        except BaseException as error:
            future.set_exception(error)
        return future

    def window(self, at_once: int) -> int:
        return 1


class ThreadPool(ThreadPoolExecutor):
    """Threads of this process."""

    in_process = True

    def window(self, at_once: int) -> int:
        """One more for each thread than it computes, unless memory does not allow as many as there are threads."""
        return 2 * at_once if at_once >= self._max_workers else at_once


def prestart_workers(scheduler: str) -> None:
    """Begin to load what worker processes need, if there will be any: that takes longer than to get ready for them."""
    name = scheduler.partition(":")[0]
    if name in ("processes", "local"):
        from imfuse_tiles.execution.process_pool import DASK, start_forkserver

        start_forkserver(*(DASK if name == "local" else ()))


@contextmanager
def open_pool(resources: Resources, root: str) -> Iterator[Pool]:
    """What computes the blocks of the store ``root``; closed, with what it was asked to do dropped, at the end."""
    name, workers = resources.scheduler.partition(":")[0], resources.workers
    if name == "sync":
        yield InlinePool()
    elif worker_location(resources.scheduler) == "remote" or name == "local":
        from imfuse_tiles.execution.dask_cluster import open_cluster

        with open_cluster(resources, root) as cluster:
            yield cluster
    else:
        from imfuse_tiles.execution.process_pool import ProcessPool

        if name == "threads":  # while images are read: most of that needs no Python
            Thread(target=kernels.compiler.ready, daemon=True).start()
        with ThreadPool(workers) if name == "threads" else ProcessPool(workers) as pool:
            try:
                yield pool
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def configured(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a job queue: as given, the others from dask's own configuration."""
    import dask

    from imfuse_tiles.execution.job_queues import import_job_queue

    import_job_queue(name)
    return {**dask.config.get(f"jobqueue.{name}", {}), **settings}


def has_keys() -> bool:
    """Whether dask's own configuration has keys for secured schedulers."""
    import dask

    return bool(dask.config.get("distributed.comm.tls.ca-file", None))


def parse_bytes(size: str | int) -> int:
    """Bytes of a size as dask and job queues reckon: a GB is 10^9."""
    import dask.utils

    return int(dask.utils.parse_bytes(size))
