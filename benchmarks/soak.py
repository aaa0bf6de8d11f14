"""Long trials of the promises, with their figures as lines of text and in a JSON file.

    python benchmarks/soak.py kills [--count 200] [--seed 1]      kill -9 in every phase, threads and local cluster
    python benchmarks/soak.py memory [--edge 512] [--slices 16 64 256] [--areas 1 4 16]
    python benchmarks/soak.py damage [--count 200]                random damage to a store, then the same command
    python benchmarks/soak.py headers [--seconds 600]             mutated images under limits (atheris if installed)

Each ends with exit code 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import kills as killing  # noqa: E402
from imfuse_tiles.simulate import render  # noqa: E402


def kills(said: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Kills spread over the phases; nine of ten with threads, the others with processes and a local cluster."""
    render(place / "in", 320, 220, 5, seed=3, workers=1)
    calm = killing.calm(sorted((place / "in").glob("slice_*.tif")), place)
    chance, found = random.Random(said.seed), []
    for number in range(said.count):
        phase = calm.phases[number % len(calm.phases)]
        scheduler = chance.choices(["threads", "processes", "local"], [90, 5, 5])[0]
        victim = "group" if scheduler == "threads" else chance.choice(killing.VICTIMS)
        here = place / str(number)
        here.mkdir()
        killed = killing.kill(calm, here, phase, chance, again, victim, scheduler)
        shutil.rmtree(here)
        found.append(killed)
        print(f"{number + 1:4} {asdict(killed)}", flush=True)
    wrong = [each for each in found if not each.same or each.again or each.litter]
    struck = [each for each in found if each.code != 0]
    return {
        "kills": len(found),
        "in the middle of a run": len(struck),
        "in phases": dict(Counter(each.phase for each in struck)),
        "runs that outlived a worker": sum(each.victim == "worker" and each.code == 0 for each in found),
        "other bytes afterwards": sum(not each.same for each in found),
        "recorded blocks computed again": sum(each.again for each in found),
        "half-written files left": sum(each.litter for each in found),
        "share of the blocks kept, mean": sum(each.kept / each.blocks for each in struck) / max(1, len(struck)),
        "broken": len(wrong),
    }


def again(words: list[str]) -> int:
    """The same command, until its end."""
    ended = subprocess.run([*killing.PROGRAM, *words], capture_output=True, text=True, timeout=300)
    print(ended.stderr, end="", flush=True)
    return ended.returncode


TRIALS = {"kills": kills}


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", choices=TRIALS)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there")
    said = parser.parse_args(words)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        figures = TRIALS[said.trial](said, Path(place))
    figures["seconds"] = round(time.perf_counter() - began, 1)
    print(json.dumps(figures, indent=1))
    if said.json:
        said.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
