"""The layers of a result in a store, remembered so that they can be exported without the images.

What is remembered of each, as JSON: its name and either the colours of a plain background, or the array it is read
from, of how many planes, what stands for 1 in it, and how its opacity lies there.
"""

from __future__ import annotations

from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.stored_results import StoredResult
from imfuse_tiles.options.backgrounds import ImageSpec
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.result_pages import LayerSource, Page, layer_page, layer_sources
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.layers import Layer
from imfuse_tiles.stages.step_chain import StepChain
from imfuse_tiles.stages.stored_frames import StoredFrames, StoredPicture
from imfuse_tiles.storage.json_values import matches
from imfuse_tiles.storage.store import Store

_PLAIN = {"name": str, "colours": [float]}
_PICTURE = {"name": str, "path": str, "planes": int, "full": float, "sliced": bool, "veiled": bool,
            "premultiplied": bool, "area": (str, None)}  # fmt: skip
_SUBSTACK = {"name": str, "path": str, "planes": int, "full": float, "first": int, "picture_planes": int}


def layer_records(plan: Plan) -> list[dict[str, Any]]:
    """What is to be remembered of the layers of a plan's result; nothing where they are not kept."""
    job = plan.result.job
    assert isinstance(job, FinishJob)
    return [_record(source) for source in layer_sources(plan, job)] if plan.recipe.layered else []


def stored_layers(store: Store, result: StoredResult) -> list[Page]:
    """The layers of a result from the lowest to the topmost. Refusal where the store does not hold all of them."""
    sources = [_source(record, result) for record in result.layers]
    paths = [path for source in sources if source for path in _paths(source)]
    if not sources or None in sources or not all(_is_finished(store, path) for path in paths):
        raise Refusal("the layers of this result are not in the store; fuse --layered keeps them")
    return [layer_page(source, result.colours) for source in sources if source]


def _record(source: LayerSource) -> dict[str, Any]:
    of, record = source.of, {"name": source.name}
    if isinstance(of, StepChain):
        return record | {"path": of.path, "planes": of.planes, "full": of.full, "first": source.first,
                         "picture_planes": of.colours}  # fmt: skip
    if of.picture is None:
        return record | {"colours": list(of.image_spec.value or (0.0, 0.0, 0.0, 0.0))}
    picture = of.picture
    return record | {"path": picture.path, "planes": picture.planes, "full": picture.full,
                     "sliced": not isinstance(picture, StoredPicture), "veiled": of.veiled,
                     "premultiplied": of.premultiplied, "area": of.area.path if of.area else None}  # fmt: skip


def _source(record: Any, result: StoredResult) -> LayerSource | None:
    """What a layer is read from, None where nothing sensible is remembered."""
    if matches(record, _SUBSTACK) and record["picture_planes"] in (1, 3) and record["first"] >= 0:
        chain = StepChain(record["path"], record["picture_planes"], record["planes"], result.frame, record["full"])
        return LayerSource(record["name"], chain, record["first"])
    if matches(record, _PICTURE):
        kind = StoredFrames if record["sliced"] else StoredPicture
        area = StoredFrames(record["area"], 1, result.frame, 255.0) if record["area"] else None
        picture = kind(record["path"], record["planes"], result.frame, record["full"])
        return LayerSource(
            record["name"], Layer(ImageSpec("file"), picture, record["veiled"], record["premultiplied"], area)
        )
    if matches(record, _PLAIN) and len(record["colours"]) == 4:
        return LayerSource(record["name"], Layer(ImageSpec("colour", value=tuple(record["colours"]))))
    return None


def _paths(source: LayerSource) -> list[str]:
    """The arrays that a layer is read from."""
    if isinstance(source.of, StepChain):
        return [source.of.path]
    return [part.path for part in (source.of.picture, source.of.area) if part]


def _is_finished(store: Store, path: str) -> bool:
    """Whether the stage that writes an array has ended."""
    return store.numbers.load(path.rpartition("/")[2]) is not None
