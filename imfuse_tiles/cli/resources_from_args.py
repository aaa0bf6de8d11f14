"""What a run may use, from the words of the command line, a cluster file and the machine."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.pools import configured, has_keys, parse_bytes
from imfuse_tiles.options import config_files
from imfuse_tiles.options.resources import (
    DEFAULT_DASHBOARD,
    QUEUES,
    TLS_HELP,
    Cluster,
    Part,
    Resources,
    available_cores,
    parse_part,
    worker_count,
)
from imfuse_tiles.planning.memory import default_memory, parse_size

#: What a worker may take of its share of a job's memory: dask ends those that come to 95 %.
USED = 0.9
TLS = ("tls-cert", "tls-key", "tls-ca")


def resources_from_args(args: argparse.Namespace) -> Resources:
    """The resources of a run; what the command line says goes before what a cluster file says."""
    settings = {"scheduler": args.scheduler}
    if is_cluster_file(args.scheduler):
        settings = config_files.load_cluster_file(args.scheduler, args.allow_code)
    scheduler, job = settings["scheduler"], settings.get("cluster", {})
    if scheduler in QUEUES:
        settings = {**queue_worker_settings(scheduler, job), **settings}
    workers = worker_count(scheduler, args.workers or settings.get("workers") or available_cores())
    size = args.memory or settings.get("memory")
    memory = parse_size(size) if size else default_memory()
    disk = parse_size(args.disk, "--disk") if args.disk else None
    keys = tls_files(args, settings)
    if scheduler.startswith("tls:") and not keys and not has_keys():
        raise Refusal(f"--scheduler {scheduler}: {TLS_HELP}")
    cluster = Cluster(settings.get("threads", 1), job, keys, dashboard_address(args, settings))
    return Resources(memory, workers, args.tile or settings.get("tile"), scheduler, cluster, part_from_args(args),
                     args.lean, args.durable, disk, args.keep, args.ingest, args.cacheformat,
                     args.maskformat)  # fmt: skip


def is_cluster_file(scheduler: str) -> bool:
    """Whether a scheduler's name is that of a cluster file."""
    if scheduler in QUEUES:
        return not configured(scheduler, {}).get("cores")
    try:
        worker_count(scheduler, 1)
    except Refusal:
        return not scheduler.partition(":")[2]
    return False


def queue_worker_settings(queue: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Memory and threads of each worker, from what a job of a queue asks for."""
    job = configured(queue, settings)
    processes, cores, memory = job.get("processes") or 1, job.get("cores"), job.get("memory")
    if not cores or not memory:
        raise Refusal(
            f"--scheduler {queue}: say cores and memory of a job in a cluster file or in dask's jobqueue.yaml"
        )
    return {"memory": str(int(USED * parse_bytes(memory)) // processes), "threads": max(1, cores // processes)}


def part_from_args(args: argparse.Namespace) -> Part | None:
    """Which of several programs this one is; Refusal where they would be in each other's way."""
    if args.part is None:
        return None
    if args.force:
        raise Refusal(f"--force={args.force} discards blocks that other parts may need; run it once without --part")
    return parse_part(args.part, args.wait)


def tls_files(args: argparse.Namespace, settings: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """The files of certificate, key and authority; Refusal when one is missing."""
    paths = [getattr(args, name.replace("-", "_")) or settings.get(name) for name in TLS]
    if not any(paths):
        return None
    for name, path in zip(TLS, paths, strict=True):
        if not path or not Path(path).is_file():
            raise Refusal(f"--{name} {path or 'is missing'}: a secured cluster takes three files, {', '.join(TLS)}")
    certificate, key, authority = map(str, paths)
    return certificate, key, authority


def dashboard_address(args: argparse.Namespace, settings: Mapping[str, Any]) -> str | None:
    """Where dask's dashboard is served, None: nowhere."""
    address = args.dashboard if args.dashboard is not None else settings.get("dashboard")
    return None if address is None else address or DEFAULT_DASHBOARD
