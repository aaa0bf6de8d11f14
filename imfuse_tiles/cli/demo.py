"""``demo``: render a small stack, fuse it, and compare the result with the truth."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import Parser
from imfuse_tiles.cli.compile_notice import announce_compiling, compiling_announced
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import available_cores

WIDTH, HEIGHT, SLICES, SEED, NOISE = 720, 480, 12, 4, 0.004


def demo(words: Sequence[str]) -> int:
    """Fuse a small simulated stack as a run without options does."""
    about = "Render a small macro stack, fuse it without options and tell how close the result is to the truth."
    parser = Parser(prog="imfuse-tiles demo", allow_abbrev=False, description=about)
    parser.add_argument("directory", nargs="?", default="imfuse-demo", metavar="DIR", help="folder (imfuse-demo)")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite what is there")
    args = parser.parse_args(list(words))
    from imfuse_tiles.imageio.writing.target import check_folder

    folder = Path(args.directory)
    check_folder(folder)
    with kernels_compiled_aside():
        images = render_demo_stack(folder / "stack", args.force)
        from imfuse_tiles.execution.fuse_stack import fuse_images
        from imfuse_tiles.imageio.open_stack import open_stack
        from imfuse_tiles.planning.auto_preset import choose

        recipe = choose(Recipe(()), open_stack(images)).recipe
        store, result = folder / "store", folder / "result.tif"
        outcome = fuse_images(images, recipe, result, store=store, extra=True, force=args.force)
    print_comparison(folder / "stack", images, recipe, outcome.output)
    return 0


@contextmanager
def kernels_compiled_aside() -> Iterator[None]:
    """On the first run, compile what the fusion needs in another process while this one compiles the rendering."""
    with ExitStack() as stack:

        def begin() -> None:
            from imfuse_tiles.cli.warmup import compile_preset
            from imfuse_tiles.execution.process_pool import ProcessPool

            announce_compiling()
            pool = ProcessPool(1)
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
            pool.submit(compile_preset, "pyramid", ["uint8"])

        stack.enter_context(compiling_announced(begin if available_cores() > 1 else announce_compiling))
        yield


def render_demo_stack(folder: Path, force: bool) -> list[Path]:
    """The demo slices, rendered unless they are there. AlreadyExists when other files are in the way."""
    images = [folder / f"slice_{number:04}.tif" for number in range(SLICES)]
    if not is_rendered(folder, images):
        from imfuse_tiles.simulation import render

        print(f"rendering {SLICES} slices of {WIDTH} x {HEIGHT} pixels ...", file=sys.stderr)
        render(folder, WIDTH, HEIGHT, SLICES, SEED, 8, NOISE, workers=available_cores(), force=force)
    return images


def is_rendered(folder: Path, images: Sequence[Path]) -> bool:
    """Whether an earlier demonstration has rendered these very slices."""
    try:
        metadata: Any = json.loads((folder / "transforms.json").read_text())
        same = [metadata[name] for name in ("width", "height", "seed", "bits", "noise", "misalign")]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return same == [WIDTH, HEIGHT, SEED, 8, NOISE, False] and all(path.is_file() for path in images)


def print_comparison(folder: Path, images: Sequence[Path], recipe: Recipe, output: dict[str, str]) -> None:
    """Print where the files are, and how good the result is compared with the best single slice."""
    import tifffile

    from imfuse_tiles.simulation import score

    truth = tifffile.imread(folder / "truth.tif")
    result = score(tifffile.imread(output["result"]), truth)
    best = max((score(tifffile.imread(path), truth) for path in images), key=lambda scores: scores["sharpness"])
    names = {"result": "result", "mask": "confidence", "depthmap": "depth map", "depth": "depth"}
    print(f"{'stack':<12} {folder} ({SLICES} slices)")
    print(f"{'options':<12} {recipe}")
    for role, name in names.items():
        print(f"{name:<12} {output[role]}")
    print(
        f"{'sharpness':<12} {result['sharpness']:.0%} of the truth's (sharpest single slice: {best['sharpness']:.0%})"
    )
    print(f"{'PSNR':<12} {result['psnr']:.1f} dB against the truth (that slice: {best['psnr']:.1f} dB)")
