"""The arguments of ``fuse`` and ``plan``: the options of the recipe, and all others, which argparse reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from imfuse_tiles.cli.argument_parser import Parser, number, whole_number
from imfuse_tiles.cli.output_arguments import add_output_options
from imfuse_tiles.cli.recipe_arguments import merge_options, preset_options, split_recipe_options
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import Option, parse_arguments
from imfuse_tiles.options.recipe import STEPS, Recipe, check_recipe
from imfuse_tiles.options.resources import CACHE_FORMATS, DEFAULT_DASHBOARD, INGEST, KEEP


def add_frame_options(parser: Parser) -> None:
    """The options by which frames are found, read and laid over each other: those of all commands that take a stack."""
    add = parser.add_argument
    add("--revert", action="store_true", help="the last image is the front one")
    add("--order", default="name", metavar="name|given|focus",
        help="order of the frames: by name, as given here, or by where they are sharp (name)")  # fmt: skip
    add("--pages", metavar="all|LIST", help="pages of a TIFF that are frames, such as 1-5,9 (all of an only file)")
    add("--series", default="", metavar="N|NAME", help="which series (image, scene, position) of a file of several")
    add("--time", default="", metavar="N", help="which time of a file of several")
    add("--input-channel", default="", metavar="N|NAME|rgb",
        help="which channel of a file of several; rgb: the first three as colours")  # fmt: skip
    add("--input-level", type=whole_number(0), default=0, metavar="N",
        help="which size of a file of several, a level of its pyramid (0, full size)")  # fmt: skip
    add("--white", type=number(0), metavar="LEVEL", help="sample of the frames that is white (full scale, or 1.0)")
    add("--ignore-alpha", action="store_true", help="take the colours of transparent pixels for picture")
    add(
        "--check-inputs",
        action="store_true",
        help="compare images with earlier runs by their content, not by size and times: reads them all first",
    )
    add("--include-results", action="store_true", help="take earlier results among the images for frames, too")
    add("--transforms", metavar="FILE", help="lay the frames over each other as FILE says, instead of comparing them")
    add("--save-transforms", metavar="FILE", help="write how the frames lie over each other, as JSON")
    add("--skip-bad", action="store_true", help="leave out frames that do not belong to the others")


def fuse_parser(name: str) -> Parser:
    """The parser of ``fuse`` and ``plan`` for everything that is not an option of the recipe."""
    parser = Parser(prog=f"imfuse-tiles {name}", add_help=False, allow_abbrev=False)
    parser.set_defaults(guide_channel="")  # of a batch: the channel that masks are computed of
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
    add_output_options(parser)
    add("--format", default="tif", metavar="ENDING", help="tif, png, jpg, ... where the name is made up (tif)")
    add_frame_options(parser)
    add("--strokes", metavar="FILE", help="lay the brush strokes of FILE over the result (imfuse-tiles help view)")
    add("--layered", action="store_true", help="a TIFF with the result and its layers: backgrounds and substacks")
    add("-V", "--view", action="store_true", help="open the page of the run in the browser while it goes on")
    add("-W", "--show", action="store_true", help="open the page of the result in the browser at the end")
    add("--showname", action="store_true", help="print the name that the result would have and stop")
    add("--rmcache", action="store_true", help="remove all stores of the cache folder that are not in use, and stop")
    add("--version", action="store_true", help="print the version and stop")
    add("--preset", action="append", metavar="NAME|FILE", help="options from a preset; later ones replace their like")
    add("--allow-code", action="store_true", help="let presets and cluster files name Python functions, which are run")
    add(
        "--store",
        metavar="DIR|URL",
        help="where the zarr store lies, such as s3://bucket/path (a cache folder for each stack); it is kept",
    )
    add("-C", "--cache", action="store_true", help="keep the store in the cache folder, as is always done")
    add("--memory", metavar="SIZE", help="memory for everything (a quarter of the machine's, at most 4G)")
    add("--tile", type=whole_number(16), metavar="N", help="edge of a block in pixels (chosen to fit the memory)")
    add("--disk", metavar="SIZE", help="disk for the store and the results (what is free)")
    add("--keep", choices=KEEP, default="auto",
        help="what is stored: all, as much as fits the disk (auto), or the frames and the result only (source); "
        "what is not is computed when it is read, and a changed option computes it again")  # fmt: skip
    add("--ingest", choices=INGEST, default="auto",
        help="when frames are copied into the store: where the disk holds them (auto), always, or never; uncompressed "
        "TIFFs that are not moved by the alignment can be read where they lie")  # fmt: skip
    add("--cacheformat", choices=CACHE_FORMATS, default="mpc",
        help="how the store is written: mpc for speed, tif compressed without loss (mpc)")  # fmt: skip
    add("--maskformat", choices=CACHE_FORMATS, default="", help="the same for masks only (as --cacheformat)")
    add("--lean", action="store_true",
        help="delete what no later stage needs as soon as it is computed: less disk, as plan tells, but a changed "
        "option computes more anew")  # fmt: skip
    add(
        "--durable",
        action="store_true",
        help="wait until the disk has each block before it is recorded: a power cut costs no finished block",
    )
    add("--workers", type=whole_number(1), metavar="N", help="blocks computed at once (one for each core)")
    add("--scheduler", default="threads", metavar="SPEC",
        help="where blocks are computed: sync, threads[:N], processes[:N], local[:N], tcp://host:port, "
        "file:scheduler.json, slurm, pbs, sge, lsf, htcondor, module:callable or a cluster file (threads)")  # fmt: skip
    add("--part", metavar="I/N", help="be the I-th of N programs that share the blocks of this run through its store")
    add("--wait", type=number(0, " of seconds"), default=600.0, metavar="SECONDS",
        help="how long a part waits for blocks of parts that are not running (600)")  # fmt: skip
    add("--tls-cert", metavar="FILE", help="certificate to show to the scheduler")
    add("--tls-key", metavar="FILE", help="its key")
    add("--tls-ca", metavar="FILE", help="authority that the scheduler's certificate must come from")
    add("--dashboard", nargs="?", const="", metavar="HOST:PORT",
        help=f"serve dask's dashboard of a cluster made by this run ({DEFAULT_DASHBOARD})")  # fmt: skip
    add("--dry-run", action="store_true", help="print the plan and stop")
    add("--report", metavar="FILE", help="write a report of the run: .html is a page, else JSON")
    add("--video", metavar="FILE", help="write a small video of the run: .mp4, .webp or .gif")
    add("--video-of", choices=("sweep", "montage"), default="sweep",
        help="what it shows: the sweep of focus through the slices, or the montage as it grows (sweep)")  # fmt: skip
    add("--performance", metavar="FILE", help="write a web page of what every worker was at, and when")
    add("--quiet", action="store_true", help="print nothing but the result's name and errors")
    add("--json", action="store_true", help="the plan as JSON")
    return parser


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
