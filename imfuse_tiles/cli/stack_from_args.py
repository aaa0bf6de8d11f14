"""The stack that the arguments of ``fuse`` and ``plan`` name, and what the user is to know of it."""

from __future__ import annotations

import argparse
import sys

from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.frame_levels import level_notices
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.storage.store import Store


def stack_from_args(args: argparse.Namespace) -> Stack:
    """The stack, its headers checked; how its files were taken goes to standard error, one line for each notice."""
    stack = open_stack(
        args.images, args.revert, pages=args.pages, order=args.order, include_results=args.include_results,
        white=args.white,
    )  # fmt: skip
    for notice in stack.notices:
        print(f"note: {notice}", file=sys.stderr)
    return stack


def print_level_notices(plan: Plan, store: Store) -> None:
    """What reading the frames showed of their brightness and bits, on standard error."""
    for stage in plan.stages:
        if stage.key == IngestJob.key(plan.stack.digest):
            numbers = store.numbers.load(stage.key) or {}
            for notice in level_notices(numbers, [header.name for header in plan.stack.headers]):
                print(f"note: {notice}", file=sys.stderr)
