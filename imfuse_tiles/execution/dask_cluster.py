"""Dask clusters: one made on this machine, one that runs, one of jobs in a queue, or one that a callable makes.

What goes through the scheduler is where a block lies and what is to be done; pixels go between workers and store.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.cluster_pool import ClusterPool
from imfuse_tiles.execution.job_queues import QueueJobs
from imfuse_tiles.execution.process_pool import DASK, LIVES, start_forkserver
from imfuse_tiles.options.resources import QUEUES, TLS_HELP, Resources
from imfuse_tiles.storage.store import Store

#: Seconds: to reach a scheduler, to say goodbye.
PATIENCE, CLOSED = 10, 3.0
#: Dask's setting of how worker processes begin.
METHOD = "distributed.worker.multiprocessing-method"
SETTINGS = {
    # The third worker that a block kills is its last.
    "distributed.scheduler.allowed-failures": LIVES - 1,
    # No block waits in a worker: it would be suspected when the worker's own block kills it.
    "distributed.scheduler.worker-saturation": 1.0,
    # Blocks keep nothing in a worker, so there is nothing to spill; pausing would only wait.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
}
#: What dask's dashboard shows of processes and tasks; gathering it takes a tenth of the time of two workers.
WATCHED = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.scheduler.active-memory-manager.start": False,
}


@contextmanager
def open_cluster(resources: Resources, root: str) -> Iterator[ClusterPool]:
    """The cluster that a scheduler's name means; its workers see the store ``root`` or it is a Refusal."""
    name = resources.scheduler.partition(":")[0]
    # The server that local workers are forked from loads dask while this process does.
    begin: dict[str, Any] = {METHOD: start_forkserver(*DASK)} if name == "local" else {}
    if resources.cluster.dashboard is None:
        begin.update(WATCHED)
    import dask
    from distributed import Client

    jobs: QueueJobs | None = None
    with dask_logging_silenced(), dask.config.set({**SETTINGS, **begin}), ExitStack() as opened:
        if name in ("tcp", "tls", "file"):
            client = running(resources)
        elif name == "local":
            client = Client(opened.enter_context(local_cluster(resources)), timeout=PATIENCE)
        else:
            jobs = QueueJobs(resources, tls_security(resources)) if name in QUEUES else None
            made = jobs.cluster if jobs else cluster_from_callable(resources)
            client = made if isinstance(made, Client) else Client(opened.enter_context(made), timeout=PATIENCE)
        opened.callback(close, client)
        check_workers(client, root)
        yield ClusterPool(client, resources.workers if name == "local" else None, jobs.keep if jobs else None)


@contextmanager
def dask_logging_silenced() -> Iterator[None]:
    """What dask logs of lost workers and schedulers is said in the words of this program."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def close(client: Any) -> None:
    """Close a client; one whose scheduler is gone would wait for it."""
    thread = threading.Thread(target=client.close, daemon=True)
    thread.start()
    thread.join(CLOSED)


def tls_security(resources: Resources) -> Any:
    """The keys of a cluster, None when it has none."""
    if resources.cluster.tls is None:
        return None
    from distributed import Security

    cert, key, authority = resources.cluster.tls
    roles = {f"tls_{role}_{what}": file for role in ("client", "scheduler", "worker")
             for what, file in (("cert", cert), ("key", key))}  # fmt: skip
    try:
        keys = Security(tls_ca_file=authority, require_encryption=True, **roles)
        keys.get_connection_args("client")  # reads the files
        return keys
    except (OSError, ValueError) as error:
        raise Refusal(f"--tls-cert, --tls-key, --tls-ca: {error}") from None


def running(resources: Resources) -> Any:
    """A client of a scheduler that runs already."""
    from distributed import Client

    name, _, rest = resources.scheduler.partition(":")
    where = {"scheduler_file": rest} if name == "file" else {"address": resources.scheduler}
    try:
        return Client(**where, timeout=PATIENCE, security=tls_security(resources))
    except TypeError as error:
        if "TLS" not in str(error):
            raise
        raise Refusal(f"--scheduler {resources.scheduler}: {TLS_HELP}") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise Refusal(f"--scheduler {resources.scheduler}: no dask scheduler answers there ({error})") from None


def local_cluster(resources: Resources) -> Any:
    """Workers of this machine, which no other can reach. None may take more than the memory of them all."""
    from distributed import LocalCluster

    keys, shown = tls_security(resources), resources.cluster.dashboard
    return LocalCluster(
        n_workers=resources.workers, threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address=shown or "127.0.0.1:0", scheduler_kwargs={"dashboard": shown is not None},
        memory_limit=resources.memory, silence_logs=50, preload="imfuse_tiles.execution.process_pool", security=keys,
        protocol="tls://" if keys else None, env=dict(os.environ),
    )  # fmt: skip


def cluster_from_callable(resources: Resources) -> Any:
    """What a callable, named as module:callable, returns: a dask client or cluster."""
    module, _, path = resources.scheduler.partition(":")
    try:
        made: Any = importlib.import_module(module)
        for attribute in path.split("."):
            made = getattr(made, attribute)
    except (ImportError, AttributeError) as error:
        raise Refusal(f"--scheduler {resources.scheduler}: {error}") from None
    return made(**resources.cluster.settings)


def check_workers(client: Any, root: str) -> None:
    """Refusal when a worker that is there has another version of this program or does not see the store."""
    from imfuse_tiles import __version__

    for worker, said in client.run(worker_sees_store, root, on_error="return").items():
        if isinstance(said, Exception):
            raise Refusal(f"worker {worker} cannot run imfuse-tiles: {said}") from said
        version, seen = said
        if version != __version__:
            raise Refusal(f"worker {worker} has imfuse-tiles {version}, here is {__version__}")
        if not seen:
            raise Refusal(f"worker {worker} does not see the store {root}; all workers must share its place")


def worker_sees_store(root: str) -> tuple[str, bool]:
    """In a worker: its version, and whether the store is there. It gets ready for its first block meanwhile."""
    from imfuse_tiles import __version__, kernels

    threading.Thread(target=kernels.compiler.ready, daemon=True).start()
    return __version__, Store(root).exists()
