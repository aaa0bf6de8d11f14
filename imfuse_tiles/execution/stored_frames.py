"""The frames of a result that a store holds or remembers where they lie: each can be exported."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.stored_results import StoredResult, noted_frames
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.reading import Header, is_unchanged
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.result_pages import Page
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.json_values import matches
from imfuse_tiles.storage.store import Store

#: What the fields of a header are in JSON, by their types; profiles are written in base 64.
_PATTERNS: dict[str, Any] = {
    "Path": str, "Format": str, "str": str, "int": int, "bool": bool, "float": float, "DType": str,
    "Literal[1, 3]": int, "tuple[int, ...]": [int], "tuple[float, ...]": [float],
    "tuple[int, int, int, int] | None": ([int], None), "tuple[bytes, bytes] | None": ([str], None),
}  # fmt: skip
_RECORD = {field.name: _PATTERNS[str(field.type)] for field in fields(Header)}


def frame_records(plan: Plan) -> list[dict[str, Any]]:
    """Where the frames of a plan lie that are read in place, as JSON; nothing of those that are stored."""
    return [header_record(header) for header in plan.frames_in_place]


def header_record(header: Header) -> dict[str, Any]:
    """A header as JSON."""
    record = {field.name: getattr(header, field.name) for field in fields(Header)}
    profiles = [base64.b64encode(profile).decode() for profile in header.profiles] if header.profiles else None
    return record | {"path": str(header.path.absolute()), "profiles": profiles}


def header_of_record(record: Any) -> Header | None:
    """A header from JSON, None where that is none of a frame that can be read in parts."""
    if not matches(record, _RECORD):
        return None
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in record.items()
    }
    try:
        profiles = tuple(base64.b64decode(profile) for profile in record["profiles"] or ())
    except ValueError:
        return None
    values |= {"path": Path(record["path"]), "profiles": profiles or None}
    header = Header(**{name: values[name] for name in _RECORD})
    return header if header.window_access and header.channels in (1, 3) and len(profiles) in (0, 2) else None


def frames_in_place(store: Store, key: str, frame: Frame) -> tuple[Header, ...]:
    """The frames of a result that are read in place; none where they are stored, or one has changed or is gone.

    No file is opened: that of a frame must have the very times that the store says.
    """
    headers = [header_of_record(record) for record in noted_frames(store, key)]
    found = tuple(header for header in headers if header and (header.height, header.width) == frame)
    alike = {(header.planes, header.dtype) for header in found}
    return found if len(found) == len(headers) and len(alike) == 1 and all(map(is_unchanged, found)) else ()


def frame_page(store: Store, result: StoredResult, what: str) -> Page:
    """The page of the frame that ``what`` names, ``slice:N`` with N from 1, in its own number type. Refusal of others.

    Frames that lie in place are read from their files.
    """
    number = what.partition(":")[2]
    if not re.fullmatch("[0-9]{1,9}", number) or not 1 <= int(number) <= max(result.slices, 1):
        raise Refusal(f"--what {what}: allowed is slice:N, N from 1 to {result.slices}")
    page = _stored_page(store, result, int(number) - 1) or _page_in_place(store, result, int(number) - 1)
    if page is None:
        raise Refusal(f"--what {what}: the frames of this result are not in the store")
    return page


def _stored_page(store: Store, result: StoredResult, place: int) -> Page | None:
    """The page of a frame in the store, None where it is not there as a whole."""
    try:
        array = store.arrays.open(result.source) if result.source else None
    except Damaged:
        array = None
    if array is None or len(array.shape) != 4 or array.shape[1] <= place or array.shape[2:] != result.frame:
        return None
    if store.numbers.load(result.source.rpartition("/")[2]) is None:
        return None
    planes = array.shape[0]

    def read(access: Access, region: Region) -> np.ndarray:
        return access.read(result.source, [(0, planes), (place, place + 1)], region)[:, 0]

    return Page(planes, read, dtype=array.dtype)


def _page_in_place(store: Store, result: StoredResult, place: int) -> Page | None:
    """The page of a frame in its file, None where that is not known. Refusal where the file has changed or is gone."""
    header = header_of_record(result.frames[place]) if place < len(result.frames) else None
    if header is None or (header.height, header.width) != result.frame:
        return None
    job = IngestJob((header,), "")
    read: Callable[[Access, Region], np.ndarray] = lambda access, region: job.window(access, 0, region)  # noqa: E731
    read(Access(store), Region(0, 1, 0, 1))
    return Page(header.channels, read, dtype=header.dtype)
