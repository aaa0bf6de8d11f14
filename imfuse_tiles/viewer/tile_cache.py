"""Reduced tiles kept in the cache folder, and the encoded ones last asked for in memory."""

from __future__ import annotations

import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np

from imfuse_tiles.options.grammar import digest
from imfuse_tiles.stages.strokes import strokes_digest
from imfuse_tiles.storage.processes import is_alive
from imfuse_tiles.viewer.layers import ViewLayer

#: Bytes of all reduced tiles on the disk after a clearing, and of encoded ones in memory.
MOST_ON_DISK, MOST_IN_MEMORY = 4 << 30, 48 << 20


class TileCache:
    """Tiles by layer, slice and place. Those in the folder are of finished arrays, whose keys name their values."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.encoded: OrderedDict[Hashable, bytes] = OrderedDict()
        self.bytes, self.guard = 0, Lock()

    def load(self, layer: ViewLayer, z: int, place: tuple[int, int, int]) -> np.ndarray | None:
        """A reduced tile (planes, y, x) uint8, None when it is not kept."""
        with suppress(OSError, ValueError):
            return np.load(self._file(layer, z, place), allow_pickle=False)
        return None

    def save(self, layer: ViewLayer, z: int, place: tuple[int, int, int], values: np.ndarray) -> None:
        """Keep a reduced tile; a disk that is full keeps none."""
        path = self._file(layer, z, place)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}-{time.monotonic_ns()}.part")
            with partial.open("wb") as file:
                np.save(file, values, allow_pickle=False)
            partial.replace(path)

    def _file(self, layer: ViewLayer, z: int, place: tuple[int, int, int]) -> Path:
        reduction, row, column = place
        about = digest([layer.path, layer.planes, layer.limits, layer.store.root])
        if layer.strokes:  # only those that touch the tile: those of other tiles come and go
            about = f"{about}/{strokes_digest(layer.strokes)}"
        return self.folder / about / str(z) / str(reduction) / f"{row}-{column}.npy"

    def remember(self, key: Hashable, content: bytes) -> None:
        """Keep an encoded tile in memory in the place of those that nobody asked for longest."""
        with self.guard:
            self.bytes += len(content) - len(self.encoded.get(key, b""))
            self.encoded[key] = content
            while self.bytes > MOST_IN_MEMORY:
                self.bytes -= len(self.encoded.popitem(last=False)[1])

    def recall(self, key: Hashable) -> bytes | None:
        """An encoded tile that is still in memory."""
        with self.guard:
            if key in self.encoded:
                self.encoded.move_to_end(key)
            return self.encoded.get(key)

    def clear_oldest(self, most: int = MOST_ON_DISK) -> None:
        """Remove layers from the folder, those last written to longest ago first, until at most ``most`` bytes stay.

        And what servers that were killed were writing.
        """
        for partial in self.folder.rglob("*.part"):
            with suppress(OSError, ValueError):
                if not is_alive(int(partial.name.rsplit(".", 2)[-2].partition("-")[0])):
                    partial.unlink()
        with suppress(OSError):
            layers = sorted(self.folder.iterdir(), key=lambda path: -path.stat().st_mtime)
            total = 0
            for folder in layers:
                total += sum(path.stat().st_size for path in folder.rglob("*.npy"))
                if total > most:
                    shutil.rmtree(folder, ignore_errors=True)
