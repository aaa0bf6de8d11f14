"""``align`` and ``prepare``: the frames of a stack, laid over each other or prepared, as files."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import Parser, whole_number
from imfuse_tiles.cli.frame_arguments import add_frame_options
from imfuse_tiles.cli.recipe_arguments import split_recipe_options
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.alignment import Align, AlignKeepSize, Balance
from imfuse_tiles.options.grammar import Option
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.preparation import Preparation
from imfuse_tiles.options.recipe import Recipe, check_recipe

if TYPE_CHECKING:
    from imfuse_tiles.imageio.stack import Stack
    from imfuse_tiles.options.resources import Resources
    from imfuse_tiles.storage.store import Store

#: What options of preparation are called by the original's program, where fuse has another option of this name.
SHORT_NAMES = {"--resize": "--frameresize", "--compose": "--framecompose"}


def align(words: Sequence[str]) -> int:
    """Write aligned frames."""
    about = (
        "Lay the frames of a stack over each other and write them to a folder, under their names and in their number "
        "types. --align, --reference, --align-keep-size, --balance and what prepares frames: see imfuse-tiles ops."
    )
    return _write("align", "aligned", about, words, ())


def prepare(words: Sequence[str]) -> int:
    """Write prepared frames."""
    about = (
        "Crop, resize, turn, brighten or sharpen the frames of a stack in the order of the options, and write them to "
        "a folder, under their names and in their number types. Options: --crop --shave --resize --rotate --gamma "
        "--level --contrast --contrast-stretch --sigmoidal-contrast --sharpen --compose --set --im, explained by "
        "imfuse-tiles ops NAME (frameresize, framecompose). Frames are not aligned, unless --align asks for it."
    )
    defaults = Align(word1="no"), Balance(word1="no")
    try:
        return _write("prepare", "prepared", about, [_long_name(word) for word in words], defaults)
    except Refusal as refusal:
        raise Refusal(_as_typed(str(refusal), words)) from refusal


def _long_name(word: str) -> str:
    """An option by the name that it has among all options."""
    name, equals, text = word.partition("=")
    return SHORT_NAMES.get(name, name) + equals + text


def _as_typed(message: str, words: Sequence[str]) -> str:
    """A message with options called as they are among the words of the command line."""
    typed = {word.partition("=")[0] for word in words}
    for short, long in SHORT_NAMES.items():
        if short in typed and long not in typed:
            message = message.replace(long, short)
    return message


def parser(command: str, folder: str, about: str) -> Parser:
    """The words of a command that writes frames."""
    frame_parser = Parser(prog=f"imfuse-tiles {command}", allow_abbrev=False, description=about)
    add = frame_parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="frames of the stack, sorted by name, front first")
    add("-o", "--output", metavar="DIR|STORE", default=folder,
        help=f"folder for the frames, created if need be ({folder}); or a store, as with --store: one that is there, "
        "a URL, or a name that ends with .zarr")  # fmt: skip
    add("--store", metavar="FOLDER", help="read the frames into this store instead, from which fuse --store takes them")
    add("-1", "--middle", action="store_true", help="write the middle frame only, to try options")
    add("-V", "--show", action="store_true", help="open what was written in a viewer")
    add_frame_options(frame_parser)
    add("--format", default="tif", choices=("tif", "png"), help="tif or png (tif)")
    add("--memory", metavar="SIZE", help="memory for comparing (a quarter of the machine's, at most 4G)")
    add("--workers", type=whole_number(1), metavar="N", help="frames at once (one for each core)")
    add("-f", "--force", nargs="?", const="", help="overwrite what is there")
    add("--quiet", action="store_true", help="print the folder, errors, and what makes other frames only")
    return frame_parser


def frame_recipe(command: str, options: Sequence[Option], defaults: Sequence[Option]) -> Recipe:
    """The recipe of options for frames, and of defaults of whose kind there is none. Refusal for any other option."""
    other = next((op for op in options if op.section != "Frames" and not isinstance(op, Preparation)), None)
    if other is not None:
        raise Refusal(f"{command} does not take {other}; it is for fuse")
    kinds = {type(op) for op in options}
    return check_recipe(Recipe((*(op for op in defaults if type(op) not in kinds), *options)))


def _write(command: str, folder: str, about: str, words: Sequence[str], defaults: Sequence[Option]) -> int:
    frame_parser = parser(command, folder, about)
    rest, options = split_recipe_options(frame_parser, words)
    args = frame_parser.parse_intermixed_args(rest)
    recipe = frame_recipe(command, [parse_arguments(*option) for option in options], defaults)
    from imfuse_tiles.execution.machine_errors import translate_os_errors

    args.store = args.store or (args.output if names_store(args.output) else None)
    if args.store:
        print(store_from_args(args, recipe, words))
        return 0
    with translate_os_errors(command, Path(args.output), 0):
        files = write_from_args(args, recipe, command)
    if args.show:
        show(files)
    print(args.output)
    return 0


def names_store(place: str) -> bool:
    """Whether a place for frames is a store, or would be one by its name, and not a folder of files."""
    from imfuse_tiles.storage.store import Store

    return "://" in place or Store.at(place).exists() or (place.endswith(".zarr") and not Path(place).exists())


def show(files: Sequence[Path]) -> None:
    """Open files in the desktop's viewer; print where they are where there is none."""
    from imfuse_tiles.viewer.desktop import open_command

    command = open_command(sys.platform, os.environ)
    for path in files:
        try:
            if command is None or command[0] == "startfile":
                raise OSError("no viewer")
            subprocess.Popen([*command, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except OSError:
            print(f"no display found; written: {path.absolute()}", file=sys.stderr)


def aligned_from_args(args: argparse.Namespace, recipe: Recipe) -> tuple[Stack, Store, Resources]:
    """The stack that the arguments name, laid over itself; the store that they name, or that fuse would take."""
    from imfuse_tiles.cli.stack_from_args import align_from_args, stack_from_args, tell_alignment
    from imfuse_tiles.execution.pipeline import open_store_for
    from imfuse_tiles.options.resources import Resources, available_cores
    from imfuse_tiles.planning.memory import default_memory, parse_size

    memory = parse_size(args.memory) if args.memory else default_memory()
    resources, stack = Resources(memory, args.workers or available_cores(), None, "threads"), stack_from_args(args)
    store = open_store_for(stack, args.store)
    stack = align_from_args(args, recipe, stack, store, resources)
    tell_alignment(args, stack)
    return stack, store, resources


def store_from_args(args: argparse.Namespace, recipe: Recipe, words: Sequence[str]) -> str:
    """Read the frames that the arguments name into a store: its place."""
    from imfuse_tiles.execution.pipeline import read_into_store

    stack, store, resources = aligned_from_args(args, recipe)
    read_into_store(recipe, stack, store, resources, command=words)
    return store.root


def write_from_args(args: argparse.Namespace, recipe: Recipe, command: str) -> list[Path]:
    """Write the frames that the arguments name, by the recipe."""
    from imfuse_tiles.execution.align_stack import remember_alone
    from imfuse_tiles.execution.write_frames import write_frames
    from imfuse_tiles.imageio.writing.target import check_folder, check_parent, made_folder

    folder = Path(args.output)
    check_folder(folder)  # before frames are compared
    if args.save_transforms:
        check_parent(Path(args.save_transforms))
    stack, store, resources = aligned_from_args(args, recipe)
    remember_alone(stack, store)
    alpha = stack.covered or (bool(stack.warps) and recipe.single_option(AlignKeepSize) is not None)
    with made_folder(folder):
        return write_frames(
            stack, folder, args.format, alpha=alpha, force=args.force is not None, workers=resources.workers,
            options=recipe.ops, memory=resources.memory, only=len(stack) // 2 if args.middle else None,
            progress=None if args.quiet else lambda done, total: _print_progress(command, done, total),
        )  # fmt: skip


def _print_progress(command: str, done: int, total: int) -> None:
    if done == total or done % 10 == 0:
        print(f"{command}: {done} of {total} frames written", file=sys.stderr)
