"""The last run of a store once more: its images opened and laid over each other as its command line asked for."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.cli.recipe_arguments import OptionText, split_recipe_options
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.config_files import is_path, names_function
from imfuse_tiles.options.resources import is_callable

if TYPE_CHECKING:
    from imfuse_tiles.storage.run_note import RunNote
    from imfuse_tiles.storage.store import Store
    from imfuse_tiles.viewer.tuning import TunedRun

#: Arguments that another run of other options does not take over; what lets files run code must be said anew.
DROPPED = {
    "images", "output", "basename", "longname", "store", "preset", "force", "view", "show", "showname", "report",
    "performance", "video", "video_of", "dry_run", "json", "help", "version", "rmcache", "revert", "layered", "part",
    "wait", "cache", "allow_code", "save_transforms", "dashboard",
}  # fmt: skip


def reopen_run(store: Store, allow_code: bool = False) -> TunedRun:
    """The last run of a store. Refusal when its images are gone, or are others by now.

    Refusal too, unless ``allow_code``, when what the store notes of it could run code: the store may be anybody's.
    """
    from imfuse_tiles.cli.resources_from_args import resources_from_args
    from imfuse_tiles.cli.stack_from_args import align_from_args, stack_from_args
    from imfuse_tiles.options.recipe import Recipe
    from imfuse_tiles.planning.memory import block_memory_limit
    from imfuse_tiles.planning.plan import make_plan
    from imfuse_tiles.stages.stage import measured_key
    from imfuse_tiles.storage.run_note import load_run_note
    from imfuse_tiles.viewer.tuning import TunedRun, words_with

    note = load_run_note(store)
    folder, begun = note.current_folder or ".", words_of(note)
    options = [text for text in re.split(r" (?=--)", note.options) if text not in ("", "--revert", "--layered")]
    if not allow_code:
        for noted in (begun, options):
            parse_noted(noted, f"the run of {store.root}")
    args, asked = parse_fuse_args(fuse_parser("fuse"), begun)
    args.quiet, args.allow_code = True, allow_code
    recipe = Recipe.from_options(options, revert=asked.revert)
    resources = resources_from_args(args)
    args.images = [str(Path(folder, image)) for image in args.images]
    stack = align_from_args(args, recipe, stack_from_args(args), store, resources)
    limit = block_memory_limit(resources)
    read = make_plan(recipe, stack, limit, maps=False).frames_key
    if not any(store.numbers.load(key) for key in (read, measured_key(read))):
        raise Refusal("the images of this store have changed, or their run has not come far; fuse them again to tune")
    result = Path(args.output if Path(args.output or "").name else "result.tif")
    rest = [*(["--allow-code"] if allow_code else []), *kept_arguments(fuse_parser("fuse"), args), *args.images]

    def words(other: Recipe, place: str) -> list[str]:
        return words_with(rest, other, store, place or tuned)

    tuned = str(result.with_name(f"{result.stem}-tuned{result.suffix}"))
    return TunedRun(stack, recipe, store, resources, limit, words, str(folder), tuned)


def words_of(note: RunNote) -> list[str]:
    """The words of ``fuse`` that began a run; of one that Python began those that name its images."""
    return list(note.command[1:]) or [str(Path(note.folder or ".", name)) for name in note.images]


def parse_noted(
    words: Sequence[str], owner: str, allow_code: bool = False
) -> tuple[argparse.Namespace, list[OptionText]]:
    """The arguments and the recipe's options of words that ``owner`` notes; nothing of them is imported.

    Refusal, unless ``allow_code``, of what could run code: a Python function, a cluster, what allows files to.
    """
    parser = fuse_parser("fuse")
    rest, options = split_recipe_options(parser, words)
    args = parser.parse_intermixed_args(rest)
    asked = [f"--{name}={text}" for name, text in options if names_function(name, text)]
    asked += ["--allow-code"] * args.allow_code
    scheduler = args.scheduler
    if is_path(scheduler) or is_callable(scheduler) or scheduler.partition(":")[0] in ("tcp", "tls", "file"):
        asked.append(f"--scheduler={scheduler}")
    if asked and not allow_code:
        raise Refusal(f"{owner} was begun with {asked[0]}, which could run code of whoever wrote that; "
                      "if it was you, or you trust them, --allow-code lets it")  # fmt: skip
    return args, options


def kept_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Iterator[str]:
    """The words of all arguments that were given and go for another run, too."""
    for action in parser._actions:
        value = getattr(args, action.dest, None)
        if action.dest in DROPPED or value == action.default or action.dest == "quiet":
            continue
        name = action.option_strings[-1]
        yield name if action.nargs == 0 else f"{name}={value}"
