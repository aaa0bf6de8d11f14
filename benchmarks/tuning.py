"""Tuning in the page: seconds until a region has its new pixels, by what is changed, and memory meanwhile.

python -m benchmarks tuning [--size 4000x3000x20] [--stack FOLDER] [--folder DIR] [--json FILE]

A stack is fused with chain A, its page's server asked as a browser does: a region of 1000 x 800 pixels in the middle,
with one option changed at a time. Two times are told: until something is seen (limits may be estimated), and until the
bytes are those of the whole run. Every change is made for the first time, so that nothing of it is known. The masks of
the options that there are may be known: they are computed in the background once a region was looked at; how long that
takes is told, and waited for, as a person does who looks for an option to change.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil

from benchmarks.chains import CHAINS, fuse, tried
from benchmarks.figures import Figure, figures_parser, written
from benchmarks.fusion import simulated
from benchmarks.viewer import MEMORY, Client, served
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.option_forms import form_of

#: Seconds that are allowed after a changed cut and a changed mask option; the region.
CUT, MASK, REGION = 1.5, 4.0, (1000, 800)
#: Changes by the chain that they are made to: what stands instead of what, and the limit of seconds.
CHANGES: dict[str, list[tuple[str, str, float]]] = {
    "A": [
        ("--cutless=p15", "--cutless=p20", CUT), ("--cutwave=p100", "--cutwave=p50", CUT),
        ("--cutalpha=p-25", "--cutalpha=p-30,P140", CUT), ("--finalblur=s10,S2,t5", "--finalblur=s12,S2,t5", CUT),
        ("--maskwave=p100", "--maskwave=p50", MASK), ("--maskwave=p100", "--maskkuwahara=r3", MASK),
        ("--maskwave=p100", "--maskblur=s3", MASK), ("--maskwave=p100", "--maskmorph=dilate,r4,Disk", MASK),
        ("--maskwave=p100", "--maskstat=r6,Mean", MASK), ("--wavelet=p5", "--wavelet=p10", MASK),
        ("--wavelet=p5", "--statistic=r9", MASK), ("--wavelet=p5", "--blur=s1,S2", MASK),
        ("--wavelet=p5", "--sobel", MASK), ("--wavelet=p5", "--wavelet=p5,clut=no", MASK),
    ],
    "B": [
        ("--cutmorph=r3,R1,Erode", "--cutmorph=r4,R1,Erode", CUT), ("--maskwave=p5", "--maskwave=p10", MASK),
        ("--blur=s2,S3", "--blur=s2,S4", MASK), ("--saturation=w25,level", "--saturation=w40,level", MASK),
    ],
    "pyramid": [("--bg=pyramid", "--bg=pyramid,noise=0.5", MASK)],
}  # fmt: skip


def changed(words: Sequence[str], old: str, new: str) -> list[dict[str, Any]]:
    """The form of options with one in the place of another."""
    return form_of(Recipe.from_options([new if word == old else word for word in words]))


def seconds(client: Client, form: list[dict[str, Any]], region: list[int], quick: bool) -> tuple[float, bool]:
    """Seconds until a region is there with its picture, and whether its bytes are those of the whole run."""
    began = time.perf_counter()
    try:
        answer = json.loads(
            client.get("ask/tune", json.dumps({"form": form, "region": region, "quick": quick}).encode())
        )
    except HTTPError as error:
        raise SystemExit(f"the server refuses: {error.read().decode()}") from error
    client.get(f"picture/{answer['picture']}.png")
    return time.perf_counter() - began, answer["exact"]


def prepared(client: Client) -> float:
    """Seconds until masks are computed beforehand."""
    began = time.perf_counter()
    while json.loads(client.get("ask/tuning", b"{}"))["preparing"]:
        time.sleep(0.1)
    return time.perf_counter() - began


def processor(server: psutil.Process) -> float:
    """Seconds that the server and the process that tunes have computed so far."""
    times = [process.cpu_times() for process in (server, *server.children())]
    return float(sum(time.user + time.system for time in times))


def figures(
    files: Sequence[Path], size: tuple[int, int], chains: Sequence[str], folder: Path, changes: int | None = None
) -> Iterator[Figure]:
    """The times of every change to chains, and the memory of server and tuning process."""
    width, height = size
    columns, rows = min(REGION[0], width), min(REGION[1], height)
    region = [(width - columns) // 2, (height - rows) // 2, columns, rows]
    for chain in chains:
        options = {**CHAINS, "pyramid": "--bg=pyramid"}[chain]
        fuse(options, files, folder, "--align=no")
        process, client = served(Store.at(folder / "store"))
        server = psutil.Process(process.pid)
        words = ["--align=no", *options.split()]
        seconds(client, form_of(Recipe.from_options(words)), region, False)
        yield Figure("tuning", f"{chain}: masks computed beforehand", prepared(client), "s")
        for old, new, limit in CHANGES[chain][:changes]:
            form = changed(words, old, new)
            before = processor(server)
            seen, exact = seconds(client, form, region, True)
            whole = 0.0 if exact else seconds(client, form, region, False)[0]
            name = f"{chain}: {old.lstrip('-')} -> {new.lstrip('-')}"
            yield Figure("tuning", f"{name}, seen", seen, "s")
            yield Figure("tuning", f"{name}, exact", seen + whole, "s", limit)
            yield Figure("tuning", f"{name}, processor", processor(server) - before, "s")
        most = max((child.memory_info().rss for child in server.children()), default=0)
        yield Figure("tuning", f"{chain}: memory of the server", server.memory_info().rss / 1e6, "MB", MEMORY / 1e6)
        yield Figure("tuning", f"{chain}: memory of the process that tunes", most / 1e6, "MB")
        process.terminate()
        process.wait()


def main(words: Sequence[str]) -> None:
    parser = figures_parser("tuning", __doc__, "4000x3000x20", "a small stack")
    parser.add_argument("--stack", type=Path, help="a folder with slice_*.tif of that size, instead of a simulated one")
    parser.add_argument("--chains", nargs="+", choices=list(CHANGES), default=list(CHANGES))
    args = parser.parse_args(words)
    size = "300x200x3" if args.quick else args.size
    width, height, _ = map(int, size.split("x"))
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        (folder / "stack").mkdir()
        files = sorted(args.stack.glob("slice_*.tif")) if args.stack else simulated(size, folder / "stack")
        if args.quick:
            with tried():
                written(figures(files, (width, height), ["A"], folder, changes=2), args.json)
        else:
            written(figures(files, (width, height), args.chains, folder), args.json)
