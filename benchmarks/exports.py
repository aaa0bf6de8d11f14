"""A large result as OME-TIFF and OME-Zarr beside tifffile and zarr alone, which write the same in the same codecs.

The others are given every level ready in a memory-mapped file; the export reads the store, checks its checksums and
makes the smaller levels itself. Both start as programs of their own, in pairs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.kills import PROGRAM
from imfuse_tiles.imageio.writing.pyramid import levels_to
from imfuse_tiles.kernels.halve import halve
from imfuse_tiles.storage.store import Store

BAND, COLUMNS = 128, 512
KEY = "0123456789abcdef"
FORMATS = {"ome.tif": "tifffile", "ome.zarr": "zarr"}


@dataclass(frozen=True)
class Taken:
    """Seconds, bytes of memory at most, and bytes written."""

    seconds: float
    peak: int
    size: int


def sides(edge: int) -> list[int]:
    """The edges of all levels."""
    return [-(-edge >> level) for level in range(levels_to((edge, edge), 512))]


def scene(edge: int) -> np.ndarray:
    """A square of 16-bit colours with noise, (3, edge, edge), as photographs have it."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[:edge, :edge].astype(np.float32)
    waves = [0.5 + 0.35 * np.sin(x / (97 + 31 * plane)) * np.cos(y / 83) for plane in range(3)]
    return np.stack([(wave * 60000 + random.normal(0, 150, wave.shape)).clip(0, 65535) for wave in waves]).astype("u2")


def prepare(folder: Path, edge: int) -> Store:
    """A store that holds a result of ``edge`` x ``edge`` pixels, and its levels as raw files, row by row."""
    store = Store.at(folder / "store")
    store.create()
    store.arrays.create(f"final/{KEY}", (4, edge, edge), (4, BAND, COLUMNS), "uint16", {})
    array, small = store.arrays.open(f"final/{KEY}"), scene(min(edge, 1500))
    size = small.shape[1]
    with (folder / "level0").open("wb") as file:
        for y0 in range(0, edge, BAND):
            y1 = min(y0 + BAND, edge)
            rows = np.take(small, np.arange(y0, y1) % size, axis=1)
            band = np.take(rows, np.arange(edge) % size, axis=2)
            array.write([(0, 4), (y0, y1), (0, edge)], np.concatenate([band, np.full_like(band[:1], 65535)]))
            file.write(np.ascontiguousarray(np.moveaxis(band, 0, -1)).tobytes())
    store.numbers.save(KEY, {"opaque": True, "depth_opaque": False})
    for level, side in enumerate(sides(edge)[1:], 1):
        above, place = mapped(folder, edge, level - 1), folder / f"level{level}"
        with place.open("wb") as file:
            for y0 in range(0, side, 256):
                rows = np.moveaxis(above[2 * y0 : 2 * min(y0 + 256, side)], -1, 0)
                file.write(np.ascontiguousarray(np.moveaxis(halve(rows), 0, -1)).tobytes())
    return store


def mapped(folder: Path, edge: int, level: int) -> np.ndarray:
    """A level's raw file, (y, x, 3)."""
    side = sides(edge)[level]
    return np.memmap(folder / f"level{level}", np.uint16, "r", shape=(side, side, 3))


def write_tifffile(folder: Path, edge: int, place: Path) -> None:
    """The levels by tifffile alone: tiles, deflate of level 1 with differences, two threads."""
    import tifffile

    how = {"tile": (512, 512), "compression": "zlib", "compressionargs": {"level": 1}, "predictor": True,
           "photometric": "rgb", "maxworkers": 2}  # fmt: skip
    levels = len(sides(edge))
    with tifffile.TiffWriter(place, bigtiff=True, ome=True) as tif:
        for level in range(levels):
            side = sides(edge)[level]
            more = {"subifds": levels - 1, "metadata": {"axes": "YXS"}} if level == 0 else {"subfiletype": 1}
            tif.write(tiles(mapped(folder, edge, level)), shape=(side, side, 3), dtype="uint16", **how, **more)


def tiles(samples: np.ndarray):
    """Tiles of 512 x 512 pixels, row by row."""
    for y in range(0, len(samples), 512):
        for x in range(0, len(samples), 512):
            yield np.ascontiguousarray(samples[y : y + 512, x : x + 512])


def write_zarr(folder: Path, edge: int, place: Path) -> None:
    """The levels by zarr-python alone, band by band of chunks, in the codecs that the export uses."""
    import zarr

    group = zarr.create_group(place)
    blosc = zarr.codecs.BloscCodec(typesize=2, cname="zstd", clevel=3, shuffle="bitshuffle")
    for level, side in enumerate(sides(edge)):
        array = group.create_array(str(level), shape=(3, side, side), chunks=(1, 512, 512), dtype="uint16",
                                   compressors=blosc)  # fmt: skip
        samples = mapped(folder, edge, level)
        for y in range(0, side, 512):
            array[:, y : y + 512] = np.moveaxis(samples[y : y + 512], -1, 0)


def taken(command: Sequence[str], place: Path) -> Taken:
    """Run a program that writes to a place; what it wrote is removed."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    place.unlink() if place.is_file() else shutil.rmtree(place)
    return Taken(seconds, usage.ru_maxrss << 10, size)


def pair(folder: Path, edge: int, ending: str) -> tuple[Taken, Taken]:
    """The export and the library alone."""
    place, other = folder / f"ours.{ending}", folder / f"other.{ending}"
    store = str(folder / "store")
    ours = taken([*PROGRAM, "export", store, "-o", str(place), "--memory", "500M", "--workers", "2", "--quiet"], place)
    alone = [sys.executable, "-m", "benchmarks.exports", FORMATS[ending], str(folder), str(edge), str(other)]
    return ours, taken(alone, other)


def compare(folder: Path, edge: int, pairs: int) -> None:
    """Print a line for each pair and format, and the medians of the ratios."""
    # In a program of its own: a program that is started counts the memory of the one that starts it for its own.
    subprocess.run([sys.executable, "-m", "benchmarks.exports", "prepare", str(folder), str(edge)], check=True)
    for ending, name in FORMATS.items():
        ratios = []
        for _ in range(pairs):
            ours, alone = pair(folder, edge, ending)
            ratios.append(ours.seconds / alone.seconds)
            print(f"{edge} x {edge} .{ending}: export {ours.seconds:.1f} s {ours.peak / 1e6:.0f} MB, "
                  f"{ours.size / 1e6:.0f} MB written; {name} {alone.seconds:.1f} s {alone.peak / 1e6:.0f} MB, "
                  f"{alone.size / 1e6:.0f} MB written; ratio {ratios[-1]:.2f}", flush=True)  # fmt: skip
        print(f".{ending}: median ratio {median(ratios):.2f} of {pairs} pairs")


def main(words: Sequence[str]) -> int:
    """Run the comparison, or one of the libraries alone."""
    if words and words[0] == "prepare":
        prepare(Path(words[1]), int(words[2]))
        return 0
    if words and words[0] in FORMATS.values():
        {"tifffile": write_tifffile, "zarr": write_zarr}[words[0]](Path(words[1]), int(words[2]), Path(words[3]))
        return 0
    parser = argparse.ArgumentParser(prog="python -m benchmarks export", description=__doc__)
    parser.add_argument("--edge", type=int, default=15000, help="pixels a side (15000)")
    parser.add_argument("--pairs", type=int, default=3, help="how often both are run (3)")
    parser.add_argument("--folder", type=Path, help="where scratch files go, which are removed")
    parser.add_argument("--quick", action="store_true", help="on next to nothing")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        compare(Path(folder), 700 if args.quick else args.edge, 1 if args.quick else args.pairs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
