"""How fast this machine computes and stores: measured in every run, kept beside the compiled kernels."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.masks import MaskJob, StrongestMask
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.stages.stage import Job
from imfuse_tiles.storage.json_values import matches

#: Nanoseconds of a worker for each pixel and slice where nothing was measured yet, and of all other jobs.
TYPICAL = {
    "IngestJob": 5.0, "AlignJob": 180.0, "MaskJob": 14.0, "MergeJob": 14.0, "LevelJob": 3.0, "MontageJob": 14.0,
    "FinishJob": 40.0, "NoiseJob": 4.0, "DetailJob": 60.0, "CoarsestJob": 10.0, "RestoreJob": 12.0,
    "FillDepthJob": 90.0,
}  # fmt: skip
OTHERS = 20.0
#: Nanoseconds of a worker for each byte that it reads from a store and writes to it, likewise.
TYPICAL_READ, TYPICAL_WRITE = 0.5, 1.0
#: How many times as long as before a kernel can take: what took longer had to wait for other programs.
BUSY = 2.0
#: Stages of fewer pixels tell nothing of how fast a machine is.
LEAST_PIXELS = 4_000_000


@frozen
class MachineRates:
    """Nanoseconds of a worker: for each pixel of a kernel by its name, and for each byte of a store."""

    kernels: Mapping[str, float]
    read: float = TYPICAL_READ
    write: float = TYPICAL_WRITE
    #: Whether the store was measured on this machine.
    measured: bool = False

    def of(self, job: Any) -> float:
        """Nanoseconds for each pixel and slice of a job, reading and writing aside."""
        if isinstance(job, StrongestMask):
            return self.of(job.mask)
        if (name := kernel_name(job)) in self.kernels:
            return self.kernels[name]
        alike = [rate for other, rate in self.kernels.items() if _option_names(other) == _option_names(name)]
        return sum(alike) / len(alike) if alike else typical(name) * self._slowness

    @property
    def _slowness(self) -> float:
        """How many times as long as is typical the kernels took that were measured: a slow or busy machine."""
        found = list(self.kernels.items())
        return sum(rate / typical(name) for name, rate in found) / len(found) if found else 1.0


def typical(name: str) -> float:
    """Nanoseconds for each pixel and slice of a kernel that was never measured."""
    return TYPICAL.get(name.partition(" ")[0], OTHERS)


def kernel_name(job: Any) -> str:
    """What a job computes, in words: its kind, its options, and of how many planes of which type."""
    job = job.timed_as if isinstance(job, Job) else job
    options = {MaskJob: ("op",), MergeJob: ("filters",), MontageJob: ("cuts",)}
    names = next((names for kind, names in options.items() if isinstance(job, kind)), ())
    found = [getattr(job, name) for name in names]
    ops = [op for value in found for op in (value if isinstance(value, tuple) else (value,))]
    header = job.headers[0] if isinstance(job, IngestJob) else None
    seen = header or getattr(job, "source", None)
    samples = f"{seen.planes}x{getattr(seen, 'dtype', 'float32')}" if seen else ""
    samples += f" {header.format}" if header else ""
    return " ".join(filter(None, [type(job).__name__, *map(str, ops), samples]))


def _option_names(name: str) -> list[str]:
    """A kernel's name without the arguments of its options."""
    return [word.partition("=")[0] for word in name.split()]


def rates_file() -> Path:
    """Where rates are kept: in the folder that ``NUMBA_CACHE_DIR`` names, else beside the kernels' compiled code."""
    folder = os.environ.get("NUMBA_CACHE_DIR") or Path(str(kernels.__file__)).parent / "__pycache__"
    return Path(folder) / "machine_rates.json"


def load_rates(folder: Path | None) -> MachineRates:
    """What is known of this machine, and of the disk that a store's folder lies on; ``None``: a store elsewhere."""
    notes = _read_notes()
    disk = notes["stores"].get(disk_of(folder))
    known = {name: float(rate) for name, rate in notes["kernels"].items()}
    return MachineRates(known, disk["read"], disk["write"], True) if disk else MachineRates(known)


@frozen
class Measured:
    """What a worker took for a stage: seconds for so many pixels and slices, and for bytes written and read.

    ``job``: whose pixels these are; None where others were computed meanwhile.
    """

    job: Any
    pixels: int
    seconds: float
    written: tuple[int, float]
    read: tuple[int, float]


def note_rates(folder: Path | None, measured: Measured) -> None:
    """Keep what was measured on a store's folder; what is too little tells nothing."""
    moved = {name: size for name, size in {"write": measured.written, "read": measured.read}.items()
             if size[0] >= LEAST_PIXELS}  # fmt: skip
    if measured.pixels < LEAST_PIXELS:
        return
    notes = _read_notes()
    if measured.job is not None and measured.seconds > 0:
        known, name = notes["kernels"], kernel_name(measured.job)
        known[name] = _mixed(known.get(name), 1e9 * measured.seconds / measured.pixels, BUSY)
    known = notes["stores"].get(disk_of(folder), {})
    disk = {"read": TYPICAL_READ, "write": TYPICAL_WRITE, **known}
    for name, (size, seconds) in moved.items():
        disk[name] = _mixed(known.get(name), 1e9 * seconds / size)
    notes["stores"][disk_of(folder)] = disk
    _write_notes(notes)


def _mixed(before: float | None, now: float, most: float = math.inf) -> float:
    """A rate after another measurement: half of it is what was known, and three quarters where that was faster.

    A busy machine can only be slower than it is: what took more than ``most`` times as long counts as that.
    """
    if before is None:
        return round(now, 3)
    return round((before + now) / 2 if now < before else (3 * before + min(now, most * before)) / 4, 3)


def disk_of(folder: Path | None) -> str:
    """The file system of a folder, which need not exist; one of its own for what is no folder."""
    if folder is None:
        return "remote"
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return str(existing.stat().st_dev)


def _read_notes() -> dict[str, Any]:
    notes: Any = None
    with suppress(OSError, ValueError):
        notes = json.loads(rates_file().read_text())
    if not isinstance(notes, dict) or not _are_rates(notes.get("kernels")):
        return {"kernels": {}, "stores": {}}
    stores = notes.get("stores")
    whole = isinstance(stores, dict) and all(
        isinstance(rates, dict) and set(rates) == {"read", "write"} and _are_rates(rates) for rates in stores.values()
    )
    return {"kernels": notes["kernels"], "stores": stores if whole else {}}


def _are_rates(value: Any) -> bool:
    """Whether JSON is a table of rates: positive numbers."""
    return isinstance(value, dict) and all(matches(rate, float) and 0 <= rate < 1e9 for rate in value.values())


def _write_notes(notes: Mapping[str, Any]) -> None:
    """Write the file in one go, unless the disk is full or read only."""
    with suppress(OSError):
        partial = rates_file().with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(notes, indent=1))
        os.replace(partial, rates_file())
