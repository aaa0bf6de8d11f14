"""The result in the store becomes files: picture, mask, depth maps; named, described, never overwritten unasked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.execution.export_request import (
    ExportRequest,
    describe_page,
    estimated_bytes,
    output_files,
    output_key,
)
from imfuse_tiles.execution.machine_errors import translate_os_errors
from imfuse_tiles.execution.read_pages import Writing, write_page, write_page_layers
from imfuse_tiles.execution.stored_frames import frame_records
from imfuse_tiles.execution.stored_layers import layer_records
from imfuse_tiles.execution.stored_results import remember_result
from imfuse_tiles.execution.written_outputs import file_digest, output_state, record_output
from imfuse_tiles.imageio.reading.own_results import options_of_result
from imfuse_tiles.imageio.writing import Picture, check_target
from imfuse_tiles.imageio.writing.folder_target import Parts
from imfuse_tiles.imageio.writing.formats import ending_of
from imfuse_tiles.planning.machine_rates import note_export
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.result_pages import OutputFile
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.integrity import load_summary
from imfuse_tiles.stages.retouch import retouched
from imfuse_tiles.storage.store import Store


def check_outputs(plan: Plan, store: Store, request: ExportRequest, memory: int) -> int:
    """Refuse before anything is computed what could not be written at the end; about the bytes it will take."""
    numbers = load_summary(store, plan.result) if store.exists() else None
    opaque = numbers is not None and numbers["opaque"]
    size = 0
    for output in output_files(plan, request, opaque):
        check_not_a_source(output.path, plan, store)
        state = output_state(store, output_key(plan, output, request), output.path)
        if state != "written":
            if state == "changed" and not request.force:
                raise AlreadyExists(f"{output.path}: is no longer as it was written; --force writes it again")
            page = describe_page(plan, output, output.pages[0], request)
            other = state == "unnoted" and is_of_other_options(output.path, page)
            force = request.force or state == "empty" or (state == "unnoted" and not other)
            check_target(output.path, page, force=force, memory=memory, pages=len(output.pages))
            size += estimated_bytes(plan, output, request)
    return size


def is_of_other_options(path: Path, page: Picture) -> bool:
    """Whether a result of this program says to be of other options than a page that is to take its place."""
    options = options_of_result(path)
    return options is not None and options != page.description


def check_not_frames(paths: Sequence[Path], frames: Iterable[Path]) -> None:
    """Refuse to write over an image of a stack, the files ``frames``, whatever its name is here."""
    there = [path for path in paths if path.exists()]
    known = {_identity(frame) for frame in frames if frame.exists()} if there else ()
    for path in there:
        if _identity(path) in known:
            raise Refusal(f"{path}: is an image of the stack; not even --force overwrites it")


def _identity(path: Path) -> tuple[int, int]:
    """What is the same for all names and links of a file."""
    status = path.stat()
    return status.st_dev, status.st_ino


def check_not_a_source(path: Path, plan: Plan, store: Store) -> None:
    """Refuse to write over an image of the stack, whatever its name is here, or into the store."""
    check_not_frames([path], plan.stack.files)
    if "://" not in store.root and path.absolute().is_relative_to(store.folder):
        raise Refusal(f"{path}: lies in the store {store.root}; results go elsewhere")


def export(
    plan: Plan, store: Store, request: ExportRequest, *, workers: int, memory: int, check: Callable[[], None]
) -> dict[str, str]:
    """Write the files that are not there yet; their places by role. ``check`` may raise between two bands."""
    numbers = load_summary(store, plan.result)
    assert numbers is not None
    remember_result(store, plan, request, {"frames": frame_records(plan), "layers": layer_records(plan)})
    found = output_files(plan, request, numbers["opaque"], numbers.get("depth_opaque", False))
    states = {output.path: output_state(store, output_key(plan, output, request), output.path) for output in found}
    todo = [output for output in found if states[output.path] != "written"]
    at_once = max(1, min(workers, len(todo)))

    def write_one(output: OutputFile) -> None:
        with translate_os_errors(f"the {output.role}", output.path.parent, estimated_bytes(plan, output, request)):
            if states[output.path] == "unnoted" and not request.force:
                with same_as_before(output.path) as beside:
                    write(plan, store, output, request, workers, memory, at_once, check, beside)
                return
            force = request.force or states[output.path] == "empty"
            write(plan, store, output, replace(request, force=force), workers, memory, at_once, check)

    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(write_one, sorted(todo, key=lambda output: -estimated_bytes(plan, output, request))))
    if len(todo) == 1:
        note_export(ending_of(todo[0].path), estimated_bytes(plan, todo[0], request), time.perf_counter() - began)
    return {output.role: str(output.path) for output in found}


def write(
    plan: Plan, store: Store, output: OutputFile, request: ExportRequest, workers: int, memory: int, files: int,
    check: Callable[[], None], place: Path | None = None,
) -> None:  # fmt: skip
    """Write one file, of so many that are written at once; ``place``: another than its own."""
    made = [describe_page(plan, output, page, request) for page in output.pages]
    job = plan.result.job
    assert isinstance(job, FinishJob)

    def note(file: BinaryIO | Parts) -> None:
        with translate_os_errors(f"the note of the {output.role}", store.folder, 4096):
            record_output(store, output_key(plan, output, request), plan, output.role, file)

    place = place or output.path
    _, rows, columns = store.arrays.open(job.out).chunks
    how = Writing(workers // files, memory, files, request.force, request.ome_version)
    key = output_key(plan, output, request)
    if len(made) == 1:
        write_page(place, output.pages[0], made[0], result_access(plan, store), (rows, columns), how, key, check, note)
        return
    pages = list(zip(output.pages, made, strict=True))
    write_page_layers(place, pages, lambda: result_access(plan, store), columns, how, check, note)


def result_access(plan: Plan, store: Store) -> Access:
    """The store as a file of the result sees it: with the plan's strokes over the result."""
    if not plan.strokes:
        return Access(store)
    path, source, frames = plan.result.outputs[0].path, plan.frames_path, plan.frames_in_place
    return Access(store, computed={path: retouched(store, path, source, plan.strokes, plan.pictures, frames)})


@contextmanager
def same_as_before(path: Path) -> Iterator[Path]:
    """A place beside a file for the same again. AlreadyExists when what was written there is another content after all.

    The file says that this program wrote it, and the store lost its note of that.
    """
    beside = path.with_name(f".again-{os.getpid()}-{path.name}")
    try:
        yield beside
        if file_digest(beside) != file_digest(path):
            raise AlreadyExists(f"{path}: exists already, and is not what this run makes; --force overwrites it")
    finally:
        beside.unlink(missing_ok=True)
