"""What the viewer's page asks: the stores that are looked at, their layers and tiles, and what a run is at."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.stages.strokes import strokes_digest
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layer_tiles import deepest, is_inside, is_made, tile_values
from imfuse_tiles.viewer.layers import ViewLayer, is_finished, layers_of
from imfuse_tiles.viewer.pixel_values import pixel_values
from imfuse_tiles.viewer.run_state import describe_run, describe_store
from imfuse_tiles.viewer.tile_builder import TileBuilder
from imfuse_tiles.viewer.tile_cache import TileCache
from imfuse_tiles.viewer.tile_images import encoded_tile

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
        self.builder = TileBuilder(self.cache)
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
        built = sum(layer_id == layer.id for layer_id, _ in self.builder.built)
        sharp = f"{built}.{self.builder.sharpened[layer.id]}"
        strokes = strokes_digest(layer.strokes)
        version = f"{'f' if finished else 'b'}{done}.{sharp}{strokes[:8]}"
        return {"id": layer.id, "label": layer.label, "kind": layer.kind, "slices": layer.slices,
                "height": layer.frame[0], "width": layer.frame[1], "options": layer.options, "finished": finished,
                "version": version, "strokes": strokes, "sharpening": self.builder.is_sharpening(layer),
                "store": int(layer.id.partition("-")[0]), "top": deepest(layer), "group": layer.group}  # fmt: skip

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
        with self.builder.asking():
            return self._make_tile(layer, z, place, lossless, key)

    def _make_tile(
        self, layer: ViewLayer, z: int, place: tuple[int, int, int], lossless: bool, key: tuple[object, ...]
    ) -> tuple[bytes, bool]:
        """A tile that is not in memory as a final one: what was seen sparsely is, until there is a better one."""
        finished = is_finished(layer)
        if finished and not is_made(layer, z, place, self.cache):
            self.builder.build(layer, z, place)
            if (content := self.cache.recall(("sparse", *key))) is not None:
                return content, False
        values, final = tile_values(layer, z, place, self.cache)
        content = encoded_tile(layer, values, lossless)
        if final or finished:
            self.cache.remember(key if final else ("sparse", *key), content)
        return content, final

    def pixel(self, about: dict[str, Any]) -> dict[str, Any]:
        """Values of a store (``store``, of the result ``group``) at a place, ``x`` and ``y`` as shares of the frame."""
        number, x, y = about.get("store", 0), share(about, "x"), share(about, "y")
        if type(number) is not int:
            raise Refusal("store is the number of one")
        layers = [layer for layer in self.layers.values() if layer.id.startswith(f"{number}-")]
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
