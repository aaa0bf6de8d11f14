"""``align``: frames laid over each other, as files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import Parser, whole_number
from imfuse_tiles.cli.arguments import add_frame_options
from imfuse_tiles.cli.recipe_arguments import split_recipe_options
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.alignment import AlignKeepSize
from imfuse_tiles.options.grammar import parse_arguments
from imfuse_tiles.options.recipe import Recipe, check_recipe


def parser() -> Parser:
    """The words of ``align``."""
    about = (
        "Lay the frames of a stack over each other and write them to a folder, under their names and in their number "
        "types. --align, --reference, --align-keep-size, --balance, --crop and --shave: see imfuse-tiles ops."
    )
    align_parser = Parser(prog="imfuse-tiles align", allow_abbrev=False, description=about)
    add = align_parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="frames of the stack, sorted by name, front first")
    add("-o", "--output", metavar="DIR", default="aligned", help="folder for the frames, created if need be (aligned)")
    add_frame_options(align_parser)
    add("--format", default="tif", choices=("tif", "png"), help="tif or png (tif)")
    add("--memory", metavar="SIZE", help="memory for comparing (a quarter of the machine's, at most 4G)")
    add("--workers", type=whole_number(1), metavar="N", help="frames at once (one for each core)")
    add("-f", "--force", nargs="?", const="", help="overwrite what is there")
    add("--quiet", action="store_true", help="print nothing but the folder and errors")
    return align_parser


def align(words: Sequence[str]) -> int:
    """Write aligned frames."""
    align_parser = parser()
    rest, options = split_recipe_options(align_parser, words)
    args = align_parser.parse_intermixed_args(rest)
    recipe = check_recipe(Recipe(tuple(parse_arguments(*option) for option in options)))
    other = next((op for op in recipe.ops if op.section != "Frames"), None)
    if other is not None:
        raise Refusal(f"align does not take {other}; it is for fuse")
    from imfuse_tiles.cli.stack_from_args import align_from_args, stack_from_args, tell_alignment
    from imfuse_tiles.execution.write_frames import write_frames
    from imfuse_tiles.options.resources import Resources, available_cores
    from imfuse_tiles.planning.memory import default_memory, parse_size
    from imfuse_tiles.storage.store import Store

    workers = args.workers or available_cores()
    resources = Resources(parse_size(args.memory) if args.memory else default_memory(), workers, None, "threads")
    stack = stack_from_args(args)
    nowhere = Store.at(Path(args.output) / ".imfuse-tiles")  # transforms are not kept, but by --save-transforms
    stack = align_from_args(args, recipe, stack, nowhere, resources)
    tell_alignment(args, stack)
    alpha = bool(stack.warps) and recipe.single_option(AlignKeepSize) is not None
    write_frames(stack, Path(args.output), args.format, alpha=alpha, force=args.force is not None, workers=workers,
                 progress=None if args.quiet else _print_progress)  # fmt: skip
    print(args.output)
    return 0


def _print_progress(done: int, total: int) -> None:
    if done == total or done % 10 == 0:
        print(f"align: {done} of {total} frames written", file=sys.stderr)
