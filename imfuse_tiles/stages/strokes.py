"""Brush strokes: what they take, how they are read and kept. They are data, never pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.storage.json_values import load_json, parse_json, read_small_file
from imfuse_tiles.storage.numbers import checked_numbers, number_file
from imfuse_tiles.storage.store import Store

#: The note in which a store keeps its strokes; what marks a file of them; the most of them, and of their points.
NOTE, MARK, MOST_STROKES, MOST_POINTS = "strokes", "imfuse-tiles strokes", 100_000, 100_000
LONGEST_PATH, LONGEST_DIGEST = 4096, 64


@frozen
class Stroke:
    """A line through ``points`` (x, y in pixels) of a round brush.

    ``slice``: number of the slice to take, from 1; 0: none. ``result``: the array of another result, such as
    ``final/KEY``. ``picture``: an image file of the result's size, ``contents`` a digest of its bytes when the stroke
    was drawn (empty: not compared). With none of them it erases what strokes before it
    painted. ``radius`` in pixels; ``softness`` 0..1: the part of the radius over which the edge fades; ``opacity``
    0..1.
    """

    points: tuple[tuple[float, float], ...]
    radius: float
    softness: float = 0.5
    opacity: float = 1.0
    slice: int = 0
    result: str = ""
    picture: str = ""
    contents: str = ""

    @cached_property
    def reach(self) -> tuple[float, float, float, float]:
        """Smallest and largest x, smallest and largest y that it may change."""
        more, xs, ys = self.radius + 1, [x for x, _ in self.points], [y for _, y in self.points]
        return min(xs) - more, max(xs) + more, min(ys) - more, max(ys) + more

    @cached_property
    def digest(self) -> str:
        """What tells it from others."""
        return digest(self.record())

    def touches(self, region: Region) -> bool:
        """Whether it may change a pixel of a region: of the squares that a long line lies in, those that it crosses."""
        x0, x1, y0, y1 = self.reach
        if not (x0 < region.x1 and x1 > region.x0 and y0 < region.y1 and y1 > region.y0):
            return False
        return kernels.brush.passes(self.points, self.radius + 1, region)

    def part_of(self, region: Region) -> Region:
        """The part of a region that it may change; empty where it does not touch it."""
        left, right, top, bottom = self.reach
        y0, y1 = max(region.y0, int(top)), min(region.y1, int(bottom) + 1)
        x0, x1 = max(region.x0, int(left)), min(region.x1, int(right) + 1)
        return Region(y0, max(y0, y1), x0, max(x0, x1))

    def weight(self, region: Region) -> np.ndarray:
        """How much it covers the pixels of a region, float64 (y, x) in 0..1."""
        origin = region.y0, region.x0
        return self.opacity * kernels.brush.coverage(self.points, self.radius, self.softness, origin, region.shape)

    def record(self) -> dict[str, Any]:
        """The stroke as JSON."""
        return {"points": [list(point) for point in self.points], "radius": self.radius, "softness": self.softness,
                "opacity": self.opacity, "slice": self.slice, "result": self.result,
                **{name: value for name in ("picture", "contents") if (value := getattr(self, name))}}  # fmt: skip


Strokes = tuple[Stroke, ...]


def parse_strokes(records: Any, owner: str) -> Strokes:
    """Strokes from JSON. Refusal of anything else, named by ``owner``."""
    if not isinstance(records, list) or len(records) > MOST_STROKES:
        raise Refusal(f"{owner}: strokes are a list of at most {MOST_STROKES}")
    return tuple(_stroke(record, f"{owner}: stroke {number}") for number, record in enumerate(records, 1))


def _stroke(record: Any, owner: str) -> Stroke:
    if not isinstance(record, Mapping):
        raise Refusal(f"{owner} is no object with points and radius")
    points = record.get("points")
    if not (isinstance(points, list) and 0 < len(points) <= MOST_POINTS and all(map(_is_point, points))):
        raise Refusal(f"{owner}: points are pairs of numbers, at least one")
    ranges = {"radius": (None, 0.25, 20_000), "softness": (0.5, 0, 1), "opacity": (1, 0, 1)}
    values = {}
    for name, (default, low, high) in ranges.items():
        value = record.get(name, default)
        if not _is_number(value) or not low <= value <= high:
            raise Refusal(f"{owner}: {name} is a number from {low} to {high}")
        values[name] = float(value)
    number, result = record.get("slice", 0), record.get("result", "")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 10**7:
        raise Refusal(f"{owner}: slice is a number from 1, or 0 for none")
    if not isinstance(result, str) or (result and not (result.startswith("final/") and result[6:].isalnum())):
        raise Refusal(f"{owner}: result is the array of a result, final/KEY")
    picture = record.get("picture", "")
    if not isinstance(picture, str) or len(picture) > LONGEST_PATH or "\0" in picture:
        raise Refusal(f"{owner}: picture is the path of an image file")
    contents = record.get("contents", "")
    if not isinstance(contents, str) or len(contents) > LONGEST_DIGEST:
        raise Refusal(f"{owner}: contents is a digest of the picture")
    if (number > 0) + bool(result) + bool(picture) > 1:
        raise Refusal(f"{owner}: takes one of slice, result and picture")
    line = tuple((float(x), float(y)) for x, y in points)
    return Stroke(line, slice=number, result=result, picture=picture, contents=contents, **values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _is_point(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))


def load_strokes(path: Path) -> Strokes:
    """The strokes of a file. Refusal when it holds none."""
    content = None
    with suppress(ValueError):
        content = load_json(path)
    if not isinstance(content, dict) or content.get("kind") != MARK:
        raise Refusal(f"{path}: is no file of strokes")
    return parse_strokes(content.get("strokes"), str(path))


def strokes_text(strokes: Strokes) -> str:
    """Strokes as the content of a file."""
    return json.dumps({"kind": MARK, "strokes": [stroke.record() for stroke in strokes]}, indent=1) + "\n"


def stored_strokes(store: Store) -> Strokes:
    """The strokes that a store keeps, the same objects for as long as they stay the same."""
    content = read_small_file(store.files, number_file(NOTE))
    return _parse_stored(content, store.root) if content else ()


@lru_cache(maxsize=8)
def _parse_stored(content: bytes, root: str) -> Strokes:
    """The strokes in the content of a store's file."""
    return parse_strokes((checked_numbers(parse_json(content)) or {}).get("strokes", []), f"strokes in {root}")


def keep_strokes(store: Store, strokes: Strokes) -> None:
    """Keep strokes in a store."""
    store.numbers.save(NOTE, {"strokes": [stroke.record() for stroke in strokes]})


def strokes_digest(strokes: Strokes) -> str:
    """What tells strokes from others; empty for none."""
    return digest([stroke.digest for stroke in strokes]) if strokes else ""
