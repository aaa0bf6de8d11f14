"""Blocks in the hands of a dask scheduler: as many as its workers have room for, taken back where none began them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from imfuse_tiles.errors import Incomplete
from imfuse_tiles.execution.process_pool import BlockFuture, WorkerKilled

#: Seconds: after which workers are counted anew, to answer a question.
COUNTED, ANSWERED = 1.0, 3.0


class ClusterPool:
    """Hands blocks to a dask scheduler. ``keep``: called now and then to replace workers that went."""

    in_process = False

    def __init__(self, client: Any, workers: int | None = None, keep: Callable[[], None] | None = None) -> None:
        self.client, self.fixed, self.keep = client, workers, keep
        self.counted = self.slots = 0.0
        self.busy: tuple[float, set[str]] = (0.0, set())

    def window(self, at_once: int) -> int:
        """Two blocks for every thread that the cluster has now; for workers of this machine as memory allows."""
        if self.fixed:
            return 2 * at_once if at_once >= self.fixed else at_once
        if time.monotonic() - self.counted > COUNTED:
            with suppress(TimeoutError):  # a busy scheduler: as many as before
                self.slots = sum(self.asked(self.client.scheduler.ncores).values())
            if self.keep:
                self.keep()
            self.counted = time.monotonic()
        return 2 * max(1, int(self.slots))

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        key = f"{type(args[1]).__name__}-{uuid.uuid4().hex}" if len(args) > 1 else uuid.uuid4().hex
        with self.answered():
            task = self.client.submit(fn, *args, key=key, pure=False)
        handed = BlockFuture()
        handed.withdraw = lambda: self.withdrawn(handed, task)
        task.add_done_callback(lambda ended: copy_result(handed, ended))
        return handed

    def withdrawn(self, handed: BlockFuture, task: Any) -> bool:
        """Whether a block could be taken back before a worker began it."""
        if task.key in self.running():
            return False
        handed.withdrawn = True
        with self.answered():
            self.client.cancel([task])
        return True

    def running(self) -> set[str]:
        """The blocks that workers are at."""
        if time.monotonic() - self.busy[0] > COUNTED:
            with suppress(TimeoutError):
                stacks = self.asked(self.client.scheduler.call_stack, keys=None)
                self.busy = time.monotonic(), {key for each in stacks.values() for key in each}
        return self.busy[1]

    def asked(self, question: Callable[..., Any], **about: Any) -> Any:
        """The scheduler's answer. Incomplete when it is gone, TimeoutError when it takes its time."""
        with self.answered():
            try:
                return self.client.sync(question, callback_timeout=ANSWERED, **about)
            except TimeoutError:
                if self.client.status != "running":
                    raise scheduler_lost() from None
                raise

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Incomplete when the scheduler is gone."""
        if self.client.status != "running":
            raise scheduler_lost()
        try:
            yield
        except (Incomplete, TimeoutError):
            raise
        except Exception as error:
            raise scheduler_lost() from error


def scheduler_lost() -> Incomplete:
    """The error of a run whose dask scheduler does not answer any more."""
    return Incomplete("the dask scheduler was lost; finished blocks are kept and the same command goes on")


def copy_result(handed: BlockFuture, ended: Any) -> None:
    """Tell how a task ended, in the words of this program."""
    from distributed import KilledWorker

    try:
        handed.settle(None, ended.result())
    except KilledWorker as error:
        handed.settle(WorkerKilled(error.allowed_failures + 1))
    except BaseException as error:
        handed.settle(scheduler_lost() if ended.status in ("cancelled", "lost") else error)
