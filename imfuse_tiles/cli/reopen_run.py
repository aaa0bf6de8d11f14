"""The last run of a store once more: its images opened and laid over each other as its command line asked for."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.errors import Refusal

if TYPE_CHECKING:
    from imfuse_tiles.storage.store import Store
    from imfuse_tiles.viewer.tuning import TunedRun

#: Arguments that another run of other options does not take over.
DROPPED = {
    "images", "output", "basename", "longname", "store", "preset", "force", "view", "show", "showname", "report",
    "performance", "dry_run", "json", "help", "version", "rmcache", "revert", "layered", "part", "wait", "cache",
}  # fmt: skip


def reopen_run(store: Store) -> TunedRun:
    """The last run of a store. Refusal when its images are gone, or are others by now."""
    from imfuse_tiles.cli.resources_from_args import resources_from_args
    from imfuse_tiles.cli.stack_from_args import align_from_args, stack_from_args
    from imfuse_tiles.options.recipe import Recipe
    from imfuse_tiles.planning.memory import block_memory_limit
    from imfuse_tiles.planning.plan import make_plan
    from imfuse_tiles.storage.inventory import NOTE
    from imfuse_tiles.viewer.tuning import TunedRun, words_with

    note = store.numbers.load(NOTE) or {}
    folder, (args, asked) = note.get("current_folder") or ".", arguments_of(note)
    options = re.split(r" (?=--)", str(note.get("options", "")))
    recipe = Recipe.from_options((text for text in options if text not in ("", "--revert", "--layered")),
                                 revert=asked.revert)  # fmt: skip
    resources = resources_from_args(args)
    args.images = [str(Path(folder, image)) for image in args.images]
    stack = align_from_args(args, recipe, stack_from_args(args), store, resources)
    limit = block_memory_limit(resources)
    if store.numbers.load(make_plan(recipe, stack, limit, maps=False).frames_key) is None:
        raise Refusal("the images of this store have changed, or their run has not come far; fuse them again to tune")
    result = Path(args.output or "result.tif")
    rest = [*kept_arguments(fuse_parser("fuse"), args), *args.images]

    def words(other: Recipe, place: str) -> list[str]:
        return words_with(rest, other, store, place or tuned)

    tuned = str(result.with_name(f"{result.stem}-tuned{result.suffix}"))
    return TunedRun(stack, recipe, store, resources, limit, words, str(folder), tuned)


def arguments_of(note: dict[str, Any]) -> tuple[argparse.Namespace, Any]:
    """The arguments and options that began a run; of one that Python began those that name its images."""
    words = note.get("command") or ["fuse", *(str(Path(note.get("folder", "."), name)) for name in note["images"])]
    args, recipe = parse_fuse_args(fuse_parser("fuse"), [str(word) for word in words[1:]])
    args.quiet = True
    return args, recipe


def kept_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Iterator[str]:
    """The words of all arguments that were given and go for another run, too."""
    for action in parser._actions:
        value = getattr(args, action.dest, None)
        if action.dest in DROPPED or value == action.default or action.dest == "quiet":
            continue
        name = action.option_strings[-1]
        yield name if action.nargs == 0 else f"{name}={value}"
