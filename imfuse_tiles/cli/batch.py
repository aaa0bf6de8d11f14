"""``batch``: many stacks, one after the other, with one report; a bad one does not stop the others."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli import arguments
from imfuse_tiles.cli.argument_parser import Parser, number
from imfuse_tiles.cli.batch_run import BatchRun, stacks_from_args, watch
from imfuse_tiles.cli.help import fuse_help
from imfuse_tiles.cli.output_arguments import is_page
from imfuse_tiles.cli.recipe_arguments import with_default_preset
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution import allocator

#: Options of ``fuse`` that make no sense for many stacks.
NOT_HERE = ("basename", "longname", "showname", "rmcache", "transforms", "save_transforms", "view", "show",
            "performance", "video", "series", "time", "input_channel", "pages")  # fmt: skip
#: What is named otherwise than for ``fuse``.
PLACES = {
    "images": ("PLACE", "folders with stacks in them, files of several pictures, '*.tif', @list.txt"),
    "output": ("DIR", "the folder for the results, which is made if it is not there"),
}


def parser() -> Parser:
    """The words of ``batch``: those of ``fuse``, and how stacks are found."""
    batch_parser = arguments.fuse_parser("batch")
    add = batch_parser.add_argument
    add("--group", default="folder", metavar="folder|name|time|file",
        help="what is a stack: the images of a folder, those whose names differ in the last number, those taken "
        "without a gap in time, or each file; files of several pictures are taken one by one (folder)")  # fmt: skip
    add("--gap", type=number(0, " of seconds"), default=20.0, metavar="SECONDS",
        help="a longer time between two pictures begins another stack, with --group=time (20)")  # fmt: skip
    add("--watch", nargs="?", const="", metavar="SECONDS",
        help="go on looking for stacks until stopped; fuse those that did not change for so long (30)")  # fmt: skip
    add("--mask-channel", default="", metavar="N|NAME",
        help="fuse all channels of a file by the masks of this one, or its depth (each for itself)")  # fmt: skip
    for action in batch_parser._actions:
        if action.dest in PLACES:
            action.metavar, action.help = PLACES[action.dest]
    return batch_parser


def batch(words: Sequence[str]) -> int:
    """Fuse every stack found. 0 when all are done, else the highest exit code of those that are not."""
    batch_parser = parser()
    if any(word in ("-h", "--help") for word in words):
        print(fuse_help(batch_parser, NOT_HERE))
        return 0
    args, recipe = arguments.parse_fuse_args(batch_parser, words)
    args.words = ["batch", *words]
    quiet_time = _check(args)
    recipe = with_default_preset(recipe)
    if args.mask_channel:
        from imfuse_tiles.cli.mask_channel import check_mask_channel

        check_mask_channel(args, recipe)
    allocator.keep_freed_memory()  # before the first thread, which would have a heap of its own
    stacks = stacks_from_args(args, set()) if quiet_time is None else []
    if args.dry_run:
        for stack in stacks:
            print(f"{stack.name}: {len(stack.images)} files, {stack.images[0]} to {stack.images[-1]}")
        return 0
    from imfuse_tiles.imageio.writing.target import check_folder

    check_folder(Path(args.output))
    Path(args.output).mkdir(parents=True, exist_ok=True)
    run = BatchRun(args, recipe)
    run.check()
    with run.place:
        return run.fuse_all(stacks) if quiet_time is None else watch(run, quiet_time)


def _check(args: argparse.Namespace) -> float | None:
    """Seconds without a change to wait for, None without --watch. Refusal for words that do not go together."""
    if not args.images:
        raise Refusal("no folders given")
    if not args.output:
        raise Refusal("missing: -o DIR, the folder for the results")
    if Path(args.output).exists() and not Path(args.output).is_dir():
        raise Refusal(f"{args.output}: is no folder; batch writes one result for each stack into a folder")
    if any(Path(place).resolve() == Path(args.output).resolve() for place in args.images):
        raise Refusal(f"-o {args.output}: is where the stacks are looked for; results go to a folder of their own")
    for name in NOT_HERE:
        if getattr(args, name) not in (None, False) and (name == "basename" or getattr(args, name)):
            raise Refusal(f"batch does not take --{name.replace('_', '-')}; it is for fuse")
    if args.report and is_page(args.report):
        raise Refusal(f"--report {args.report}: a page is for fuse; the report of a batch is JSON")
    if args.watch is None:
        return None
    if args.part or args.dry_run:
        raise Refusal("--watch runs by itself, without --part and --dry-run")
    try:
        return number(0, " of seconds")(args.watch or "30")
    except argparse.ArgumentTypeError as error:
        raise Refusal(f"--watch {error}") from error
