"""The arguments of ``fuse`` and ``plan``: the options of the recipe, and all others, which argparse reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from imfuse_tiles.cli.argument_parser import Parser
from imfuse_tiles.cli.frame_arguments import add_frame_options
from imfuse_tiles.cli.output_arguments import add_output_options
from imfuse_tiles.cli.recipe_arguments import merge_options, preset_options, split_recipe_options
from imfuse_tiles.cli.resource_arguments import add_store_options, add_worker_options
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import Option
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.recipe import STEPS, Recipe, check_recipe


def fuse_parser(name: str) -> Parser:
    """The parser of ``fuse`` and ``plan`` for everything that is not an option of the recipe."""
    parser = Parser(prog=f"imfuse-tiles {name}", add_help=False, allow_abbrev=False)
    parser.set_defaults(guide_channel="")  # of a batch: the channel that masks are computed of
    _add_name_options(parser)
    add_output_options(parser)
    parser.add_argument("--format", default="tif", metavar="ENDING",
        help="tif, png, jpg, ... where the name is made up (tif)")  # fmt: skip
    add_frame_options(parser)
    _add_mode_options(parser)
    add_store_options(parser)
    add_worker_options(parser)
    _add_report_options(parser)
    return parser


def _add_name_options(parser: Parser) -> None:
    """The frames, and the files that become of them."""
    add = parser.add_argument
    add("images", nargs="*", metavar="IMAGE",
        help="frames of the stack, sorted by name, front first: files, folders, '*.tif', @list.txt")  # fmt: skip
    add("-h", "--help", action="store_true", help="this help")
    add("-o", "--output", metavar="FILE", help="the result: .tif, .png, .jpg, .jxl, .ome.tif, .ome.zarr or .dzi")
    add(
        "-B",
        "--basename",
        metavar="NAME",
        help="beginning of the result's name, or a folder for it (this folder's name)",
    )
    add("-L", "--longname", action="store_true", help="put the options into the result's name")
    add("-X", "--extra", action="store_true", help="write mask and depth maps beside the result")
    add("-f", "--force", nargs="?", const="", metavar="STEP",
        help="overwrite what is there; with mask, level, merge, focus or post compute from that step on")  # fmt: skip
    add("--exif", nargs="?", const="", metavar="IMAGE",
        help="the camera's tags of the result are those of IMAGE (the front one)")  # fmt: skip


def _add_mode_options(parser: Parser) -> None:
    """What is laid over the result, what is shown, and what is done instead of a run."""
    add = parser.add_argument
    add("--strokes", metavar="FILE", help="lay the brush strokes of FILE over the result (imfuse-tiles help view)")
    add("--layered", action="store_true", help="a TIFF with the result and its layers: backgrounds and substacks")
    add("-V", "--view", action="store_true", help="open the page of the run in the browser while it goes on")
    add("-W", "--show", action="store_true", help="open the page of the result in the browser at the end")
    add("--showname", action="store_true", help="print the name that the result would have and stop")
    add("--rmcache", action="store_true", help="remove all stores of the cache folder that are not in use, and stop")
    add("--version", action="store_true", help="print the version and stop")
    add("--preset", action="append", metavar="NAME|FILE", help="options from a preset; later ones replace their like")
    add("--allow-code", action="store_true", help="let presets and cluster files name Python functions, which are run")


def _add_report_options(parser: Parser) -> None:
    """What a run tells, and in which form."""
    add = parser.add_argument
    add("--dry-run", action="store_true", help="print the plan and stop")
    add("--report", metavar="FILE", help="write a report of the run: .html is a page, else JSON")
    add("--video", metavar="FILE", help="write a small video of the run: .mp4, .webp or .gif")
    add("--video-of", choices=("sweep", "montage"), default="sweep",
        help="what it shows: the sweep of focus through the slices, or the montage as it grows (sweep)")  # fmt: skip
    add("--performance", metavar="FILE", help="write a web page of what every worker was at, and when")
    add("--quiet", action="store_true", help="print the result's name, errors, and what makes another picture only")
    add("--json", action="store_true", help="the plan as JSON")


def parse_fuse_args(parser: Parser, words: Sequence[str]) -> tuple[argparse.Namespace, Recipe]:
    """The arguments of ``fuse`` or ``plan`` and the recipe they ask for. Refusal on anything not allowed."""
    rest, options = split_recipe_options(parser, words)
    args = parser.parse_intermixed_args(rest)
    if args.force and args.force not in STEPS:
        raise Refusal(f"--force={args.force} is not known, allowed are {', '.join(STEPS)}")
    ops: list[Option] = []
    presets = [preset_options(name, args.allow_code) for name in args.preset or []]
    for more in [*presets, [parse_arguments(*option) for option in options]]:
        ops = merge_options(ops, more)
    return args, check_recipe(Recipe(tuple(ops), args.revert, args.layered))
