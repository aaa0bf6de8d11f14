"""Clusters whose workers are jobs of a queue, made by dask-jobqueue."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from types import ModuleType
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import QUEUES, Resources

#: Seconds: for the first job to be taken by the queue, and after which a job without workers is taken for ended.
TAKEN, ENDED = 60.0, 5.0


def import_job_queue(scheduler: str) -> ModuleType:
    """dask-jobqueue, which brings its defaults to dask's configuration. Refusal where it is missing."""
    try:
        import dask_jobqueue
    except ImportError:
        raise Refusal(f"--scheduler {scheduler} needs dask-jobqueue: pip install 'imfuse-tiles[cluster]'") from None
    return dask_jobqueue


class QueueJobs:
    """The jobs of a queue. dask-jobqueue leaves it at those it submitted first; here one that ended is followed by
    another, so that a run goes on past the wall clock of its workers."""

    def __init__(self, resources: Resources, security: Any) -> None:
        self.cluster: Any = None
        self.workers = resources.workers
        self.submitted: list[str] = []
        self.failed: list[Exception] = []
        self.alive: dict[str, float] = {}
        self.came: set[str] = set()
        try:
            self.cluster = self.create_cluster(resources, security)
            self.cluster.scheduler.add_plugin(self.arrivals())
            self.cluster.scale(self.workers)
        except (TypeError, ValueError, RuntimeError, OSError) as error:
            raise queue_refusal(resources, error) from error
        self.check(resources)

    def create_cluster(self, resources: Resources, security: Any) -> Any:
        """The cluster, without jobs yet."""
        import dask

        jobqueue = import_job_queue(resources.scheduler)
        settings = dict(resources.cluster.settings)
        # The web server of the scheduler stays on this machine unless it was asked for.
        options = {"dashboard_address": resources.cluster.dashboard or "127.0.0.1:0"}
        options.update(dask.config.get(f"jobqueue.{resources.scheduler}.scheduler-options", None) or {})
        options.update(settings.pop("scheduler_options", {}))
        kind = getattr(jobqueue, QUEUES[resources.scheduler])
        return kind(
            **settings, job_cls=self.watched(kind.job_cls), scheduler_options=options, security=security,
            silence_logs="critical",
        )  # fmt: skip

    def watched(self, job: Any) -> Any:
        """The class of a job, which tells here whether the queue took it: else nobody would hear of it."""
        jobs = self

        class Watched(job):
            async def start(self) -> None:
                from distributed.deploy.spec import ProcessInterface

                try:
                    await super().start()
                    jobs.submitted.append(self.job_id)
                except Exception as error:
                    jobs.failed.append(error)
                    await ProcessInterface.start(self)

            async def close(self) -> None:
                from distributed.deploy.spec import ProcessInterface

                with suppress(OSError):
                    await super().close()
                await ProcessInterface.close(self)

        return Watched

    def arrivals(self) -> Any:
        """What the scheduler tells of each worker that comes: it may be gone before anybody looks."""
        from distributed.diagnostics.plugin import SchedulerPlugin

        came = self.came

        class Arrivals(SchedulerPlugin):
            def add_worker(self, scheduler: Any, worker: str) -> None:
                came.add(str(scheduler.workers[worker].name))

        return Arrivals()

    def check(self, resources: Resources) -> None:
        """Wait until the queue has taken a job; Refusal with its words when it took none."""
        end = time.monotonic() + TAKEN
        while not self.submitted and time.monotonic() < end:
            if len(self.failed) >= len(self.cluster.worker_spec):
                self.cluster.close()
                raise queue_refusal(resources, self.failed[0])
            time.sleep(0.05)

    def keep(self) -> None:
        """Submit another job in place of each whose workers came and went."""
        now, names = time.monotonic(), [str(state.name) for state in list(self.cluster.scheduler.workers.values())]
        for job in list(self.cluster.workers):
            if is_worker_of(job, names):
                self.alive[job] = now
            elif is_worker_of(job, self.came) and now - self.alive.setdefault(job, now) > ENDED:
                del self.alive[job]
                # The next job has the same name: until its own workers come, it may wait in the queue for long.
                self.came.difference_update([name for name in list(self.came) if is_worker_of(job, [name])])
                self.cluster.sync(self.cluster.workers.pop(job).close)
                self.cluster.scale(self.workers)


def is_worker_of(job: str, names: Iterable[str]) -> bool:
    """Whether a worker of a job is among these."""
    return any(name == job or name.startswith(f"{job}-") for name in names)


def queue_refusal(resources: Resources, error: Exception) -> Refusal:
    """What a queue or dask-jobqueue says, in one line."""
    said = str(error).rpartition("stderr:\n")[2]
    return Refusal(f"--scheduler {resources.scheduler}: {' '.join(said.split())}")
