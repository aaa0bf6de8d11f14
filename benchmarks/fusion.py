"""``--bg=enfuse`` beside the program enfuse: time, processor time, memory, and how far the pictures differ.

    python -m benchmarks fusion [--simulate 4000x3000x20 ...] [--stacks FOLDER] [--rounds 3] [--json FILE] [--quick]

Both programs are started as a user would, in turn, round after round, on the same files; medians. Stacks are
simulated (8 bits) or the folders inside FOLDER (../shared/stacks beside the project, or IMFUSE_SHARED). Where enfuse
is not installed, only our own time is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import tifffile

from imfuse_tiles.imageio.reading import natural_order
from imfuse_tiles.simulation import render

ROOT = Path(__file__).parents[1]

ENFUSE = ["enfuse", "--contrast-weight=1", "--saturation-weight=0", "--exposure-weight=0", "--hard-mask", "-d", "16",
          "--compression=none", "--blend-colorspace=IDENTITY"]  # fmt: skip
SHARED = Path(os.environ.get("IMFUSE_SHARED") or ROOT / "../shared")
#: Files in the folders of stacks that are other programs' results.
RESULTS = ("stacked", "depth", "expected", "author", "demo")


@dataclass(frozen=True)
class Usage:
    """What one run of a program took: seconds by the wall and of all processors, bytes of memory."""

    seconds: float
    processor: float
    memory: int


@dataclass(frozen=True)
class Line:
    """One line of the table. ``enfuse`` and what follows is None where enfuse did not run."""

    stack: str
    megapixels: float
    ours: Usage
    enfuse: Usage | None = None
    decibels: float | None = None
    largest: int | None = None

    def __str__(self) -> str:
        text = f"{self.stack:<12} {self.megapixels:>7.1f}   {_columns(self.ours, self.megapixels)}"
        if self.enfuse is None or self.decibels is None:
            return text
        ratio, processor = self.enfuse.seconds / self.ours.seconds, self.enfuse.processor / self.ours.processor
        return (f"{text}   {_columns(self.enfuse, self.megapixels)}   {ratio:>6.2f} {processor:>6.2f} "
                f"{self.decibels:>7.1f} {self.largest:>6}")  # fmt: skip


def _columns(usage: Usage, megapixels: float) -> str:
    return (f"{usage.seconds:>7.2f} {usage.processor:>7.2f} {megapixels / usage.seconds:>6.1f} "
            f"{usage.memory / 1e6:>7.0f}")  # fmt: skip


_NAMES = f"{'s':>7} {'cpu s':>7} {'Mpx/s':>6} {'MB':>7}"
HEADER = "\n".join(
    [
        f"{'':<22} {'ours':>30}   {'enfuse':>30}   {'enfuse / ours':>13} {'pictures':>14}",
        f"{'stack':<12} {'Mpx':>7}    {_NAMES}   {_NAMES}   {'s':>6} {'cpu s':>6} {'dB':>7} {'most':>6}",
    ]
)


def used(command: Sequence[str | Path]) -> Usage:
    """Run a program to its end. CalledProcessError with what it said when it fails."""
    with tempfile.TemporaryFile() as said:
        began, memory, pid = time.perf_counter(), 0, 0
        process = subprocess.Popen([str(word) for word in command], stdout=said, stderr=said, env=_environment())
        while not pid:
            memory = max(memory, _peak(process.pid))
            time.sleep(0.01)
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        seconds = time.perf_counter() - began
        process.returncode = status
        if status:
            said.seek(0)
            raise subprocess.CalledProcessError(status, command[:2], said.read().decode(errors="replace")[-1000:])
    return Usage(seconds, usage.ru_utime + usage.ru_stime, memory)


def _peak(pid: int) -> int:
    """Most bytes of memory that a running process had at once; getrusage would count those of its parent."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def _environment() -> dict[str, str]:
    """This one, with the program where it lies; what Python compiles of it is kept, as of an installed one."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def measured(name: str, files: Sequence[Path], folder: Path, rounds: int) -> Line:
    """Both programs on one stack, ``rounds`` times in turn."""
    ours, theirs, store = folder / "ours.tif", folder / "enfuse.tif", folder / "store"
    fuse = [sys.executable, "-m", "imfuse_tiles", "fuse", "--bg=enfuse", "--force", "--quiet", "--store", store, "-o",
            ours, *files]  # fmt: skip
    taken: dict[str, list[Usage]] = {"ours": [], "enfuse": []}
    for _ in range(rounds):
        shutil.rmtree(store, ignore_errors=True)
        taken["ours"].append(used(fuse))
        if shutil.which("enfuse"):
            taken["enfuse"].append(used([*ENFUSE, "-o", theirs, *files]))
    shutil.rmtree(store, ignore_errors=True)
    height, width = tifffile.TiffFile(ours).pages[0].shape[:2]
    line = Line(name, height * width * len(files) / 1e6, _middle(taken["ours"]))
    if not taken["enfuse"]:
        return line
    return Line(*list(line.__dict__.values())[:3], _middle(taken["enfuse"]), *compared(ours, theirs))


def _middle(taken: Sequence[Usage]) -> Usage:
    return Usage(*(median(getattr(each, name) for each in taken) for name in ("seconds", "processor", "memory")))


def compared(ours: Path, theirs: Path) -> tuple[float, int]:
    """Decibels between two 16-bit pictures, and their largest difference in codes; the alpha of enfuse is left out."""
    a, b = tifffile.imread(ours), tifffile.imread(theirs)
    b = b[..., : a.shape[2]] if a.ndim == 3 else b.reshape(*a.shape, -1)[..., 0]
    total, largest = 0.0, 0
    for first, second in zip(a, b, strict=True):
        difference = first.astype(np.int64) - second
        total += float((difference**2).sum())
        largest = max(largest, int(np.abs(difference).max()))
    return (10 * np.log10(65535**2 * a.size / total) if total else 200.0), largest


def simulated(size: str, folder: Path) -> list[Path]:
    """A simulated stack WIDTHxHEIGHTxSLICES as TIFF files in strips, the only ones that enfuse reads."""
    width, height, slices = map(int, size.split("x"))
    rendered, made = render(folder / "rendered", width, height, slices, bits=8), []
    for path in sorted(rendered.glob("slice_*.tif")):
        made.append(folder / path.name)
        tifffile.imwrite(made[-1], tifffile.imread(path), photometric="rgb")
        path.unlink()
    return made


def photographed(stacks: Path) -> Iterator[tuple[str, list[Path]]]:
    """Name and files of every stack in a folder of folders."""
    for folder in sorted(path for path in stacks.iterdir() if path.is_dir()):
        files = [path for path in folder.iterdir() if path.suffix in (".jpg", ".png") and path.stem not in RESULTS
                 and path.stem.split("_")[0] not in RESULTS]  # fmt: skip
        if len(files) > 1:
            yield folder.name, natural_order(files)


def ended(files: Sequence[Path], folder: Path) -> list[Path]:
    """Links to files with the ending of what they are, by which enfuse tells them apart."""
    made = []
    for number, path in enumerate(files):
        ending = ".jpg" if path.read_bytes()[:2] == b"\xff\xd8" else path.suffix
        made.append(folder / f"{number:04}{ending}")
        made[-1].symlink_to(path.resolve())
    return made


def lines(sizes: Sequence[str], stacks: Path | None, rounds: int) -> Iterator[Line]:
    """The table, line by line."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            yield measured(size, simulated(size, Path(name)), Path(name), rounds)
    for stack, files in photographed(stacks) if stacks else ():
        with tempfile.TemporaryDirectory() as name:
            yield measured(stack, ended(files, Path(name)), Path(name), rounds)


def main(words: Sequence[str] | None = None) -> list[Line]:
    """Measure, print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--simulate", nargs="*", default=["2000x1500x12", "4000x3000x20"], metavar="WxHxSLICES")
    parser.add_argument("--stacks", type=Path, default=SHARED / "stacks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="one small simulated stack, once")
    said = parser.parse_args(words)
    if said.quick:
        said.simulate, said.stacks, said.rounds = ["120x90x3"], None, 1
    elif not said.stacks.is_dir():
        print(f"no stacks in {said.stacks}; only simulated ones are measured")
        said.stacks = None
    if not shutil.which("enfuse"):
        print("enfuse is not installed; only our own time is measured")
    print(HEADER)
    table = []
    for line in lines(said.simulate, said.stacks, said.rounds):
        print(line, flush=True)
        table.append(line)
    if said.json:
        said.json.write_text(json.dumps([asdict(line) for line in table], indent=1) + "\n")
    return table
