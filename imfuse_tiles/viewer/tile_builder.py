"""Tiles made in the background: those first that somebody saw coarse, then all small views of a layer."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from imfuse_tiles.viewer.layer_tiles import AT_ONCE, Place, build_pyramid, reduced_values
from imfuse_tiles.viewer.layers import ViewLayer
from imfuse_tiles.viewer.tile_cache import TileCache

#: Seconds that a tile that is made in the background waits for those that somebody asks for.
PATIENCE = 1.0
#: Coarse tiles that are made sharp at the same time, and of how many at most it is known that they are to be.
SHARPENERS, MOST = 2, 64


class TileBuilder:
    """Of one server. ``built``: layers and slices whose small views are all there; ``sharpened``: how often coarse
    tiles of a layer gave way to sharp ones, by its id."""

    def __init__(self, cache: TileCache) -> None:
        self.cache = cache
        self.to_build: list[tuple[ViewLayer, int]] = []
        self.coarse: list[tuple[ViewLayer, int, Place]] = []
        self.built: set[tuple[str, int]] = set()
        self.sharpened: Counter[str] = Counter()
        self.guard, self.quiet, self.waiting, self.works = threading.Lock(), threading.Condition(), 0, False

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Somebody waits for a tile: what is made in the background waits, too."""
        with self.quiet:
            self.waiting += 1
        try:
            yield
        finally:
            with self.quiet:
                self.waiting -= 1
                self.quiet.notify_all()

    def build(self, layer: ViewLayer, z: int, place: Place) -> None:
        """Have a tile that is only there as a coarse one, and all small views of its layer, made in the background."""
        with self.guard:
            if (layer, z) not in self.to_build:
                self.to_build.append((layer, z))
            if place[0] <= AT_ONCE:  # deeper ones are made of all below them, which is what building a layer is
                self.coarse = [seen for seen in self.coarse if seen != (layer, z, place)][1 - MOST :]
                self.coarse.append((layer, z, place))
            begins, self.works = not self.works, True
        if begins:
            threading.Thread(target=self._work, daemon=True).start()

    def is_sharpening(self, layer: ViewLayer) -> bool:
        """Whether tiles of a layer that somebody saw coarse are about to be sharp."""
        with self.guard:
            return any(seen.id == layer.id for seen, _, _ in self.coarse)

    def _work(self) -> None:
        with ThreadPoolExecutor(SHARPENERS) as threads:
            while True:
                with self.guard:
                    coarse = self.coarse[: -1 - SHARPENERS : -1]
                    task = self.to_build[-1] if self.to_build else None
                    if not (coarse or task):
                        self.works = False
                        return
                if coarse:
                    self._sharpen(coarse, threads)
                elif task:
                    self._build(*task)

    def _sharpen(self, coarse: list[tuple[ViewLayer, int, Place]], threads: ThreadPoolExecutor) -> None:
        """Make some coarse tiles sharp; the page is told when none of their layer is left."""
        self._be_patient()
        started = []
        with suppress(RuntimeError):  # the program ends
            started += [threads.submit(reduced_values, *tile, self.cache) for tile in coarse]
        for done in started:
            done.exception()  # a store that is deleted or damaged meanwhile shows its coarse tiles
        with self.guard:
            self.coarse = [seen for seen in self.coarse if seen not in coarse]
            left = {layer.id for layer, _, _ in self.coarse}
            self.sharpened.update({layer.id for layer, _, _ in coarse} - left)

    def _build(self, layer: ViewLayer, z: int) -> None:
        """Make the small views of a layer, until something else is looked at."""
        try:
            for _ in build_pyramid(layer, z, self.cache):
                if self.coarse or self.to_build[-1] != (layer, z):
                    return
                self._be_patient()
            self.built.add((layer.id, z))
        except Exception:  # as above
            pass
        with self.guard:
            self.to_build.remove((layer, z))

    def _be_patient(self) -> None:
        with self.quiet:
            self.quiet.wait_for(lambda: not self.waiting, PATIENCE)
