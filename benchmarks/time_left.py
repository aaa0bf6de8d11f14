"""The time that the program says a run will take, beside what it took: many kinds of runs.

python -m benchmarks time-left [--kinds NAME ...] [--rates fresh|learned|both] [--cores] [--folder DIR]

Every run is a process of its own, that of a user; what it would show after each block is noted. An estimate is the time
so far and the time left together, from the start of the program; beside it stands the whole time, to the end of the
process. ``fresh``: nothing is known of the machine but its compiled kernels; ``learned``: the same run came before.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tifffile

from benchmarks.chains import A, B
from benchmarks.figures import Figure, written
from benchmarks.fusion import ROOT
from imfuse_tiles.simulation import render

#: Estimates after these parts of a run are shown, the first is to be right within this.
PARTS, WITHIN = (0.1, 0.25, 0.5), 0.3
#: Stacks by name: width, height, slices, whether they are moved, and the ending of their files.
STACKS = {
    "tiff": (3000, 2400, 8, False, "tif"), "jpeg": (3000, 2400, 8, True, "jpg"), "long": (900, 700, 60, True, "jpg"),
    "large": (6000, 4500, 3, False, "tif"), "small": (300, 200, 3, False, "tif"),
    "moved": (1600, 1200, 8, True, "tif"),
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of run: its stack and options. ``before``: those of a run on the same store that came before.

    ``killed``: the part of the run, in seconds, after which it is killed once before it goes on. ``ending``:
    of the result.
    """

    stack: str
    words: str
    before: str = ""
    killed: float = 0.0
    ending: str = "tif"


KINDS = {
    "small": Kind("small", f"{A} --align=no"),
    "jpeg, no options": Kind("jpeg", ""),
    "tiff, no options": Kind("tiff", "--align=no"),
    "A": Kind("tiff", f"{A} --align=no"),
    "A, moved jpeg": Kind("jpeg", A),
    "B": Kind("tiff", f"{B} --align=no"),
    "workflow-blur": Kind("tiff", "--preset workflow-blur --align=no"),
    "A, keep source": Kind("tiff", f"{A} --align=no --keep=source"),
    "A, keep all": Kind("tiff", f"{A} --align=no --keep=all"),
    "A, in place": Kind("tiff", f"{A} --align=no --ingest=never"),
    "A, in place, source": Kind("tiff", f"{A} --align=no --ingest=never --keep=source"),
    "A, depth": Kind("tiff", f"{A} --align=no -X"),
    "depth, no options": Kind("jpeg", "-X"),
    "A, long": Kind("long", A),
    "long, no options": Kind("long", ""),
    "A, large": Kind("large", f"{A} --align=no"),
    "large, no options": Kind("large", "--align=no"),
    "A, masks changed": Kind("tiff", f"{A.replace('--maskwave=p100', '--maskblur=s3')} --align=no", f"{A} --align=no"),
    "A, cut changed": Kind("tiff", f"{A.replace('cutless=p15', 'cutless=p20')} --align=no", f"{A} --align=no"),
    "A, gone on": Kind("tiff", f"{A} --align=no", killed=1.2),
    "A, one worker": Kind("tiff", f"{A} --align=no --workers=1"),
    "A, processes": Kind("tiff", f"{A} --align=no --scheduler processes"),
    "A, PNG": Kind("tiff", f"{A} --align=no", ending="png"),
    "short tiff, aligned": Kind("moved", A),
    "short tiff, no options": Kind("moved", ""),
    "small memory": Kind("tiff", f"{A} --align=no --memory 400M"),
    "small memory, no options": Kind("jpeg", "--memory 400M"),
    "fft": Kind("tiff", "--fft=p10 --maskblur=s2 --cutwave --align=no"),
    "no options, gone on": Kind("jpeg", "", killed=5.0),
    "no options, frames sharpened": Kind("jpeg", "--bg=pyramid --sharpen=0x1", "--bg=pyramid"),
    "no options, other noise": Kind("jpeg", "--bg=pyramid,noise=0.02", "--bg=pyramid"),
}  # fmt: skip


def stack_files(name: str, folder: Path) -> list[Path]:
    """The files of a stack, rendered unless they are there."""
    width, height, slices, moved, ending = STACKS[name]
    place = folder / name
    if not place.exists():
        source = folder / "rendered"
        rendered = render(source, width, height, slices, bits=8, misalign=moved)
        partial = folder / f"{name}.partial"
        partial.mkdir(exist_ok=True)
        for path in sorted(rendered.glob("slice_*.tif")):
            samples = tifffile.imread(path)
            if ending == "jpg":
                from PIL import Image

                Image.fromarray(samples).save(partial / f"{path.stem}.jpg", quality=92)
            else:
                tifffile.imwrite(partial / path.name, samples, photometric="rgb")
        shutil.rmtree(source)
        partial.rename(place)
    return sorted(place.iterdir())


def used_seconds(workers: int) -> float:
    """Seconds of cores since this process began, as if all workers were always at work and nobody else."""
    return (time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime) / workers


def child(notes: str, rates: str, began: str, words: Sequence[str]) -> int:
    """Run the program in this process, its rates kept elsewhere, and note what it would show after every block.

    ``began``: in seconds since 1970; empty: seconds of cores are counted.
    """
    if not began:
        time.perf_counter = time.thread_time
    from imfuse_tiles.cli import show_run
    from imfuse_tiles.cli.main import program
    from imfuse_tiles.cli.whole_run import WholeRun
    from imfuse_tiles.planning import machine_rates

    machine_rates.rates_file = lambda: Path(rates)
    events: list[list[Any]] = []
    workers = 1 if "--workers=1" in words else 2

    def now() -> float:
        return time.time() - float(began) if began else used_seconds(workers)

    class Noted(WholeRun):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **({**more, "clock": now, "before": now()} if not began else more))
            costs = [[stage.name, self.cost(stage)] for stage in self.stages]
            events.append(["run", now(), {"costs": costs, "after": more.get("after", 0.0)}])

        def begin(self, stage: Any, blocks: int, reused: int) -> None:
            super().begin(stage, blocks, reused)
            events.append(["stage", now(), [stage.name, blocks, reused], self.left])

        def block(self) -> None:
            super().block()
            events.append(["block", now(), self.left])

        def leave_out(self, seconds: float) -> None:
            super().leave_out(seconds)
            events.append(["out", now(), seconds])

    show_run.WholeRun = Noted  # type: ignore[misc]
    sys.argv = ["imfuse-tiles", *words]
    try:
        return program()
    finally:
        Path(notes).write_text(json.dumps([*events, ["end", now(), None]]))


def run(words: Sequence[str | Path], folder: Path, wall: bool, kill_after: float = 0.0) -> list[list[Any]]:
    """Run the program; what was noted. Killed early, that is nothing."""
    notes = folder / "notes.json"
    notes.unlink(missing_ok=True)
    places = [str(notes), str(folder / "rates.json"), str(time.time()) if wall else ""]
    command = [sys.executable, "-m", "benchmarks.time_left", "child", *places, *map(str, words)]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        if kill_after:
            time.sleep(kill_after)
            process.send_signal(signal.SIGKILL)
        process.wait()
    if kill_after:
        return []
    assert process.returncode == 0, (folder / "output.txt").read_text()
    found: list[list[Any]] = json.loads(notes.read_text())
    return found


def estimates(events: Sequence[Sequence[Any]]) -> list[float]:
    """Estimated beside true time after each of PARTS of a run: of the last block before."""
    found, seconds = list[float](), events[-1][1]
    for part in PARTS:
        seen = [(event[1], event[-1]) for event in events if event[0] in ("block", "stage") and event[-1] is not None]
        until = [place for place in seen if place[0] <= part * seconds] or seen[:1]
        found.append(sum(until[-1]) / seconds if until else float("nan"))
    return found


def measure(name: str, folder: Path, fresh: bool, wall: bool) -> list[list[Any]]:
    """One run of a kind. ``fresh``: nothing is known of this machine's speed."""
    kind, store = KINDS[name], folder / "store"
    files = stack_files(kind.stack, folder / "stacks")
    shutil.rmtree(store, ignore_errors=True)
    common: list[str | Path] = ["--store", store, "--force", "-o", folder / f"result.{kind.ending}"]
    if kind.before:
        run(["fuse", *kind.before.split(), *common, *files], folder, wall)
    if fresh:
        (folder / "rates.json").unlink(missing_ok=True)
    words: list[str | Path] = ["fuse", *kind.words.split(), *common, *files]
    if kind.killed:
        run(words, folder, wall, kind.killed)
    return run(words, folder, wall)


def figures(
    names: Sequence[str], folder: Path, rates: Sequence[bool], wall: bool, log: Path | None
) -> Iterator[Figure]:
    """Estimates of kinds of runs beside the truth."""
    noted = []
    for name in names:
        if not wall and "processes" in KINDS[name].words:  # whose seconds are only known when they have ended
            continue
        for fresh in rates:
            events = measure(name, folder, fresh, wall)
            values, seconds = estimates(events), events[-1][1]
            noted.append({"kind": name, "fresh": fresh, "seconds": seconds, "events": events})
            words = ", ".join(f"{value:.2f}" for value in values[1:])
            wrong = abs(values[0] - 1)
            title = f"{name}, {'fresh' if fresh else 'learned'}: {values[0]:.2f}, then {words}; {seconds:.1f} s"
            yield Figure("time left", title, wrong, "", WITHIN, detail={"estimates": values, "seconds": seconds})
            if log:
                log.write_text(json.dumps(noted))


def main(words: Sequence[str]) -> int:
    """The door of the benchmark."""
    parser = argparse.ArgumentParser(prog="time-left", description=__doc__)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS)[1:], choices=list(KINDS), metavar="NAME")
    parser.add_argument("--rates", choices=("fresh", "learned", "both"), default="both")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--cores", action="store_true", help="count seconds of cores, on a machine that others use")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--log", type=Path, help="write all events to a file")
    parser.add_argument("--quick", action="store_true", help="one run of a small stack")
    args = parser.parse_args(words)
    if args.quick:
        args.kinds, args.rates = ["small"], "fresh"
    rates = {"fresh": [True], "learned": [False], "both": [True, False]}[args.rates]
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch)
        (folder / "stacks").mkdir(parents=True, exist_ok=True)
        written(figures(args.kinds, folder, rates, not args.cores, args.log), args.json)
    return 0


if __name__ == "__main__":
    assert sys.argv[1] == "child"
    sys.exit(child(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]))
