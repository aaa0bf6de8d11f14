"""The stack that the arguments of ``fuse`` and ``plan`` name, and what the user is to know of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.cli.compile_notice import compiling_announced
from imfuse_tiles.cli.status_line import StatusLine
from imfuse_tiles.execution.align_stack import align_stack
from imfuse_tiles.execution.alignment_report import (
    alignment_lines,
    check_transforms_place,
    is_worth_telling,
    save_transforms,
)
from imfuse_tiles.imageio.notices import Hint
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading.series import Selection
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.plan_builder import reading_key
from imfuse_tiles.stages.frame_levels import level_notices
from imfuse_tiles.storage.store import Store


def stack_from_args(args: argparse.Namespace) -> Stack:
    """The stack, its headers checked; how its files were taken goes to standard error, one line for each notice."""
    stack = _open_channel(args, args.input_channel)
    _tell(args, stack.notices)
    return stack


def _tell(args: argparse.Namespace, notices: Iterable[str]) -> None:
    """Print notices to standard error; with --quiet those only that tell of another picture than one would expect."""
    for notice in notices:
        if not (args.quiet and isinstance(notice, Hint)):
            print(f"note: {notice}", file=sys.stderr)


def guide_from_args(args: argparse.Namespace) -> Stack | None:
    """The frames of the channel that masks are computed of, None where they are computed of the stack itself."""
    return _open_channel(args, args.guide_channel) if args.guide_channel else None


def _open_channel(args: argparse.Namespace, channel: str) -> Stack:
    return open_stack(
        args.images, args.revert, pages=args.pages, order=args.order, include_results=args.include_results,
        white=args.white, ignore_alpha=args.ignore_alpha, check_inputs=args.check_inputs,
        selection=Selection(args.series, args.time, channel, args.input_level),
    )  # fmt: skip


def align_from_args(
    args: argparse.Namespace, recipe: Recipe, stack: Stack, store: Store, resources: Resources,
    guide: Stack | None = None,
) -> Stack:  # fmt: skip
    """The stack laid over itself as the arguments ask for; frames left out go to standard error.

    ``guide``: frames that masks are computed of; the stack is laid over itself as these are.
    """
    if args.save_transforms:
        check_transforms_place(Path(args.save_transforms), stack, force=args.force is not None)
    if guide is not None:
        return _align_by_guide(recipe, stack, store, resources, align_from_args(args, recipe, guide, store, resources))
    with nullcontext() if args.quiet else compiling_announced():
        aligned = align_stack(
            stack, recipe, store, resources, transforms=args.transforms, skip_bad=args.skip_bad,
            by_focus=args.order == "focus", progress=None if args.quiet else CompareProgress(),
        )  # fmt: skip
    _tell(args, aligned.notices[len(stack.notices) :])
    return aligned


def _align_by_guide(recipe: Recipe, stack: Stack, store: Store, resources: Resources, guide: Stack) -> Stack:
    """The stack laid over itself as aligned frames of another channel are, without their gains: channels fade apart."""
    found = guide.alignment.without_gains() if guide.alignment else None
    return replace(align_stack(stack, recipe, store, resources, transforms=found), guide=guide)


class CompareProgress(StatusLine):
    """Says on standard error how far comparing the frames is."""

    def __call__(self, done: int, total: int) -> None:
        self.show(lambda elapsed: f"comparing frames: {done} of {total}")


def tell_alignment(args: argparse.Namespace, stack: Stack) -> None:
    """Write the transforms to the file that the arguments name; tell what was done and is to be looked at."""
    if args.save_transforms:
        save_transforms(Path(args.save_transforms), stack)
    if not args.quiet and is_worth_telling(stack):
        print("\n".join(alignment_lines(stack)), file=sys.stderr)


def tell_levels(args: argparse.Namespace, plan: Plan, store: Store) -> None:
    """What reading the frames showed of their brightness and bits, on standard error."""
    for stage in plan.stages:
        if stage.key == reading_key(plan.stack):
            numbers = store.numbers.load(stage.key) or {}
            _tell(args, map(Hint, level_notices(numbers, [header.name for header in plan.stack.headers])))
