"""``warmup``: compile the kernels of presets ahead of time."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from imfuse_tiles import kernels
from imfuse_tiles.cli.argument_parser import Parser, whole_number
from imfuse_tiles.options.config_files import list_presets, load_preset

ABOUT = """Compile what the options of presets compute with, once per machine and version, so that the first run does
not have to: all presets, or those named. What is compiled already is not compiled again."""
#: Samples of frames that kernels are compiled for.
DTYPES = ("uint8", "uint16", "float32")
SLICES, HEIGHT, WIDTH = 3, 90, 100


def warmup(words: Sequence[str]) -> int:
    """Compile the kernels of presets in all cores."""
    from imfuse_tiles.execution.process_pool import ProcessPool
    from imfuse_tiles.options.resources import available_cores

    args = _parser().parse_args(list(words))
    names = args.presets or list(list_presets())
    for name in names:
        load_preset(name)
    start, workers = time.perf_counter(), args.workers or available_cores()
    pool = ProcessPool(workers)
    with ExitStack() as stack:
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        jobs = {pool.submit(compile_simulation): "demo"}
        jobs[pool.submit(compile_alignment)] = "alignment"
        jobs |= {pool.submit(compile_preset, name): f"preset {name}" for name in names}
        for job in as_completed(jobs):
            seconds, folder = job.result()
            if not args.quiet:
                print(f"{jobs[job]}: {seconds:.1f} s", file=sys.stderr)
    print(f"kernels are in {folder}, after {time.perf_counter() - start:.0f} s")
    return 0


def _parser() -> Parser:
    parser = Parser(prog="imfuse-tiles warmup", allow_abbrev=False, description=ABOUT)
    parser.add_argument("presets", nargs="*", metavar="PRESET", help="preset or its file (all presets)")
    parser.add_argument("--workers", type=whole_number(1), metavar="N", help="processes (one for each core)")
    parser.add_argument("--quiet", action="store_true", help="print only where the kernels are")
    return parser


def compile_alignment() -> tuple[float, str]:
    """Fuse tiny frames that do not lie over each other: seconds, and where code is."""
    import imfuse_tiles.options  # noqa: F401  registers the options
    from imfuse_tiles.execution.fuse_stack import fuse_images
    from imfuse_tiles.options.recipe import Recipe
    from imfuse_tiles.simulation import render

    start, recipe = time.perf_counter(), Recipe.from_options(["--bg=mean"])
    with tempfile.TemporaryDirectory(prefix="imfuse-warmup-") as folder:
        for bits in (8, 16):
            place = render(Path(folder) / f"{bits}", 240, 180, SLICES, 3, bits, misalign=True, workers=1)
            frames = sorted(place.glob("slice_*.tif"))
            fuse_images(frames, recipe, place / "result.tif", store=place / "store", scheduler="sync")
    return time.perf_counter() - start, kernels.kernel_cache.folder()


def compile_preset(name: str, dtypes: Sequence[str] = DTYPES) -> tuple[float, str]:
    """Fuse tiny stacks of noise by a preset, which compiles all that it computes with: seconds, and where code is."""
    import imfuse_tiles.options  # noqa: F401  registers the options
    from imfuse_tiles.execution.fuse_stack import fuse_images
    from imfuse_tiles.options.option_parser import parse_arguments
    from imfuse_tiles.options.recipe import Recipe

    start = time.perf_counter()
    recipe = Recipe(tuple(parse_arguments(*option) for option in load_preset(name)))
    with tempfile.TemporaryDirectory(prefix="imfuse-warmup-") as folder:
        for dtype in dtypes:
            frames = _write_noise(Path(folder) / dtype, dtype)
            result = Path(folder) / f"{dtype}.tif"
            fuse_images(frames, recipe, result, store=f"{folder}/{dtype}.store", extra=True, scheduler="sync")
    return time.perf_counter() - start, kernels.kernel_cache.folder()


def compile_simulation() -> tuple[float, str]:
    """Render a tiny scene, as the demo does."""
    from imfuse_tiles.simulation import render

    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="imfuse-warmup-") as folder:
        for bits in (8, 16):
            render(Path(folder) / f"{bits}", WIDTH, HEIGHT, SLICES, 0, bits, 0.01, misalign=bits == 16, workers=1)
    return time.perf_counter() - start, kernels.kernel_cache.folder()


def _write_noise(folder: Path, dtype: str) -> list[Path]:
    """Frames of noise as TIFF files, front first."""
    import numpy as np
    import tifffile

    folder.mkdir()
    random = np.random.default_rng(0)
    for z in range(SLICES):
        samples: Any = random.random((HEIGHT, WIDTH, 3), np.float32)
        if dtype != "float32":
            samples = (samples * np.iinfo(dtype).max).astype(dtype)
        tifffile.imwrite(folder / f"slice_{z}.tif", samples, photometric="rgb")
    return sorted(folder.glob("*.tif"))
