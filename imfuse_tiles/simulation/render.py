"""`imfuse-tiles simulate`: a simulated focus stack on disk, of any size, in little memory."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.simulation.files import TiledFile, file_size
from imfuse_tiles.simulation.misalign import alignment_record, record
from imfuse_tiles.simulation.stack import Box, Stack
from imfuse_tiles.storage.only_writer import only_writer

Progress = Callable[[int, int], None]
Files = dict[str | int, tuple[str, tuple[int, ...], np.dtype]]


def render(
    directory: str | os.PathLike[str],
    width: int,
    height: int,
    slices: int,
    seed: int = 0,
    bits: int = 16,
    noise: float = 0.0,
    misalign: bool = False,
    workers: int = 2,
    tile: int = 512,
    progress: Progress | None = None,
    force: bool = False,
    drift: float = 0.0,
) -> Path:
    """Render a macro scene through a thin lens, focused from front to back, into `directory`.

    Written are `slice_0000.tif` (focus nearest) onwards, RGB of 8 or 16 `bits`; `truth.tif`, the same with
    everything in focus; `depth.tif`, 16-bit grey, the depth of each pixel from 0 (the focus of the first
    slice) to 65535 (that of the last: slice position = depth / 65535 * (slices - 1)); and
    `transforms.json`. With `misalign` the slices are scaled, turned, shifted and exposed differently; with `drift`
    their light and white balance change by this share over the stack. `transforms.json` says how, also in the form
    that `--transforms` takes; the middle slice stays as the truth is. Light is encoded by a square root.
    A thing a whole depth range out of focus is blurred by a disc of 10 pixels radius, at any picture size.

    `noise` is the standard deviation of the noise of every slice, as a fraction of full scale (the truth has
    none). The same arguments give the same bytes, whatever `workers` and `tile` (the edge of the windows
    that are worked on, in pixels). `progress(done, all)` is called after every window.

    Memory follows from `tile` and `workers`, not from the picture: 250 MB in all were measured for two
    slices of 12000 x 12000 with two workers, up to 350 for misaligned stacks and many slices; the program
    itself takes about 150 of them.

    Raises `Refusal` for arguments out of range or a disk too small, `AlreadyExists` rather than overwrite a stack
    unless `force`. A rendering that is broken off leaves no picture behind.
    """
    stack = Stack(width, height, slices, seed, bits, noise, misalign, drift)
    _check(stack, workers, tile)
    folder = Path(directory)
    shapes = _files(stack)
    _check_folder(folder, shapes, force)
    folder.mkdir(parents=True, exist_ok=True)
    with only_writer(folder, f"{folder}: another program renders a stack there"):
        _check_folder(folder, shapes, force)  # another program may have rendered meanwhile
        _render_into(folder, stack, shapes, workers, tile, progress)
    return folder


def _render_into(folder: Path, stack: Stack, shapes: Files, workers: int, tile: int, progress: Progress | None) -> None:
    """Render a stack into a folder, in place of an earlier one."""
    files: dict[str | int, TiledFile] = {}
    try:
        for name, (file, shape, dtype) in shapes.items():
            files[name] = TiledFile(folder / file, shape, dtype, truth=isinstance(name, str))
        _run(stack, files, workers, tile, progress)
    except BaseException:
        for opened in files.values():
            opened.close()
            opened.partial.unlink(missing_ok=True)
        raise
    (folder / "transforms.json").write_text(json.dumps(_transforms(stack), indent=1) + "\n")
    for opened in files.values():
        opened.finish()
    for surplus in set(_slices(folder)) - {opened.path for opened in files.values()}:
        surplus.unlink()


def _run(stack: Stack, files: dict[str | int, TiledFile], workers: int, tile: int, progress: Progress | None) -> None:
    """Work on all windows in threads (the kernels let go of the interpreter), a few ahead at a time."""
    count = -(-stack.width // tile) * -(-stack.height // tile)

    def one(box: Box) -> None:
        for name, pixels in stack.window(box):
            files[name].write(box[1], box[0], pixels)

    done = 0
    with ThreadPoolExecutor(workers) as pool:
        todo = _windows(stack.width, stack.height, tile)
        running: set[Future[None]] = set()
        try:
            while done < count:
                while len(running) < 2 * workers and (box := next(todo, None)):
                    running.add(pool.submit(one, box))
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    done += 1
                    if progress:
                        progress(done, count)
        finally:
            pool.shutdown(cancel_futures=True)


def _windows(width: int, height: int, tile: int) -> Iterator[Box]:
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            yield x, y, min(x + tile, width), min(y + tile, height)


def _files(stack: Stack) -> Files:
    colour, dtype = (stack.height, stack.width, 3), np.dtype(f"uint{stack.bits}")
    files: Files = {n: (f"slice_{n:04d}.tif", colour, dtype) for n in range(stack.slices)}
    files["truth"] = ("truth.tif", colour, dtype)
    files["depth"] = ("depth.tif", colour[:2], np.dtype("uint16"))
    return files


def _slices(folder: Path) -> list[Path]:
    """Slices of a simulated stack that are there already."""
    return sorted(folder.glob("slice_[0-9][0-9][0-9][0-9].tif"))


def _transforms(stack: Stack) -> dict[str, object]:
    """The contents of `transforms.json`."""
    slices = [
        {"file": f"slice_{n:04d}.tif", "focus": stack.focus(n), **record(move, stack.width, stack.height)}
        for n, move in enumerate(stack.transforms)
    ]
    files = [str(about["file"]) for about in slices]
    return {
        "convention": "pixel positions x to the right, y down, the middle of the first pixel is (0, 0); the "
        "position (x, y) of a slice shows what lies at slice_to_truth @ (x, y, 1) in truth.tif; light of the "
        "slice = gain * tint * light of the truth, value = sqrt(light); focus: depth 0 (front) to 1 (back)",
        "width": stack.width,
        "height": stack.height,
        "seed": stack.seed,
        "bits": stack.bits,
        "noise": stack.noise,
        "misalign": stack.misalign,
        "drift": stack.drift,
        "slices": slices,
        **alignment_record(files, stack.transforms, stack.width, stack.height),
    }


def _check(stack: Stack, workers: int, tile: int) -> None:
    limits: list[tuple[str, float, float, float]] = [
        ("width", stack.width, 1, 1_000_000),
        ("height", stack.height, 1, 1_000_000),
        ("slices", stack.slices, 1, 10_000),
        ("seed", stack.seed, 0, 2**31 - 1),
        ("noise", stack.noise, 0, 1),
        ("drift", stack.drift, 0, 1),
        ("workers", workers, 1, 1024),
        ("tile", tile, 16, 8192),
    ]
    for name, value, low, high in limits:
        share = name in ("noise", "drift")
        whole = share or isinstance(value, (int, np.integer))
        if not whole or not low <= value <= high:
            raise Refusal(
                f"simulate: {name} must be {'' if share else 'a whole number '}from {low} to {high}, not {value}"
            )
    if stack.bits not in (8, 16):
        raise Refusal(f"simulate: bits must be 8 or 16, not {stack.bits}")


def _check_folder(folder: Path, files: Files, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"simulate: {folder} is a file, not a directory")
    names = [file for file, _, _ in files.values()] + ["transforms.json"]
    there = [folder / name for name in names if (folder / name).exists()] + _slices(folder)
    if there and not force:
        raise AlreadyExists(f"simulate: {there[0]} exists; choose another directory or force it")
    need = sum(file_size(shape, dtype) for _, shape, dtype in files.values())
    home = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(home).free
    if need > free:
        raise Refusal(f"simulate: the stack needs {need / 1e6:.1f} MB, {home} has {free / 1e6:.1f} MB free")
