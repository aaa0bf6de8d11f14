"""The arguments about the files that are written, which ``fuse`` and ``export`` share."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse_tiles.cli.argument_parser import Parser, bits
from imfuse_tiles.errors import Refusal

if TYPE_CHECKING:
    from imfuse_tiles.imageio.physical_size import PhysicalSize

#: Versions of OME-Zarr that are written.
OME_VERSIONS = ("0.5", "0.4")


def add_output_options(parser: Parser) -> None:
    """Options of the files that a result becomes."""
    add = parser.add_argument
    add("--no-metadata", action="store_true", help="leave the camera's tags out of the result; a colour profile stays")
    add("--bits", type=bits, default=16, metavar="8|16", help="bits of a sample (16)")
    add("--pixel-size", metavar="LENGTH", help="size of a pixel, such as 0.65um (what the front frame's file says)")
    add("--z-step", metavar="LENGTH", help="distance of two frames, such as 2um (what the front frame's file says)")
    add("--ome-version", type=ome_version, default="0.5", metavar="0.5|0.4", help="version of an OME-Zarr result (0.5)")


def ome_version(text: str) -> str:
    """A converter for argparse: a version of OME-Zarr."""
    if text not in OME_VERSIONS:
        raise argparse.ArgumentTypeError(f"{text}: allowed is {' or '.join(OME_VERSIONS)}")
    return text


def is_page(report: str) -> bool:
    """Whether a report is to be a page, by the ending of its name."""
    return report.lower().endswith((".html", ".htm"))


def check_file_names(args: argparse.Namespace, writes: bool) -> None:
    """Refusal, before frames are looked at, of names that tell no format or no folder, are empty or given twice.

    ``writes``: whether the files are written at all.
    """
    from imfuse_tiles.imageio.writing.formats import ending_of
    from imfuse_tiles.imageio.writing.target import check_parent
    from imfuse_tiles.viewer.video_files import check_ending

    if args.store == "":
        raise Refusal("--store: its name is empty")
    if args.output:
        ending_of(args.output)
    if args.video:
        check_ending(Path(args.video))
    elif args.video_of != "sweep":
        raise Refusal(f"--video-of={args.video_of}: is for --video FILE")
    files = {"-o": args.output, "--video": args.video, "--report": args.report, "--performance": args.performance,
             "--save-transforms": args.save_transforms}  # fmt: skip
    known: dict[Path, str] = {}
    for option, name in files.items() if writes else ():
        if name is None:
            continue
        if not name:
            raise Refusal(f"{option}: its name is empty")
        check_parent(Path(name))
        other = known.setdefault(Path(name).absolute(), option)
        if other != option:
            raise Refusal(f"{option} {name}: is also the file of {other}")


def size_from_args(args: argparse.Namespace, known: PhysicalSize) -> PhysicalSize:
    """The physical size that the arguments give, or for what they do not what is ``known``."""
    from imfuse_tiles.imageio.physical_size import parse_length

    if args.pixel_size:
        length = parse_length("--pixel-size", args.pixel_size)
        known = replace(known, x=length, y=length)
    if args.z_step:
        known = replace(known, z=parse_length("--z-step", args.z_step))
    return known
