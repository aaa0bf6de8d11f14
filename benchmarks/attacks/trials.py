"""Attacks on the promises of a store, with their figures as lines of text and in a JSON file.

    python -m benchmarks crashes [--count 10000]      crashes at every moment, writes lost or torn, then again
    python -m benchmarks failures [--count 0]         every system call fails in turn (0) or at random; needs cc
    python -m benchmarks stragglers [--count 1000]    workers of other layouts, options and versions that wake up late
    python -m benchmarks writers [--count 1000]       two writers and more, stopped, killed, with clocks hours off
    python -m benchmarks hostile [--count 1000]       stores made to harm

Each ends with exit code 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.attacks.crashes import crashes
from benchmarks.attacks.failing_calls import failures
from benchmarks.attacks.hostile_stores import hostile
from benchmarks.attacks.small_run import scratch_folder
from benchmarks.attacks.stragglers import stragglers
from benchmarks.attacks.writers import writers
from imfuse_tiles.errors import Refusal

Trial = Callable[[Path, int, int, Callable[[str], None]], dict[str, Any]]
#: Each with how many trials it makes, and how many in its quick form.
TRIALS: dict[str, tuple[Trial, int, int]] = {
    "crashes": (crashes, 10_000, 8),
    "failures": (failures, 0, 2),
    "stragglers": (stragglers, 1000, 10),
    "writers": (writers, 1000, 6),
    "hostile": (hostile, 1000, 20),
}


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", choices=TRIALS)
    parser.add_argument("--count", type=int, help="how many trials")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="as little of it as there can be")
    args = parser.parse_args(words)
    trial, many, few = TRIALS[args.trial]
    count = args.count if args.count is not None else few if args.quick else many
    began = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory(prefix="attack-", dir=scratch_folder()) as place:
            figures = trial(Path(place) / "trials", count, args.seed, lambda line: print(line, flush=True))
    except Refusal as refusal:
        print(f"{args.trial}: {refusal}", file=sys.stderr)
        return refusal.code
    figures["seconds"] = round(time.perf_counter() - began, 1)
    print(json.dumps(figures, indent=1))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["broken"] else 0
