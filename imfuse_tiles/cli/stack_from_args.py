"""The stack that the arguments of ``fuse`` and ``plan`` name, and what the user is to know of it."""

from __future__ import annotations

import argparse
import sys

from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.stack import Stack


def stack_from_args(args: argparse.Namespace) -> Stack:
    """The stack, its headers checked; how its files were taken goes to standard error, one line for each notice."""
    stack = open_stack(
        args.images, args.revert, pages=args.pages, order=args.order, include_results=args.include_results
    )
    for notice in stack.notices:
        print(f"note: {notice}", file=sys.stderr)
    return stack
