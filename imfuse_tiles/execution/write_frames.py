"""Frames as they are fused, laid over each other, as files of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.export import check_not_frames
from imfuse_tiles.execution.export_request import packed_bytes
from imfuse_tiles.execution.pixel_size import fused_pixel_size
from imfuse_tiles.execution.prepare_frames import measure_stack, prepared_bands
from imfuse_tiles.execution.written_frames import WrittenFrames
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.alignment import SAME
from imfuse_tiles.imageio.reading import open_frame
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.stack import FULL, FrameWarp, Stack
from imfuse_tiles.imageio.writing.files import check_target, write_picture
from imfuse_tiles.imageio.writing.picture import Picture
from imfuse_tiles.options.grammar import Option, digest
from imfuse_tiles.options.preparation_chain import preparation_chain
from imfuse_tiles.planning.disk import shortage_text
from imfuse_tiles.stages.align import warped_rows
from imfuse_tiles.stages.prepare import PrepareJob

BAND = 256


def write_frames(
    stack: Stack, folder: Path, ending: str = "tif", *, alpha: bool = False, force: bool = False, workers: int = 1,
    options: Sequence[Option] = (), memory: int = 1 << 30, only: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:  # fmt: skip
    """Write the frames of a stack, resampled and prepared by ``options`` if it is, as ``folder``/NAME.``ending``.

    They keep names, number types, camera tags and profile of their files. ``alpha``: a further plane says where a
    frame shows something. ``only``: the number of the one frame that is written. ``memory``: bytes for measuring the
    stack. Everything is checked before the first is written, the free disk too. What the same frames and options wrote
    before stays as it is unless ``force``. Raises AlreadyExists rather than overwrite anything else; Refusal for what
    the format does not hold, and rather than overwrite a frame of the stack.
    """
    chain = preparation_chain(options, stack.aligned_frame) if stack.unprepared_size else None
    picture = picture_of(stack, alpha or (chain is not None and chain.adds_opacity))
    places = [folder / f"{name}.{ending}" for name in names_of(stack)]
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"{folder} is a file, not a folder")
    check_not_frames(places, stack.files)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = range(len(places)) if only is None else (only,)
    written = WrittenFrames(folder, digest([PrepareJob.version, stack.digest, alpha, ending]))
    missing = [number for number in chosen if force or not written.holds(places[number])]
    _check_room(folder, [places[number] for number in missing], picture, force)
    numbers = measure_stack(stack, chain, workers, memory) if chain and missing else []
    size = fused_pixel_size(stack, options)
    done = len(chosen) - len(missing)
    if progress and done:
        progress(done, len(chosen))

    def write(number: int) -> None:
        nonlocal done
        tags = replace(read_tags(stack.headers[number].path), profile=stack.tags.profile)
        own, place = replace(picture, tags=tags, size=size), places[number]
        rows = prepared_bands(stack, number, chain, numbers[number], alpha) if chain else bands(stack, number, alpha)
        write_picture(place, own, rows, force=force, workers=1, note=lambda file: written.record(place, file))
        done += 1
        if progress:
            progress(done, len(chosen))

    with ThreadPoolExecutor(max(1, workers)) as pool:
        list(pool.map(write, missing))
    return [places[number] for number in chosen]


def _check_room(folder: Path, places: Sequence[Path], picture: Picture, force: bool) -> None:
    """Refusal of files that cannot be written, or are more than the disk holds; AlreadyExists for taken ones."""
    for place in places:
        check_target(place, picture, force=force)
    need = sum(packed_bytes(place, picture) for place in places)
    if message := shortage_text([("frames", folder, need)]):
        raise Refusal(message)


def picture_of(stack: Stack, alpha: bool) -> Picture:
    """What the files of the frames are like."""
    height, width = stack.frame
    dtype = stack.headers[0].dtype
    return Picture(height, width, stack.planes + alpha, dtype, tags=stack.tags)


def names_of(stack: Stack) -> list[str]:
    """Names of the files without ending: those of the frames' own, and their pages."""
    return ["_".join([header.path.stem, *header.part.split()]) for header in stack.headers]


def bands(stack: Stack, number: int, alpha: bool) -> Iterator[np.ndarray]:
    """The rows of a frame as it is fused: (rows, width, planes)."""
    (height, width), header = stack.frame, stack.headers[number]
    warp = stack.warps[number] if stack.warps else None
    full = FULL[header.dtype]
    with open_frame(header) as frame:
        for y0 in range(0, height, BAND):
            part = Region(y0, min(y0 + BAND, height), 0, width)
            if warp is None and not alpha:
                rows = frame.rows(part.y0, part.y1)[: header.channels]
            else:
                rows, seen, _ = warped_rows(frame, warp or FrameWarp(SAME), part)
                rows = np.concatenate([rows, (seen * full).astype(rows.dtype)[None]]) if alpha else rows
            yield np.ascontiguousarray(np.moveaxis(rows, 0, -1))
