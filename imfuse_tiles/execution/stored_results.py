"""The results that a store holds, without the images they were made of, and what is known of each."""

from __future__ import annotations

import base64
import struct
from contextlib import suppress
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.writing.exif import exif_block
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.step_chain import COLOURS
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.json_values import get_matching, matches
from imfuse_tiles.storage.run_note import last_use, load_run_note
from imfuse_tiles.storage.store import Store

#: What is noted of a result beside its array.
ABOUT_PATTERN = {"options": str, "slices": int, "source": str, "exif": str, "profile": str, "size": [float]}


@frozen
class StoredResult:
    """A finished result: ``path`` of its array, uint16 (planes, y, x), whose planes are ``colours`` colours, opacity
    and, if it has ``maps``, mask, depth and opacity of the depth.

    ``opaque``, ``depth_opaque``: whether these are 1 everywhere. ``slices``: how many frames it was made of, 0 where
    that is not known. ``source``: path of the frames' array; empty likewise. ``frames``: where those lie that are read
    in place, ``layers``: what makes the result, both as JSON that may be anything. ``used``: when a run last needed it,
    in seconds since 1970.
    """

    key: str
    path: str
    frame: Frame
    colours: int
    maps: bool
    opaque: bool
    depth_opaque: bool
    used: float = 0.0
    options: str = ""
    slices: int = 0
    source: str = ""
    tags: Tags = Tags()
    size: PhysicalSize = PhysicalSize()
    frames: tuple[Any, ...] = ()
    layers: tuple[Any, ...] = ()


def stored_results(store: Store) -> list[StoredResult]:
    """The finished results of a store, the latest first."""
    note = load_run_note(store)
    used = {key: last_use(stage) for key, stage in note.stages.items()}
    names = {name.split("/")[1] for name, _ in store.files.list_files("final") if name.count("/") == 2}
    results = [result for key in names if (result := _stored_result(store, key, used.get(key, 0.0)))]
    return sorted(results, key=lambda result: (result.key in note.order, result.used, result.key), reverse=True)


def find_result(store: Store, key: str = "") -> StoredResult:
    """The latest result, or that of a key, which may be given by its beginning. Refusal when there is none.

    A store in which much was tuned holds many: of a whole key no other is looked at.
    """
    noted = load_run_note(store).stages.get(key)
    if noted and (result := _stored_result(store, key, last_use(noted))):
        return result
    results = stored_results(store)
    if not results:
        raise Refusal(f"{store.root} holds no finished result")
    found = [result for result in results if result.key.startswith(key)]
    if len(found) != 1 and key:
        keys = ", ".join(result.key[:12] for result in results)
        raise Refusal(f"--result {key}: {'no result' if not found else 'several results'}; there are {keys}")
    return found[0]


def _stored_result(store: Store, key: str, used: float) -> StoredResult | None:
    """A result, None when it is not finished or cannot be read."""
    numbers, path = store.numbers.load(key), f"final/{key}"
    try:
        array = store.arrays.open(path)
    except Damaged:
        return None
    if numbers is None or len(array.shape) != 3 or array.shape[0] not in COLOURS or array.dtype != "uint16":
        return None
    planes, height, width = array.shape
    about = store.numbers.load(_about(key))
    return StoredResult(
        key, path, (height, width), COLOURS[planes], planes > 4, bool(numbers.get("opaque")),
        bool(numbers.get("depth_opaque")), used, *_known(about),
        tuple(get_matching(about, list, [], "frames")), tuple(get_matching(about, list, [], "layers")),
    )  # fmt: skip


def remember_result(store: Store, plan: Plan, request: ExportRequest, more: dict[str, Any] | None = None) -> None:
    """Write down what of a result is not in its array: options, frames, the camera's tags, the size of a pixel.

    ``more``: further entries, as JSON.
    """
    tags = request.tags or plan.stack.tags
    about = {
        "options": str(plan.recipe), "slices": len(plan.stack),
        "source": "" if plan.frames_in_place else plan.frames_path,
        "exif": base64.b64encode(exif_block({}, tags)).decode(),
        "profile": base64.b64encode(tags.profile).decode(),
        "size": [request.size.x, request.size.y, request.size.z, *request.size.dpi], **(more or {}),
    }  # fmt: skip
    if store.numbers.load(_about(plan.result.key)) != about:
        store.numbers.save(_about(plan.result.key), about)


def noted_frames(store: Store, key: str) -> list[Any]:
    """Where the frames of a result lie that are read in place, as JSON that may be anything."""
    return get_matching(store.numbers.load(_about(key)), list, [], "frames")


def _about(key: str) -> str:
    return f"about-{key}"


def _known(about: Any) -> tuple[str, int, str, Tags, PhysicalSize]:
    """Options, frames, their array, tags and size; what a note does not say as it should is not known."""
    if matches(about, ABOUT_PATTERN) and len(about["size"]) == 5 and about["slices"] >= 0:
        x, y, z, *dpi = map(float, about["size"])
        with suppress(ValueError, struct.error):  # of base64, and of what are no tags
            tags = block_tags(base64.b64decode(about["exif"]), base64.b64decode(about["profile"]))
            return about["options"], about["slices"], about["source"], tags, PhysicalSize(x, y, z, (dpi[0], dpi[1]))
    return "", 0, "", Tags(), PhysicalSize()
