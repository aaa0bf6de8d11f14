"""The resources of a run: memory, workers and the scheduler that computes its blocks. Nothing is opened here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen

#: The job queues, and what dask-jobqueue calls their clusters.
QUEUES = {
    "slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
}  # fmt: skip
SCHEDULER_HELP = (
    "sync, threads[:N], processes[:N], local[:N], tcp://host:port, tls://host:port, file:scheduler.json, "
    f"{', '.join(QUEUES)}, module:callable, or a cluster file by its name or path"
)
CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
#: What is said of a secured scheduler that nobody showed keys for.
TLS_HELP = "a secured scheduler takes --tls-cert, --tls-key and --tls-ca, or keys in dask's configuration"
#: Where a dashboard is served that was asked for without an address.
DEFAULT_DASHBOARD = "127.0.0.1:8787"


#: What a store keeps: all, as much as fits the disk, or what was read and the result only.
KEEP = ("all", "auto", "source")

#: When frames are copied into the store: where the disk holds them or they cannot be read in parts, always, or never.
INGEST = ("auto", "always", "never")

#: How the cache is stored, by the names of the original: for speed, or compressed.
CACHE_FORMATS = ("mpc", "tif")
#: Groups of a store that hold masks.
MASK_GROUPS = ("mask", "peak", "merge", "far")


@frozen
class Cluster:
    """What a scheduler needs beside its name.

    ``threads``: of each worker. ``settings``: handed on to the job queue's cluster or to the callable.
    ``tls``: files of certificate, key and authority. ``dashboard``: the address to serve it at, None for none.
    """

    threads: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    tls: tuple[str, str, str] | None = None
    dashboard: str | None = None


@frozen
class Part:
    """One of several programs that share the blocks of a run: the ``number``-th (from 1) of ``of``.

    ``wait``: seconds that it waits for blocks of parts that are not running.
    """

    number: int
    of: int
    wait: float = 600

    @property
    def name(self) -> str:
        return f"part-{self.number}-of-{self.of}"

    def part_of_block(self, block: int) -> int:
        """The part that computes the n-th block of a stage."""
        return block % self.of + 1


def parse_part(text: str, wait: float) -> Part:
    """A part from I/N; Refusal when it is none."""
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise Refusal(f"--part {text}: allowed is I/N with I from 1 to N, such as 2/8")
    return Part(int(found[1]), int(found[2]), wait)


def is_callable(spec: str) -> bool:
    """Whether a scheduler is a Python function that returns one: ``module:callable``."""
    names = ("sync", "tcp", "tls", "file", *QUEUES)
    return spec.partition(":")[0] not in names and CALLABLE.fullmatch(spec) is not None


def worker_count(spec: str, workers: int) -> int:
    """How many workers a scheduler will have (as given in it, else ``workers``); Refusal when it is unknown."""
    name, _, rest = spec.partition(":")
    if name == "sync" and not rest:
        return 1
    if name in ("threads", "processes", "local"):
        if rest and not (rest.isdigit() and int(rest) > 0):
            raise Refusal(f"--scheduler {spec}: {rest} is no number of workers; allowed is {SCHEDULER_HELP}")
        return int(rest) if rest else workers
    if (name in ("tcp", "tls") and rest.startswith("//")) or (name == "file" and rest) or spec in QUEUES:
        return workers
    if is_callable(spec):
        return workers
    raise Refusal(f"--scheduler {spec} is not known; allowed is {SCHEDULER_HELP}")


def worker_location(spec: str) -> Literal["in_process", "local", "remote"]:
    """Whether blocks are computed in this process, in processes of this machine, or wherever the workers are."""
    name = spec.partition(":")[0]
    if name in ("sync", "threads"):
        return "in_process"
    return "local" if name in ("processes", "local") else "remote"


@dataclass(frozen=True)
class Resources:
    """How a run may use the machine; never part of a key.

    ``memory``: bytes for all workers together, or for each worker where these are of other machines. ``tile``: edge
    of a block in pixels, None: chosen to fit. ``scheduler``: where blocks are computed. ``part``: which of several
    programs this one is. ``durable``: whether data are on the disk before they are recorded. ``lean``:
    delete what no later stage needs. ``disk``: bytes for the store and the results, None: what is free. ``keep``: what
    is stored, one of KEEP; all else is computed when it is read. ``ingest``: when frames are stored, one of INGEST.
    ``cacheformat`` and, of masks, ``maskformat``: ``tif`` where chunks are compressed, ``mpc`` where not.

    Refusal of ``lean`` together with ``part``: a part may still wait for blocks of a stage, or come back for some, that
    another has long left behind.
    """

    memory: int
    workers: int
    tile: int | None = None
    scheduler: str = "threads"
    cluster: Cluster = field(default_factory=Cluster)
    part: Part | None = None
    lean: bool = False
    durable: bool = False
    disk: int | None = None
    keep: str = "auto"
    ingest: str = "auto"
    cacheformat: str = "mpc"
    maskformat: str = ""

    def __post_init__(self) -> None:
        if self.lean and self.part:
            raise Refusal("--lean deletes what other parts may still read; it is not allowed with --part")

    @property
    def writes_result(self) -> bool:
        """Whether this program writes the result's files: alone, or as the first of several."""
        return self.part is None or self.part.number == 1

    def compresses(self, path: str) -> bool:
        """Whether chunks of an array are compressed when it is created."""
        masks = path.partition("/")[0] in MASK_GROUPS
        return (self.maskformat or self.cacheformat if masks else self.cacheformat) == "tif"


def available_cores() -> int:
    """Cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
