"""The arguments by which frames are found, read and laid over each other: those of all commands that take a stack."""

from __future__ import annotations

from imfuse_tiles.cli.argument_parser import Parser, number, whole_number


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
