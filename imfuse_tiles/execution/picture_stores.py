"""Pictures as stores: an image file is read once into the cache, and then read from its chunks like any result.

So they are shown at any size, and so strokes of a retouching take them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.pipeline import open_store_for
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.run import Run
from imfuse_tiles.geometry import Frame
from imfuse_tiles.imageio.coverage import WhollyTransparent
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.stack import FULL
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources, available_cores
from imfuse_tiles.planning.memory import default_memory
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.run_history import record_run
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.retouch import PictureArray, RetouchedResult, retouched
from imfuse_tiles.stages.strokes import Strokes
from imfuse_tiles.storage.run_note import noted_stages
from imfuse_tiles.storage.store import Store

#: Pixels of a picture that is read in no time.
SMALL = 16_000_000


def picture_store(path: Path, later: list[Path] | None = None) -> Store:
    """The store that holds an image file as its only slice; read now if no earlier call did. Refusal of other files.

    ``later``: where it is given a large file is not read but added to it; its store has it once it is read.
    """
    try:
        stack = open_stack([path], include_results=True)
    except WhollyTransparent:
        raise Refusal(f"{path}: is wholly transparent, so there is nothing to show") from None
    store = open_store_for(stack, None)
    plan = make_plan(Recipe(()), stack, maps=False)
    only_reading = Plan(plan.recipe, stack, plan.stages[:1])
    work = survey(only_reading, store, Resources(default_memory(), available_cores()))
    if work.to_compute and later is not None and stack.frame[0] * stack.frame[1] > SMALL:
        later.append(path)
    elif work.to_compute:
        store.create()
        with store.locked():
            record_run(work, store)
            Run(work, store).execute(lambda: open_pool(work.resources, store.root))
    return store


def retouched_result(
    store: Store, path: str, source: str, strokes: Strokes, frames: Sequence[Header] = ()
) -> RetouchedResult:
    """A finished result with strokes laid over it, the pictures that they take opened. Refusal of others' sizes.

    ``source``: the array of its frames; ``frames``: their files where they are read in place.
    """
    height, width = store.arrays.open(path).shape[-2:]
    return retouched(store, path, source, strokes, pictures_of(strokes, (height, width)), frames)


def pictures_of(strokes: Strokes, frame: Frame) -> dict[str, PictureArray]:
    """The pictures that strokes take, by their names.

    Refusal of those of another size than a result's ``frame``, and of those that are others than were painted with.
    """
    for number, stroke in enumerate(strokes, 1):
        if stroke.picture and stroke.contents and picture_contents(stroke.picture) != stroke.contents:
            raise Refusal(f"{stroke.picture} has changed since stroke {number} took it: put it back or undo that one")
    pictures = {stroke.picture: picture_array(stroke.picture) for stroke in strokes if stroke.picture}
    for name, picture in pictures.items():
        height, width = picture.store.arrays.open(picture.path).shape[-2:]
        if (height, width) != frame:
            raise Refusal(f"{name} has {width} x {height} pixels, the result {frame[1]} x {frame[0]}")
    return pictures


def picture_array(name: str) -> PictureArray:
    """The picture of a file. Refusal of what is none."""
    return _picture_array(name, *_changed(name))


def picture_contents(name: str) -> str:
    """A digest of the bytes of a file. Refusal when it is not there."""
    return _contents(name, *_changed(name))


def _changed(name: str) -> tuple[int, int]:
    """When a file was last changed, and its bytes. Refusal when it is not there."""
    try:
        about = Path(name).stat()
    except OSError as error:
        raise Refusal(f"{name}: {error.strerror}") from None
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=64)
def _contents(name: str, changed: int, size: int) -> str:
    """Read once for as long as the file stays the same."""
    with Path(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@lru_cache(maxsize=64)
def _picture_array(name: str, changed: int, size: int) -> PictureArray:
    """Opened once for as long as the file stays the same."""
    store = picture_store(Path(name))
    paths = (path for stage in noted_stages(store).values() for path in stage["paths"])
    path = next(path for path in paths if path.startswith("source/"))
    return PictureArray(store, path, FULL[store.arrays.open(path).dtype])
