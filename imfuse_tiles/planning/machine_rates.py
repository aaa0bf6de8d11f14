"""How fast this machine computes and stores: measured in every run, kept beside the compiled kernels."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.planning.typical_rates import typical_rate
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.masks import MaskJob, StrongestMask
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.json_values import matches

#: Nanoseconds of a worker for each byte that it reads from a store and writes to it, where nothing was
#: measured yet.
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
        return self.of_name(kernel_name(job))

    def of_name(self, name: str) -> float:
        """The same of a kernel of a name: as measured, with other arguments of its options, or as is typical here."""
        measured = self.measured_rate(name)
        return typical_rate(name) * self._slowness if measured is None else measured

    def measured_rate(self, name: str) -> float | None:
        """What a kernel took, or took with other arguments of its options; None where neither was measured."""
        if name in self.kernels:
            return self.kernels[name]
        alike = [rate for other, rate in self.kernels.items() if _option_names(other) == _option_names(name)]
        return sum(alike) / len(alike) if alike else None

    @property
    def _slowness(self) -> float:
        """How many times as long as is typical most kernels took that were measured: a slow or busy machine.

        Files are written as fast as a disk is.
        """
        found = [(name, rate) for name, rate in self.kernels.items() if not name.startswith("write ")]
        times = sorted(rate / typical_rate(name) for name, rate in found)
        return times[len(times) // 2] if times else 1.0


def kernel_name(job: Any) -> str:
    """What a job computes, in words: its kind, its options, and of how many planes of which type."""
    job = job.timed_as if isinstance(job, Job) else job
    header = job.headers[0] if isinstance(job, IngestJob) else None
    seen = header or getattr(job, "source", None)
    samples = f"{seen.planes}x{getattr(seen, 'dtype', 'float32')}" if seen else ""
    samples += f" {header.format}" if header else ""
    return " ".join(filter(None, [type(job).__name__, *map(str, _options_of(job)), samples]))


def _options_of(job: Any) -> Sequence[Any]:
    """The options that a job computes by, and of how many masks where they are merged."""
    if isinstance(job, MaskJob):
        return [job.op]
    if isinstance(job, MergeJob):
        return [*([len(job.parts)] if len(job.parts) > 1 else []), *job.filters]
    if isinstance(job, FinishJob):
        return [step.op for picture in job.pictures for step in picture.steps]
    return job.cuts if isinstance(job, MontageJob) else ()


def stage_name(stage: Stage) -> str:
    """What a stage computes, with all that it computes as it reads it."""
    parts = [part.job.mask if isinstance(part.job, StrongestMask) else part.job for part in stage.computed]
    return " of ".join(map(kernel_name, [stage.job, *parts]))


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

    ``name``: of the kernel whose pixels these are (:func:`stage_name`).
    """

    name: str
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
    if measured.seconds > 0:
        known, name = notes["kernels"], measured.name
        known[name] = _mixed(known.get(name), 1e9 * measured.seconds / measured.pixels, BUSY)
    known = notes["stores"].get(disk_of(folder), {})
    disk = {"read": TYPICAL_READ, "write": TYPICAL_WRITE, **known}
    for name, (size, seconds) in moved.items():
        disk[name] = _mixed(known.get(name), 1e9 * seconds / size)
    notes["stores"][disk_of(folder)] = disk
    _write_notes(notes)


def note_export(ending: str, size: int, seconds: float) -> None:
    """Keep how long files of a result took that end so, of about so many bytes."""
    if size < LEAST_PIXELS or seconds <= 0:
        return
    notes, name = _read_notes(), export_name(ending)
    notes["kernels"][name] = _mixed(notes["kernels"].get(name), 1e9 * seconds / size)
    _write_notes(notes)


def export_name(ending: str) -> str:
    """Under which the speed of writing files is kept."""
    return f"write {ending.lower()}"


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
