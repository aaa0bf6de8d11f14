"""The stacks of a batch, found and fused one after the other, once or whenever one has become complete."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse_tiles.errors import ImfuseError, Interrupted, Refusal
from imfuse_tiles.options.recipe import Recipe

if TYPE_CHECKING:
    from imfuse_tiles.cli.mask_channel import GuideChannels
    from imfuse_tiles.imageio.find_stacks import FoundStack

#: Seconds between two looks at the folders that are watched.
LOOK = 2.0


class BatchRun:
    """Stacks fused one after the other, and the report of all of them, written anew after each."""

    def __init__(self, args: argparse.Namespace, recipe: Recipe) -> None:
        self.args, self.recipe = args, recipe
        self.report = Path(args.report or Path(args.output) / _report_name(args))
        self.entries: dict[str, dict[str, Any]] = {}
        self.place = tempfile.TemporaryDirectory(prefix="imfuse-batch-")

    @cached_property
    def guides(self) -> GuideChannels | None:
        """The channels whose masks or depth the others take, where that is asked for."""
        from imfuse_tiles.cli.mask_channel import GuideChannels

        return GuideChannels(Path(self.place.name), self._store_of) if self.args.mask_channel else None

    def _store_of(self, stack: FoundStack) -> str | None:
        """The store of a stack, None for one in the cache folder."""
        return f"{self.args.store.rstrip('/')}/{stack.name}" if self.args.store else None

    def check(self) -> None:
        """Refuse to write the report over another file."""
        from imfuse_tiles.viewer import run_report

        run_report.check_file(self.report, self.args.force is not None)

    def fuse_all(self, stacks: Sequence[FoundStack]) -> int:
        """Fuse stacks; the highest exit code."""
        for place, stack in enumerate(stacks):
            if not self.args.quiet:
                print(f"stack {place + 1} of {len(stacks)}: {stack.name}, {len(stack.images)} files", file=sys.stderr)
            self.fuse(stack)
        bad = [name for name, entry in self.entries.items() if entry["code"]]
        if bad:
            print(f"imfuse-tiles: {len(bad)} of {len(stacks)} stacks are not done: {', '.join(bad)}", file=sys.stderr)
        return max((entry["code"] for entry in self.entries.values()), default=0)

    def fuse(self, stack: FoundStack) -> int:
        """Fuse one stack and note how it ended: its exit code. Only a signal, or a bug, is not borne."""
        entry: dict[str, Any] = {"images": [str(path) for path in stack.images], "code": 0, "message": ""}
        began = time.perf_counter()
        try:
            report = Path(self.place.name) / "report.json"
            report.unlink(missing_ok=True)
            entry["code"] = self._run(stack, report)
            entry["report"] = json.loads(report.read_text()) if report.exists() else None
        except Interrupted as stop:
            self._note(stack, entry | {"code": stop.code, "message": str(stop)}, began)
            raise
        except ImfuseError as error:
            entry |= {"code": error.code, "message": str(error)}
            print(f"imfuse-tiles: {stack.name}: {error}", file=sys.stderr)
        self._note(stack, entry, began)
        return int(entry["code"])

    def _run(self, stack: FoundStack, report: Path) -> int:
        """Run ``fuse`` on a stack."""
        from imfuse_tiles.cli import fuse_run

        args = argparse.Namespace(**vars(self.args))
        args.images, args.report = list(stack.images), str(report)
        args.series, args.time, args.input_channel = (
            stack.selection.series, stack.selection.time, stack.selection.channel,
        )  # fmt: skip
        args.output = str(Path(self.args.output) / f"{stack.name}.{self.args.format.lstrip('.')}")
        args.store = self._store_of(stack)
        recipe = (
            self.guides.prepare(stack, args, self.recipe) if stack.selection.channel and self.guides else self.recipe
        )
        code = fuse_run.run("fuse", args, recipe, time.perf_counter())
        if self.guides:
            self.guides.keep(stack, args)
        return code

    def _note(self, stack: FoundStack, entry: dict[str, Any], began: float) -> None:
        from imfuse_tiles.viewer import run_report

        self.entries[stack.name] = entry | {"wall_seconds": time.perf_counter() - began}
        codes = [one["code"] for one in self.entries.values()]
        peak = max(((one.get("report") or {}).get(run_report.MARK, 0) for one in self.entries.values()), default=0)
        run_report.write(self.report, {run_report.MARK: peak, "done": codes.count(0),
                                       "failed": len(codes) - codes.count(0), "stacks": self.entries})  # fmt: skip


def watch(run: BatchRun, quiet_time: float, looks: int | None = None) -> int:
    """Fuse stacks as they become complete, until a signal; ``looks``: how often the folders are looked at, at most."""
    done, told = dict[str, object](), set[str]()
    while looks is None or looks > 0:
        for stack in _stacks_now(run.args, told):
            state = stack.state()
            if done.get(stack.name) != state and time.time() - stack.changed_at() >= quiet_time:
                done[stack.name] = state
                run.fuse(stack)
        looks = None if looks is None else looks - 1
        time.sleep(LOOK if looks is None else 0)
    return max((entry["code"] for entry in run.entries.values()), default=0)


def _stacks_now(args: argparse.Namespace, told: set[str]) -> list[FoundStack]:
    """The stacks that are there; none where there are none yet, or files come and go."""
    try:
        return stacks_from_args(args, told)
    except (Refusal, OSError):
        return []


def stacks_from_args(args: argparse.Namespace, told: set[str]) -> list[FoundStack]:
    """The stacks that the arguments name; what was left out goes to standard error, unless it was ``told``."""
    from imfuse_tiles.imageio.find_stacks import find_stacks  # which loads NumPy

    notices: list[str] = []
    stacks = find_stacks(args.images, args.group, args.gap, Path(args.output), notices)
    for notice in dict.fromkeys(notices):
        if notice not in told:
            told.add(notice)
            print(f"note: {notice}", file=sys.stderr)
    if args.mask_channel:
        from imfuse_tiles.cli.mask_channel import mask_channel_first

        return mask_channel_first(stacks, args.mask_channel)
    return stacks


def _report_name(args: argparse.Namespace) -> str:
    """The name of the report in the folder of results; parts have their own."""
    return f"batch.part{args.part.partition('/')[0]}.json" if args.part else "batch.json"
