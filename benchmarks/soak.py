"""Long trials of the promises, with their figures as lines of text and in a JSON file.

    python -m benchmarks kills [--count 200] [--seed 1]      kill -9 in every phase, threads and local cluster
    python -m benchmarks damage [--count 200]                random damage to a store, then the same command
    python -m benchmarks memory [--edge 512] [--slices 16 64 256] [--areas 1 4 16]
    python -m benchmarks headers [--seconds 600]             mutated images under limits (atheris if installed)

Each ends with exit code 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import re
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

from benchmarks import damages, peaks
from benchmarks import kills as killing
from imfuse_tiles.cli.main import main as main_of_program
from imfuse_tiles.simulation import render

ROOT = Path(__file__).parents[1]


def kills(said: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Kills spread over the phases; nine of ten with threads, the others with processes and a local cluster."""
    render(place / "in", 320, 220, 5, seed=3, workers=1)
    fuse = main_of_program if said.quick else killing.fuse
    calm = killing.calm(sorted((place / "in").glob("slice_*.tif")), place, fuse)
    chance, found = random.Random(said.seed), []
    for number in range(said.count):
        phase = calm.phases[number % len(calm.phases)]
        scheduler = chance.choices(["threads", "processes", "local"], [90, 5, 5])[0]
        victim = "group" if scheduler == "threads" else chance.choice(killing.VICTIMS)
        here = place / str(number)
        here.mkdir()
        killed = killing.kill(calm, here, phase, chance, fuse, victim, scheduler)
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


def damage(said: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Chunks deleted, emptied, cut, flipped or zeroed at random, and a journal with them; then the same command.

    A half-written file may stay in an array that the command had nothing to write to, until ``verify --repair``.
    """
    render(place / "in", 320, 220, 5, seed=3, workers=1)
    fuse = main_of_program if said.quick else killing.fuse
    calm = killing.calm(sorted((place / "in").glob("slice_*.tif")), place, fuse)
    chance, wrong, struck = random.Random(said.seed), 0, 0
    for number in range(said.count):
        here = place / str(number)
        struck += damages.damaged_copy(place / "second" / "store", here / "store", chance)
        began = time.time()
        same = fuse(killing.words(calm.images, here)) == 0 and killing.pictures(here) == calm.pictures
        litter = damages.partial_files(here, began)
        main_of_program(["verify", "--repair", str(here / "store")])
        litter += damages.partial_files(here)
        wrong += not same or bool(litter)
        print(f"{number + 1:4} {'the same' if same else 'ANOTHER'} {len(litter)} half-written", flush=True)
        shutil.rmtree(here)
    return {"stores": said.count, "files damaged": struck, "broken": wrong}


def memory(said: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Projected and measured peaks over areas and slices, all with the same memory and tile."""
    words = ["--preset", "default", "--memory", said.memory, "--tile", str(said.tile)]
    found: dict[tuple[int, int], peaks.Peak] = {}
    (place / "in").mkdir()
    for area in said.areas:
        slices = peaks.slices_of(place / "in", said.edge, round(area**0.5))
        for count in said.slices:
            here = place / f"{area}x{count}"
            here.mkdir()
            images = peaks.linked(slices, count, here)
            found[area, count] = peaks.peak(area, images, here, words, limited=count == said.slices[0])
            print(found[area, count], flush=True)
            shutil.rmtree(here)
    (one, few), ratios = (said.areas[0], said.slices[0]), [each.ratio for each in found.values()]
    took = {key: each.measured for key, each in found.items()}
    growth = {
        f"growth from {few} to {said.slices[-1]} slices": max(
            took[a, said.slices[-1]] / took[a, few] for a in said.areas
        ),
        f"growth from {one}x to {said.areas[-1]}x area": max(
            took[said.areas[-1], n] / took[one, n] for n in said.slices
        ),
    }
    return {
        "runs": len(found),
        "projected / measured, least and most": [round(min(ratios), 2), round(max(ratios), 2)],
        **{name: round(times - 1, 3) for name, times in growth.items()},
        "broken": sum(not 1 <= ratio <= 3 for ratio in ratios) + sum(times > 1.1 for times in growth.values()),
    }


def headers(said: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Mutated images in processes with limits: half of the time by hypothesis, the other by atheris if there is one."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "hazards")]
    from hazards.test_hostile import planted, planted_formats

    planted(place)
    planted_formats(place)
    fuzzer = importlib.util.find_spec("atheris") is not None
    end, rounds, broken = time.monotonic() + said.seconds / (1 + fuzzer), 0, 0
    while time.monotonic() < end:
        broken += tried(ROOT / "tests" / "hazards" / "hostile.py", place, said.count, said.seed + rounds)[0]
        rounds += 1
    figures = {"mutated by hypothesis": said.count * rounds, "mutated by atheris": 0}
    if fuzzer:
        failed, text = tried(ROOT / "benchmarks" / "headers.py", place, said.seconds / 2, said.seed)
        done = re.search(r"Done (\d+) runs", text)
        figures["mutated by atheris"] = int(done[1]) if done else 0
        broken += failed
    return {**figures, "broken": broken}


def tried(script: Path, *words: object) -> tuple[bool, str]:
    """Whether a script failed, and what it said, shown if so."""
    ended = subprocess.run([sys.executable, script, *map(str, words)], capture_output=True, text=True)
    if ended.returncode:
        print(ended.stdout[-2000:], ended.stderr[-4000:], flush=True)
    return ended.returncode != 0, ended.stderr


TRIALS = {"kills": kills, "damage": damage, "memory": memory, "headers": headers}
#: Options of the quick form of each.
QUICK: dict[str, dict[str, Any]] = {
    "kills": {"count": 1},
    "damage": {"count": 1},
    "memory": {"edge": 96, "slices": [2, 5], "areas": [1, 4], "tile": 64},
    "headers": {"count": 20, "seconds": 4},
}


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", choices=TRIALS)
    parser.add_argument("--count", type=int, default=200, help="kills, damaged stores, or images at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edge", type=int, default=512, help="pixels a side of the smallest area")
    parser.add_argument("--slices", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--areas", type=int, nargs="+", default=[1, 4, 16], help="squares")
    parser.add_argument("--memory", default="600M")
    parser.add_argument("--tile", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="as little of it as there can be")
    said = parser.parse_args(words)
    if said.quick:
        vars(said).update(QUICK[said.trial])
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        figures = TRIALS[said.trial](said, Path(place))
    figures["seconds"] = round(time.perf_counter() - began, 1)
    print(json.dumps(figures, indent=1))
    if said.json:
        said.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["broken"] else 0
