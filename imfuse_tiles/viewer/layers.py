"""What of a store can be looked at: results with their mask, depth and confidence, slices, and masks of slices."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.stored_frames import frames_in_place
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.stack import FULL
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.stages.step_chain import COLOURS
from imfuse_tiles.stages.strokes import Strokes, stored_strokes
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.inventory import array_stage
from imfuse_tiles.storage.json_values import get_matching
from imfuse_tiles.storage.run_note import load_run_note
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.sparse_samples import sparse_samples

#: The stage of a fusion by local energy that knows every slice's detail at the finest level.
EVIDENCE = "fuse level 0"
#: Dimensions of the arrays that can be shown, by the beginning of their paths.
DIMENSIONS = {"final": 3, "source": 4, "file": 4, "merge": 3, "pyramid": 3}


@frozen
class ViewLayer:
    """A picture of a store, or one for every slice.

    ``kind``: "colour" and "grey" are shown as they are, "mask" stretched to ``limits``, "depth" in the colours of the
    rainbow. ``frames``: the files of slices that are read in place. ``planes``: first and last plane (not included)
    of the array at ``path``; ``opacity``: the last of them is one. ``slices``: how many pictures there are, 0: one
    that is of no slice. ``frame``: height and width in pixels. ``plain``: the layer that ``strokes`` lie over; it may
    have no opacity where this has.
    """

    id: str
    label: str
    kind: str
    store: Store
    path: str
    key: str
    planes: tuple[int, int]
    opacity: bool
    frame: Frame
    full: float
    slices: int = 0
    limits: tuple[float, float] = (0.0, 1.0)
    options: str = ""
    strokes: Strokes = ()
    plain: ViewLayer | None = None
    source: str = ""
    frames: tuple[Header, ...] = ()

    def touched(self, region: Region) -> ViewLayer:
        """The layer with only those of its strokes that touch a region; where none does, the one below them."""
        if not self.strokes:
            return self
        strokes = tuple(stroke for stroke in self.strokes if stroke.touches(region))
        return replace(self, strokes=strokes) if strokes or self.plain is None else self.plain

    @property
    def group(self) -> str:
        """What the layers of one result have in common; empty for what results are made of."""
        return "" if self.slices else f"{self.id.partition('-')[0]}-{self.key}"

    def lead(self, z: int) -> list[tuple[int, int]]:
        """Start and stop of the dimensions before y and x for slice ``z``."""
        if self.kind == "mask" and self.slices:
            return [(z, z + 1)]
        return [self.planes, (z, z + 1)] if self.slices else [self.planes]


def layers_of(store: Store, number: int) -> list[ViewLayer]:
    """The layers of a store, results first, the latest of them before the others. ``number``: of the store here."""
    note, layers = load_run_note(store), list[ViewLayer]()
    for key in dict.fromkeys([*reversed(note.order), *note.stages]):
        for path in note.paths(key):
            layers += [layer for layer in _layers_of_array(store, number, path) if not _has(layers, layer)]
    layers += _slices_in_place(store, number, layers)
    layers = [*retouched_layers(store, layers), *layers]
    return sorted(layers, key=lambda layer: (bool(layer.slices), layer.kind == "mask"))


def _slices_in_place(store: Store, number: int, layers: list[ViewLayer]) -> list[ViewLayer]:
    """The slices of the latest result where they are read in place."""
    result = next((layer for layer in layers if layer.label == "Result"), None)
    if result is None or any(layer.label == "Slice" for layer in layers):
        return []
    frames = frames_in_place(store, result.key, result.frame)
    if not frames:
        return []
    path = "in place/" + digest([[str(each.path), each.size, each.mtime_ns, each.ctime_ns] for each in frames])
    kind, planes = _shown_planes(frames[0].planes)
    name, full = f"{number}-{result.key}-slice", FULL[frames[0].dtype]
    return [ViewLayer(name, "Slice", kind, store, path, result.key, planes, False, result.frame, full,
                      slices=len(frames), frames=frames)]  # fmt: skip


def retouched_layers(store: Store, layers: list[ViewLayer]) -> list[ViewLayer]:
    """The latest result and its depth with the strokes that the store keeps; none while it keeps none."""
    strokes = stored_strokes(store) if any(layer.group for layer in layers) else ()
    slices = next((layer for layer in layers if layer.label == "Slice"), None)
    latest = next((layer.group for layer in layers if layer.label == "Result"), "")
    if not strokes or slices is None:
        return []
    own = [layer for layer in layers if layer.group == latest and layer.label in ("Result", "Depth")]
    return [
        replace(each, id=f"{each.id}-retouched", label=f"{each.label}, retouched", strokes=strokes, plain=each,
                source=slices.path, frames=slices.frames, opacity=True, planes=_with_opacity(each))
        for each in own
    ]  # fmt: skip


def _with_opacity(layer: ViewLayer) -> tuple[int, int]:
    """The planes of a result or a depth with its opacity, which strokes may change."""
    return layer.planes[0], layer.planes[1] + (not layer.opacity)


def _has(layers: list[ViewLayer], layer: ViewLayer) -> bool:
    return any(other.id == layer.id for other in layers)


def _layers_of_array(store: Store, number: int, path: str) -> list[ViewLayer]:
    """The layers that an array holds; none of an array that is not there, or made for the computation only."""
    kind, _, key = path.partition("/")
    if kind not in DIMENSIONS:
        return []
    try:
        array, about = store.arrays.open(path), store.arrays.attributes(path)
    except (Damaged, Refusal):
        return []
    if len(array.shape) != DIMENSIONS[kind]:
        return []
    frame, full = (array.shape[-2], array.shape[-1]), FULL.get(array.dtype, 1.0)
    options, own_key = get_matching(about, str, "", "options"), array_stage(store, path)

    def layer(what: str, label: str, kind: str, planes: tuple[int, int], **more: Any) -> ViewLayer:
        return ViewLayer(f"{number}-{key}-{what}", label, kind, store, path, own_key, planes,
                         more.pop("opacity", False), frame, full, options=options, **more)  # fmt: skip

    if kind == "final" and array.shape[0] in COLOURS:
        clear = not get_matching(store.numbers.load(own_key), bool, False, "opaque")
        return _result_layers(layer, array.shape[0], "pyramid" in options, clear)
    if kind in ("source", "file"):
        colour, planes = _shown_planes(array.shape[0])
        label = "Slice" if kind == "source" and array.shape[1] > 1 else "Picture"
        return [layer("slice", label, colour, planes, slices=array.shape[1])]
    if kind == "merge":
        return [layer("masks", "Mask of slice", "mask", (0, 1), slices=array.shape[0], limits=_limits(store, key))]
    if key.endswith("-evidence") and get_matching(about, str, "", "name") == EVIDENCE:
        limits = _sampled_limits(store, path) if store.numbers.load(own_key) else (0.0, 1.0)
        return [layer("masks", "Detail of slice", "mask", (0, 1), slices=array.shape[0], limits=limits)]
    return []


def _shown_planes(count: int) -> tuple[str, tuple[int, int]]:
    """How frames of so many planes are shown, and which of these."""
    return ("colour", (0, 3)) if count >= 3 else ("grey", (0, 1))


def _result_layers(layer: Any, planes: int, pyramid: bool, clear: bool) -> list[ViewLayer]:
    """Result, and where there are maps mask, depth and confidence. ``clear``: a pixel of it may be."""
    c = COLOURS[planes]
    layers = [layer("result", "Result", "colour" if c == 3 else "grey", (0, c + clear), opacity=clear)]
    if planes > c + 1:
        sure = (c + 1, c + 2) if pyramid else (c + 3, c + 4)
        layers += [] if pyramid else [layer("mask", "Mask", "grey", (c + 1, c + 2))]
        layers += [layer("depth", "Depth", "depth", (c + 2, c + 4), opacity=True),
                   layer("confidence", "Confidence", "grey", sure)]  # fmt: skip
    return layers


def _limits(store: Store, key: str) -> tuple[float, float]:
    """Smallest and largest merged mask, once they are known."""
    numbers = store.numbers.load(key)
    low, high = (float(get_matching(numbers, float, limit, name)) for name, limit in (("low", 0.0), ("high", 1.0)))
    return (low, high) if high > low else (0.0, 1.0)


@lru_cache(maxsize=32)
def _sampled_limits(store: Store, path: str) -> tuple[float, float]:
    """0, and what few samples of three slices exceed."""
    array = store.arrays.open(path)
    total, height, width = array.shape
    step = max(1, max(height, width) // 128)
    looks = [mask_values(sparse_samples(array, [(z, z + 1)], Region(0, height, 0, width), step))
             for z in {0, total // 2, total - 1}]  # fmt: skip
    high = float(np.percentile(np.stack(looks), 99.5))
    return 0.0, high if high > 0 else 1.0


def mask_values(samples: np.ndarray) -> np.ndarray:
    """Stored masks of slices as float32: detail is stored as the upper halves of its numbers."""
    return kernels.level_codes.from_bfloat16(samples) if samples.dtype == np.uint16 else samples


def is_finished(layer: ViewLayer) -> bool:
    """Whether the stage that writes the layer is complete."""
    return layer.store.numbers.load(layer.key) is not None
