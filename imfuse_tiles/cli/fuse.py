"""``fuse`` and ``plan``: the words of the command line; a wrong one is refused before anything heavy is loaded."""

from __future__ import annotations

import time
from collections.abc import Sequence

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli import arguments
from imfuse_tiles.cli.help import fuse_help
from imfuse_tiles.cli.loading import Loading
from imfuse_tiles.cli.main import versions
from imfuse_tiles.cli.recipe_arguments import tell_default_preset, with_default_preset
from imfuse_tiles.execution import allocator
from imfuse_tiles.execution.pools import prestart_workers
from imfuse_tiles.options.recipe import Recipe


def fuse(words: Sequence[str]) -> int:
    """Fuse a stack."""
    return _run("fuse", words)


def plan(words: Sequence[str]) -> int:
    """Show the plan of a run."""
    return _run("plan", words)


def _run(command: str, words: Sequence[str]) -> int:
    began = time.perf_counter()
    parser = arguments.fuse_parser(command)
    if any(word in ("-h", "--help") for word in words):
        print(fuse_help(parser))
        return 0
    args, recipe = arguments.parse_fuse_args(parser, words)
    if args.version:
        print(versions())
        return 0
    if args.rmcache:
        from imfuse_tiles.cli.cache import remove_all

        return remove_all()
    recipe = _complete(recipe, args.quiet)
    allocator.keep_freed_memory()  # before the first thread, which would have a heap of its own
    if command == "fuse" and not (args.dry_run or args.showname):
        prestart_workers(args.scheduler)
    with Loading():
        from imfuse_tiles.cli import fuse_run

    args.words = [command, *words]
    return fuse_run.run(command, args, recipe, began)


def _complete(recipe: Recipe, quiet: bool) -> Recipe:
    """The recipe, with the options of the preset ``default`` where it would make an empty picture."""
    complete = with_default_preset(recipe)
    if complete != recipe:
        tell_default_preset(quiet)
    return complete
