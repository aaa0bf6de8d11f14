"""Worker processes of this machine. One that is killed is replaced, and the block it was at is tried again."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext, suppress
from functools import partial
from multiprocessing import forkserver, resource_tracker
from typing import Any

from imfuse_tiles.execution.semaphores import tidy_semaphores
from imfuse_tiles.execution.signals import end_with_parent

#: Signals of which the parent decides what they mean for its workers.
LEFT_TO_PARENT = (signal.SIGINT, signal.SIGTERM)
#: What workers load, once for all of them where they are forked from a server.
LOADED = ["imfuse_tiles.execution.run", "cv2", "numba"]
#: What those of a dask cluster load before.
DASK = ["distributed"]
#: How many workers a block may kill before it is given up.
LIVES = 3


class WorkerKilled(Exception):
    """A block that kills every worker that takes it."""

    def __init__(self, times: int) -> None:
        super().__init__(f"it killed its worker {times} times, perhaps by taking more memory than there is")


class BlockFuture(Future[Any]):
    """A block handed to somebody else; ``withdraw`` takes it back if nobody has begun it."""

    def __init__(self, withdraw: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self.withdraw = withdraw
        self.withdrawn = False

    def cancel(self) -> bool:
        self.withdrawn = not self.done() and self.withdraw()
        return self.withdrawn and super().cancel()

    def settle(self, error: BaseException | None, result: Any = None) -> None:
        """Say how it ended, unless it was withdrawn meanwhile."""
        if self.withdrawn or self.done() or not self.set_running_or_notify_cancel():
            return
        if error is None:
            self.set_result(result)
        else:
            self.set_exception(error)


class ProcessPool(Executor):
    """A pool that outlives its workers.

    When one is killed, the standard pool gives up every block it had. Any of these may be to blame, so each is
    tried again in a process of its own, and the one that kills LIVES workers ends as WorkerKilled.
    """

    in_process = False

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.guard = threading.RLock()
        self.pool = new_pool(workers)
        self.alone: ProcessPoolExecutor | None = None
        self.closed = False

    def window(self, at_once: int) -> int:
        """How many blocks to hand over at a time: none waits in a worker while memory allows fewer than workers."""
        return 2 * at_once if at_once >= self.workers else at_once

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        handed = BlockFuture()
        with self.guard:
            try:
                self._follow(handed, self.pool, partial(fn, *args, **kwargs), 0)
            except BrokenProcessPool:
                self.pool = new_pool(self.workers)
                self._follow(handed, self.pool, partial(fn, *args, **kwargs), 0)
        return handed

    def _follow(self, handed: BlockFuture, pool: ProcessPoolExecutor, work: Callable[[], Any], kills: int) -> None:
        inner = pool.submit(work)
        inner.set_exception = partial(_failed, inner)  # type: ignore[method-assign]
        handed.withdraw = inner.cancel
        inner.add_done_callback(lambda ended: self._ended(ended, handed, pool, work, kills))

    def _ended(
        self, ended: Future[Any], handed: BlockFuture, pool: ProcessPoolExecutor, work: Callable[[], Any], kills: int
    ) -> None:
        if ended.cancelled():
            return
        error = ended.exception()
        if not isinstance(error, BrokenProcessPool):
            handed.settle(error, None if error else ended.result())
        elif kills + 1 >= LIVES:
            handed.settle(WorkerKilled(LIVES))
        else:
            claim = threading.Lock()  # whoever gets it first: the one that tries again, or the one that withdraws
            handed.withdraw = partial(claim.acquire, False)
            threading.Thread(target=self._again, args=(handed, claim, pool, work, kills + 1), daemon=True).start()

    def _again(
        self,
        handed: BlockFuture,
        claim: threading.Lock,
        broken: ProcessPoolExecutor,
        work: Callable[[], Any],
        kills: int,
    ) -> None:
        """Try a suspect by itself: the others wait for it, and what breaks now is its own doing."""
        with self.guard:
            if self.closed or not claim.acquire(False):
                return
            try:
                if self.pool is broken:
                    self.pool = new_pool(self.workers)
                with new_pool(1) as self.alone:
                    self._follow(handed, self.alone, work, kills)
            except Exception as error:  # else the run would wait for this block for ever
                handed.settle(error)
            self.alone = None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.closed = True
        if (alone := self.alone) is not None:  # who opened it waits for its end: two would close its pipes twice
            alone.shutdown(False, cancel_futures=cancel_futures)
        with self.guard if wait else nullcontext():
            self.pool.shutdown(wait, cancel_futures=cancel_futures)


def _failed(future: Future[Any], error: BaseException | None) -> None:
    """Note a failure, unless the future was cancelled: a pool of Python 3.11 that breaks would stumble over that."""
    with suppress(InvalidStateError):
        Future.set_exception(future, error)


def new_pool(workers: int) -> ProcessPoolExecutor:
    """Processes that are not forked from this one: a fork would inherit the store's lock and outlive a kill."""
    context = multiprocessing.get_context(start_forkserver())
    return ProcessPoolExecutor(workers, context, initializer=init_worker, initargs=(dict(os.environ),))


def start_forkserver(*more: str) -> str:
    """How processes begin: forked from a server, which begins now and loads what they need, ``more`` too."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return "spawn"
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["imfuse_tiles.execution.forkserver_preload", *more, *LOADED]
    )
    tidy_semaphores()
    signals_blocked(forkserver.ensure_running)
    return "forkserver"


@atexit.register
def _end_server() -> None:
    """End the server with this process, even one that still loads: it would see only afterwards that it is alone."""
    server = getattr(forkserver, "_forkserver", None)
    if pid := getattr(server, "_forkserver_pid", None):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def signals_blocked(start: Callable[[], None]) -> None:
    """Start processes that SIGINT and SIGTERM don't reach, not even in their first moments: they inherit the mask."""
    resource_tracker.ensure_running()  # first, as its start unblocks them again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, LEFT_TO_PARENT)
    try:
        start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def dask_setup(worker: Any) -> None:
    """Called by dask in its worker processes: Ctrl-C reaches them too, but it is the run that decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, LEFT_TO_PARENT)  # forked from a deaf server, dask could not end it


def init_worker(environment: dict[str, str]) -> None:
    """In a worker process: leave signals to the parent, and end when it does or says so.

    ``environment``: of the parent now; that of the server it is forked from is as old as the first pool.
    """
    os.environ.update(environment)
    parent = end_with_parent()
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, LEFT_TO_PARENT)  # also if the fork server was started anew
        threading.Thread(target=_end_when_told, args=(parent,), daemon=True).start()


def _end_when_told(parent: int | None) -> None:
    """End on a SIGTERM of the parent: so does the pool of a killed worker end the others. Anyone else's is ignored."""
    while signal.sigwaitinfo(LEFT_TO_PARENT).si_pid != parent:
        pass
    os._exit(1)
