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
    DASHBOARD,
    KEYLESS,
    QUEUES,
    Cluster,
    Part,
    Resources,
    check_scheduler,
    cores,
    part_of,
)
from imfuse_tiles.planning.memory import bytes_of, default_memory

#: What a worker may take of its share of a job's memory: dask ends those that come to 95 %.
USED = 0.9
TLS = ("tls-cert", "tls-key", "tls-ca")


def resources(said: argparse.Namespace) -> Resources:
    """The resources of a run; what the command line says goes before what a cluster file says."""
    file = config_files.load_cluster_file(said.scheduler) if is_file(said.scheduler) else {"scheduler": said.scheduler}
    spec, settings = file["scheduler"], file.get("cluster", {})
    if spec in QUEUES:
        file = {**of_queue(spec, settings), **file}
    workers = check_scheduler(spec, said.workers or file.get("workers") or cores())
    given = said.memory or file.get("memory")
    memory = bytes_of(given) if given else default_memory()
    threads, keys = file.get("threads", 1), tls(said, file)
    if spec.startswith("tls:") and not keys and not has_keys():
        raise Refusal(f"--scheduler {spec}: {KEYLESS}")
    return Resources(
        memory, workers, said.tile or file.get("tile"), spec,
        Cluster(threads, settings, keys, dashboard(said, file)), part(said), said.lean,
    )  # fmt: skip


def is_file(spec: str) -> bool:
    """Whether a scheduler's name is that of a cluster file."""
    if spec in QUEUES:
        return not configured(spec, {}).get("cores")
    try:
        check_scheduler(spec, 1)
    except Refusal:
        return not spec.partition(":")[2]
    return False


def of_queue(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Memory and threads of each worker, from what a job asks for."""
    job = configured(name, settings)
    processes, cores, memory = job.get("processes") or 1, job.get("cores"), job.get("memory")
    if not cores or not memory:
        raise Refusal(f"--scheduler {name}: say cores and memory of a job in a cluster file or in dask's jobqueue.yaml")
    return {"memory": str(int(USED * parse_bytes(memory)) // processes), "threads": max(1, cores // processes)}


def part(said: argparse.Namespace) -> Part | None:
    """Which of several programs this one is; Refusal where they would be in each other's way."""
    if said.part is None:
        return None
    if said.force:
        raise Refusal(f"--force={said.force} takes blocks back that other parts may need; run it once without --part")
    return part_of(said.part, said.wait)


def tls(said: argparse.Namespace, file: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """The files of certificate, key and authority; Refusal when one is missing."""
    given = [getattr(said, name.replace("-", "_")) or file.get(name) for name in TLS]
    if not any(given):
        return None
    for name, path in zip(TLS, given, strict=True):
        if not path or not Path(path).is_file():
            raise Refusal(f"--{name} {path or 'is missing'}: a secured cluster takes three files, {', '.join(TLS)}")
    cert, key, authority = map(str, given)
    return cert, key, authority


def dashboard(said: argparse.Namespace, file: Mapping[str, Any]) -> str | None:
    """Where dask's dashboard is wanted, None: nowhere."""
    given = said.dashboard if said.dashboard is not None else file.get("dashboard")
    return None if given is None else given or DASHBOARD
