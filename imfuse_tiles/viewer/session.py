"""What the viewer's page asks: the stores that are looked at, their layers and tiles, and what a run is at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.stages.strokes import strokes_digest
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layer_tiles import build_pyramid, deepest, is_inside, is_made, tile_values
from imfuse_tiles.viewer.layers import ViewLayer, is_finished, layers_of
from imfuse_tiles.viewer.pixel_values import pixel_values
from imfuse_tiles.viewer.run_state import describe_run, describe_store
from imfuse_tiles.viewer.tile_cache import TileCache
from imfuse_tiles.viewer.tile_images import encoded_tile

#: Seconds that a tile that is made in the background waits for those that somebody asks for.
PATIENCE = 1.0
Answer = Callable[[dict[str, Any]], Any]


@frozen
class Shown:
    """A store that is looked at, and its name where there are several."""

    store: Store
    name: str = ""


class ViewSession:
    """State of one server. ``questions``: what the page may ask, by name; other modules add theirs."""

    def __init__(self, shown: Sequence[Shown], folder: Path) -> None:
        self.shown, self.cache = list(shown), TileCache(folder)
        self.layers: dict[str, ViewLayer] = {}
        self.page_files = {path.name for path in (Path(__file__).parent / "page").iterdir()}
        self.questions: dict[str, Answer] = {"state": self.state, "pixel": self.pixel}
        self.pictures: Callable[[int], bytes | None] = lambda number: None
        self.last_heard = time.monotonic()
        self.to_build: list[tuple[ViewLayer, int]] = []
        self.built: set[tuple[str, int]] = set()
        self.guard, self.quiet, self.waiting = threading.Lock(), threading.Condition(), 0
        self.refresh()

    def add(self, questions: dict[str, Answer], pictures: Callable[[int], bytes | None]) -> None:
        """Let another part of the page ask its questions, and show pictures that it numbers."""
        self.questions.update(questions)
        self.pictures = pictures

    def heard(self) -> None:
        """Note that a page is still there."""
        self.last_heard = time.monotonic()

    def refresh(self) -> None:
        """Look again for what can be shown."""
        found = [layers_of(shown.store, number) for number, shown in enumerate(self.shown)]
        self.layers = {layer.id: layer for layers in found for layer in layers}

    def state(self, about: dict[str, Any]) -> dict[str, Any]:
        """Everything but pixels: layers with their versions, runs, options and command lines."""
        self.refresh()
        layers = [self.describe(layer) for layer in self.layers.values()]
        return {"layers": layers, "stores": [describe_store(shown.store, shown.name) for shown in self.shown],
                "runs": [describe_run(shown.store) for shown in self.shown]}  # fmt: skip

    def describe(self, layer: ViewLayer) -> dict[str, Any]:
        """A layer as the page needs it. Its ``version`` changes whenever its tiles may have."""
        finished = is_finished(layer)
        done = "" if finished else len(layer.store.journal(layer.key).completed_blocks())
        built = sum(layer_id == layer.id for layer_id, _ in self.built)
        version = f"{'f' if finished else 'b'}{done}.{built}{strokes_digest(layer.strokes)[:8]}"
        return {"id": layer.id, "label": layer.label, "kind": layer.kind, "slices": layer.slices,
                "height": layer.frame[0], "width": layer.frame[1], "options": layer.options, "finished": finished,
                "version": version, "store": int(layer.id.partition("-")[0]),
                "top": deepest(layer), "group": layer.group}  # fmt: skip

    def layer(self, name: str) -> ViewLayer:
        """A layer by its id. Refusal when it is gone."""
        if name not in self.layers:
            self.refresh()
        if name not in self.layers:
            raise Refusal(f"{name}: no such layer any more")
        return self.layers[name]

    def tile(self, name: str, z: int, place: tuple[int, int, int], lossless: bool = False) -> tuple[bytes, bool]:
        """An encoded tile, and whether it is final. Refusal when there is none of this place."""
        layer = self.layer(name)
        if not is_inside(layer, place) or not 0 <= z < max(1, layer.slices):
            raise Refusal(f"{name}: no such tile")
        key = name, z, place, lossless, strokes_digest(layer.strokes)
        if (content := self.cache.recall(key)) is not None:
            return content, True
        with self.asking():
            return self._make_tile(layer, z, place, lossless, key)

    def _make_tile(
        self, layer: ViewLayer, z: int, place: tuple[int, int, int], lossless: bool, key: tuple[object, ...]
    ) -> tuple[bytes, bool]:
        """A tile that is not in memory as a final one: what was seen sparsely is, until there is a better one."""
        finished = is_finished(layer)
        if finished and not is_made(layer, z, place, self.cache):
            self.build(layer, z)
            if (content := self.cache.recall(("sparse", *key))) is not None:
                return content, False
        values, final = tile_values(layer, z, place, self.cache)
        content = encoded_tile(layer, values, lossless)
        if final or finished:
            self.cache.remember(key if final else ("sparse", *key), content)
        return content, final

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

    def build(self, layer: ViewLayer, z: int) -> None:
        """Have the deep reductions of a layer made in the background, the last asked for first."""
        with self.guard:
            if (layer, z) not in self.to_build:
                self.to_build.append((layer, z))
            if len(self.to_build) == 1:
                threading.Thread(target=self._build_all, daemon=True).start()

    def _build_all(self) -> None:
        while True:
            with self.guard:
                if not self.to_build:
                    return
                layer, z = self.to_build[-1]
            try:
                for _ in build_pyramid(layer, z, self.cache):
                    if self.to_build[-1] != (layer, z):  # something else is looked at by now
                        break
                    with self.quiet:
                        self.quiet.wait_for(lambda: not self.waiting, PATIENCE)
                else:
                    self.built.add((layer.id, z))
                    self._forget(layer, z)
            except Exception:  # a store that is deleted or damaged meanwhile shows its sparse tiles
                self._forget(layer, z)

    def _forget(self, layer: ViewLayer, z: int) -> None:
        with self.guard:
            self.to_build.remove((layer, z))

    def pixel(self, about: dict[str, Any]) -> dict[str, Any]:
        """Values of a store (``store``, of the result ``group``) at a place, ``x`` and ``y`` as shares of the frame."""
        number, x, y = about.get("store", 0), share(about, "x"), share(about, "y")
        layers = [layer for layer in self.layers.values() if layer.id.startswith(f"{int(number)}-")]
        groups = [layer.group for layer in layers if layer.group]
        group = about.get("group") if about.get("group") in groups else next(iter(groups), "")
        layers = [layer for layer in layers if layer.group in ("", group) and not layer.strokes]
        count = max((layer.slices for layer in layers if layer.kind != "mask"), default=0)
        return pixel_values(layers, x, y, count)


def share(about: dict[str, Any], name: str) -> float:
    """A number from 0 to 1 of a question. Refusal of anything else."""
    value = about.get(name)
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Refusal(f"{name} is a number from 0 to 1")
    return float(value)
