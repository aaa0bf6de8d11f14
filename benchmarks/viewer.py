"""The viewer's server on a result of any size: first view, the tiles of every zoom step, and its memory.

python -m benchmarks viewer [--size 30000x30000] [--folder DIR] [--json FILE]

A result is written into a store as a run would, then served by a process of its own and asked for as a browser does:
six requests at a time. Warm means that its small views were made before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import psutil

from benchmarks.figures import Figure, figures_parser, written
from imfuse_tiles.stages.array_layout import FLAT, Layout, Output
from imfuse_tiles.stages.array_metadata import array_attributes
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunk_checksums import encode_checksums
from imfuse_tiles.storage.run_note import NOTE
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layer_tiles import TILE
from imfuse_tiles.viewer.server import PAGE

#: Seconds and bytes that are allowed; pixels of the browser's picture, and requests at a time.
FIRST_VIEW, ZOOM_STEP, MEMORY = 2.0, 0.3, 300e6
SCREEN, AT_ONCE = (1400, 900), 6
FILES = ("", *sorted(path.name for path in PAGE.iterdir() if path.suffix in (".js", ".css")))


def make_store(folder: Path, width: int, height: int) -> Store:
    """A store with a finished result of opaque noise, as a run leaves it."""
    store, key, layout = Store.at(folder), "0123456789abcdef", Layout(512, 1024, 1)
    out = Output(f"final/{key}", (4,), (4,), "uint16", flat=FLAT)
    stage = Stage("write result", key, Job(), (height, width), (out,))
    store.create()
    about = {"imfuse_tiles": {"options": "--bg=pyramid", **array_attributes(stage, out, layout)}}
    store.arrays.create(out.path, out.shape(stage.frame, 1), out.chunks(stage.frame, layout.chunk), "uint16", about)
    store.journal(key).begin(asdict(layout))
    array, noise = store.arrays.open(out.path), np.random.default_rng(1).integers(0, 65535, (4, 1536, 1536), np.uint16)
    noise[3] = 65535
    with store.journal(key).appending() as record:
        for number, block in enumerate(stage.blocks(layout)):
            (rows, columns), shift = block.region.shape, number * 97 % 512
            part = noise[:, shift : shift + rows, shift : shift + columns]
            crc = encode_checksums(array.write(out.box(block), part))
            record({"block": block.name, "crc": {out.path: crc}})
    store.numbers.save(key, {"opaque": True, "blocks": stage.count(layout)})
    entry = {"name": stage.name, "blocks": stage.count(layout), "paths": [out.path], "used": time.time()}
    store.numbers.save(NOTE, {"options": "--bg=pyramid", "order": [key], "stages": {key: entry}})
    return store


def forget(folder: Path) -> None:
    """Have the system forget what it remembers of files, so that they are read from the disk."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Client:
    """Asks a server as a browser does."""

    def __init__(self, address: str) -> None:
        self.address, self.threads = address, ThreadPoolExecutor(AT_ONCE)

    def get(self, name: str, body: bytes | None = None) -> bytes:
        with urlopen(self.address + name, body) as answer:
            content: bytes = answer.read()
        return content

    def layer(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.get("ask/state", b"{}"))["layers"][0]
        return found

    def view(self, layer: dict[str, object], reduction: int) -> float:
        """Seconds until all tiles of a view of the middle are there."""
        edge, began = TILE << reduction, time.perf_counter()
        spans = []
        for side, screen in ((layer["width"], SCREEN[0]), (layer["height"], SCREEN[1])):
            assert isinstance(side, int)
            shown = min(side, screen << reduction)
            first, last = (side - shown) // 2, (side + shown) // 2 - 1
            spans.append(range(first // edge, last // edge + 1))
        names = [f"tile/{layer['id']}/0/{reduction}/{x}_{y}.jpg" for y in spans[1] for x in spans[0]]
        list(self.threads.map(self.get, names))
        return time.perf_counter() - began


def served(store: Store) -> tuple[subprocess.Popen[str], Client]:
    """A server of its own on a store, and who asks it."""
    command = [sys.executable, "-m", "imfuse_tiles", "view", store.root, "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    return process, Client(process.stdout.readline().strip())


def figures(folder: Path, width: int, height: int) -> Iterator[Figure]:
    """Cold: until all small views are made. Then first view, zoom steps, memory."""
    store = make_store(folder / "store", width, height)
    forget(store.folder)
    process, client = served(store)
    layer, began = client.layer(), time.perf_counter()
    top = layer["top"]
    assert isinstance(top, int)
    yield Figure("viewer", "first view, cold", client.view(layer, top), "s")
    if top > 3:
        yield Figure("viewer", "tiles of a view at 1:8, cold, coarse", client.view(layer, 3), "s", FIRST_VIEW)
        sharp = time.perf_counter()
        while client.layer()["sharpening"]:
            time.sleep(0.1)
        yield Figure("viewer", "until these are sharp", time.perf_counter() - sharp, "s")
    while top > 3 and not str(client.layer()["version"]).startswith("f.1"):
        time.sleep(0.1)
    yield Figure("viewer", "until all small views are made", time.perf_counter() - began, "s")
    peak = psutil.Process(process.pid).memory_info().rss
    process.terminate()
    process.wait()
    process, client = served(store)
    began = time.perf_counter()
    list(client.threads.map(client.get, FILES))
    layer = client.layer()
    client.view(layer, top)
    yield Figure("viewer", "first view, warm", time.perf_counter() - began, "s", FIRST_VIEW)
    for reduction in range(top - 1, -1, -1):
        yield Figure("viewer", f"tiles of a view at 1:{1 << reduction}", client.view(layer, reduction), "s", ZOOM_STEP)
    peak = max(peak, psutil.Process(process.pid).memory_info().rss)
    yield Figure("viewer", "memory of the server", peak / 1e6, "MB", MEMORY / 1e6)
    process.terminate()
    process.wait()


def main(words: Sequence[str]) -> None:
    args = figures_parser("viewer", __doc__, "30000x30000", "a small picture").parse_args(words)
    width, height = map(int, ("900x700" if args.quick else args.size).split("x"))
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        written(figures(Path(folder), width, height), args.json)
