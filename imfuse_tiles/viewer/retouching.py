"""Retouching in the page: the strokes of a store are kept in it, and the retouched result is exported from it."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.export_stored import export_stored, stored_page
from imfuse_tiles.execution.picture_stores import picture_contents, retouched_result
from imfuse_tiles.execution.read_pages import Writing
from imfuse_tiles.execution.stored_results import stored_results
from imfuse_tiles.options.resources import available_cores
from imfuse_tiles.planning.memory import default_memory
from imfuse_tiles.stages.retouch import RetouchedResult
from imfuse_tiles.stages.strokes import (
    Stroke,
    Strokes,
    keep_strokes,
    load_strokes,
    parse_strokes,
    stored_strokes,
    strokes_digest,
    strokes_text,
)
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layers import layers_of


class Retouching:
    """Answers the page's questions of retouching a store."""

    def __init__(self, store: Store) -> None:
        self.store, self.saving = store, threading.Lock()

    @property
    def questions(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return {
            "strokes": self.strokes,
            "keep_strokes": self.keep,
            "load_strokes": self.load,
            "check_picture": self.check_picture,
            "export": self.export,
        }

    def load(self, about: dict[str, Any]) -> dict[str, Any]:
        """The strokes of a ``file``, without keeping them. Refusal when it holds none."""
        return {"strokes": [stroke.record() for stroke in load_strokes(named_file(about, "file"))]}

    def check_picture(self, about: dict[str, Any]) -> dict[str, Any]:
        """Full name and digest of a ``picture`` that a brush takes, read by now. Refusal of one of another size."""
        picture = str(named_file(about, "picture").absolute())
        self.retouched((Stroke(((0.0, 0.0),), 1.0, picture=picture),))
        return {"picture": picture, "contents": picture_contents(picture)}

    def strokes(self, about: dict[str, Any]) -> dict[str, Any]:
        """The strokes of the store, and why a picture that they take cannot be used; empty if all can."""
        strokes, problem = stored_strokes(self.store), ""
        try:
            if any(stroke.picture for stroke in strokes):
                self.retouched(strokes)
        except Refusal as refusal:
            problem = str(refusal)
        return {**described(strokes), "problem": problem}

    def keep(self, about: dict[str, Any]) -> dict[str, Any]:
        """Keep ``strokes`` in the store in the place of those that are there. Refusal of what is none.

        Where those that are there have another digest than ``before`` nothing is kept, and they are the answer: another
        page has painted meanwhile.
        """
        strokes = parse_strokes(about.get("strokes"), "strokes")
        if not self.store.exists():
            raise Refusal("there is no store yet")
        with self.saving:
            there = stored_strokes(self.store)
            if about.get("before", strokes_digest(there)) != strokes_digest(there):
                return {**described(there), "changed": True}
            keep_strokes(self.store, strokes)
        return {"digest": strokes_digest(strokes), "changed": False}

    def export(self, about: dict[str, Any]) -> dict[str, Any]:
        """Write the retouched result to the file ``result``, and the strokes beside it.

        Refusal and AlreadyExists as export does; ``force`` overwrites.
        """
        place, force = named_file(about, "result"), bool(about.get("force"))
        strokes = stored_strokes(self.store)
        beside = place.with_name(f"{place.stem}.strokes.json")
        if not strokes:
            raise Refusal("there are no strokes yet")
        retouched = self.retouched(strokes)
        path = retouched.path
        result = next((found for found in stored_results(self.store) if found.path == path), None)
        if result is None:
            raise Refusal(f"{path}: is not finished, or was altered; fuse with the same options computes it again")
        page = stored_page(self.store, result, "result", place, 16, result.tags, result.size)
        how = Writing(available_cores(), default_memory(), force=force)
        export_stored(self.store, page, place, how, computed={path: retouched})
        beside.write_text(strokes_text(strokes))
        return {"result": str(place), "strokes": str(beside), "option": f"--strokes={shlex.quote(str(beside))}"}

    def retouched(self, strokes: Strokes) -> RetouchedResult:
        """The latest result with strokes laid over it. Refusal where there is none, or its slices are gone."""
        layers = layers_of(self.store, 0)
        result = next((layer for layer in layers if layer.label == "Result"), None)
        slices = next((layer for layer in layers if layer.label == "Slice"), None)
        if result is None or slices is None:
            raise Refusal("there is no finished result whose slices are in the store, or where they were")
        return retouched_result(self.store, result.path, slices.path, strokes, slices.frames)


def described(strokes: Strokes) -> dict[str, Any]:
    """Strokes as JSON, and the digest that tells them from others."""
    return {"strokes": [stroke.record() for stroke in strokes], "digest": strokes_digest(strokes)}


def named_file(about: dict[str, Any], name: str) -> Path:
    """The path that a question tells by a name, the user's folder in the place of ``~``. Refusal of what is none."""
    text = about.get(name)
    if not isinstance(text, str):
        raise Refusal(f"{name} is the path of a file")
    try:
        path = Path(text).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()
    except OSError as error:
        raise Refusal(f"{name}: {error.strerror}") from None
    except (RuntimeError, ValueError):  # of a user that is not there; of half a character or a zero byte
        raise Refusal(f"{name}: there can be no such file") from None
    if not path.name:
        raise Refusal(f"{name} is the path of a file")
    return path
