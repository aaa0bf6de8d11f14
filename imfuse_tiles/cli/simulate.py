"""``simulate``: a stack whose truth is known, of any size."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from imfuse_tiles.cli.argument_parser import Parser, bits, number, whole_number
from imfuse_tiles.cli.compile_notice import compiling_announced
from imfuse_tiles.errors import Refusal


def parser() -> Parser:
    """The words of ``simulate``."""
    simulate_parser = Parser(prog="imfuse-tiles simulate", allow_abbrev=False, description=(
        "Render a macro scene with occlusion through a thin lens: slice_0000.tif (front) onwards, truth.tif (all in "
        "focus), depth.tif and transforms.json for --transforms. The same arguments give the same bytes."))  # fmt: skip
    add = simulate_parser.add_argument
    add("directory", metavar="DIR", help="folder for the files, created if need be")
    add("--size", required=True, metavar="WxH", help="width and height in pixels, such as 1200x800")
    add("--slices", required=True, type=whole_number(1), metavar="N", help="how many slices")
    add("--seed", required=True, type=whole_number(0), metavar="S", help="which scene, a whole number from 0")
    add("--bits", type=bits, default=16, metavar="8|16", help="bits of a sample (16)")
    add("--noise", type=number(0), default=0.0, metavar="SD", help="noise: deviation as a share of full scale (0)")
    add("--misalign", action="store_true", help="turn, shift, scale and expose the slices a little differently")
    add("--drift", type=number(0, " to 1"), default=0.0, metavar="SHARE",
        help="light and white balance change by this share over the stack (0)")  # fmt: skip
    add("--workers", type=whole_number(1), metavar="N", help="windows rendered at once (one for each core)")
    add("--tile", type=whole_number(1), default=512, metavar="N", help="edge of a window in pixels (512)")
    add("-f", "--force", action="store_true", help="overwrite an earlier stack in DIR")
    add("--quiet", action="store_true", help="print nothing but the folder and errors")
    return simulate_parser


def simulate(words: Sequence[str]) -> int:
    """Render a stack."""
    args = parser().parse_args(list(words))
    width, height = parse_size(args.size)
    from imfuse_tiles.imageio.writing.target import check_folder
    from imfuse_tiles.options.resources import available_cores
    from imfuse_tiles.simulation import render

    check_folder(Path(args.directory))
    workers = available_cores() if args.workers is None else args.workers
    progress = None if args.quiet else RenderProgress(args)
    with nullcontext() if args.quiet else compiling_announced():
        folder = render(args.directory, width, height, args.slices, args.seed, args.bits, args.noise, args.misalign,
                        workers, args.tile, progress, args.force, args.drift)  # fmt: skip
    print(folder)
    return 0


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of a text such as 1200x800. Refusal when it is none."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise Refusal(f"--size {text}: no size; allowed is WIDTHxHEIGHT, such as 1200x800")
    return int(width), int(height)


class RenderProgress:
    """Says on standard error how far a rendering is, at most every two seconds."""

    def __init__(self, args: argparse.Namespace, clock: Callable[[], float] = time.monotonic) -> None:
        self.what, self.clock = f"simulate {args.size}, {args.slices} slices", clock
        self.began = self.last = clock()

    def __call__(self, done: int, total: int) -> None:
        now = self.clock()
        if done == total:
            print(f"{self.what}: {total} windows, {now - self.began:.2f} s", file=sys.stderr)
        elif now - self.last > 2:
            self.last = now
            left = (now - self.began) / done * (total - done)
            print(f"{self.what}: {done} of {total} windows, {left:.0f} s left", file=sys.stderr)
