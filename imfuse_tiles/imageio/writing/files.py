"""Results as files, in the format that the ending of the name tells.

TIFF and PNG are written from bands of rows, OME-TIFF, OME-Zarr and deep zoom from regions, with the memory of a few
strips or tiles, whatever their size. A file is complete under its name or not there at all, and the same picture always
gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.writing import jpeg, jxl
from imfuse_tiles.imageio.writing.folder_target import Parts, check_folder_place, complete_or_resumed
from imfuse_tiles.imageio.writing.formats import JPEG, Format, ending_of, format_of
from imfuse_tiles.imageio.writing.jpeg import write_jpeg
from imfuse_tiles.imageio.writing.jxl import write_jxl
from imfuse_tiles.imageio.writing.picture import Picture
from imfuse_tiles.imageio.writing.png import write_png
from imfuse_tiles.imageio.writing.pyramid import ReadRegion
from imfuse_tiles.imageio.writing.target import check_place, complete_or_absent
from imfuse_tiles.imageio.writing.tiff import write_pages, write_tiff

#: Called with what is complete: a file that is open for reading, or the parts of a folder.
Note = Callable[[BinaryIO | Parts], None]


def file_format(path: str | Path) -> str:
    """What a file is by the ending of its name: "tiff", "ome-tiff", "ome-zarr", "png", "jpeg", "jxl" or "dzi".

    Refusal of an unknown ending.
    """
    return format_of(path).kind


def check_target(
    path: str | Path, picture: Picture, *, force: bool = False, memory: int | None = None, pages: int = 1
) -> None:
    """Refuse, before anything is computed, what write_picture would refuse at the end.

    Raises AlreadyExists if the file is there and `force` is not given; Refusal for a directory that is missing or
    not writable, and for pictures the format cannot hold: JPEG takes no alpha; JPEG, PNG and JPEG XL no floating-point
    samples and only so many pixels a side; only TIFF holds several pages; what needs more than `memory` bytes.
    """
    path, found = Path(path), format_of(path)
    if pages > 1 and not found.pages:
        raise Refusal(f"{path}: {found.name} holds no layers; use .tif")
    if not found.floats and picture.dtype == "float32":
        raise Refusal(f"{path}: {found.name} holds no floating-point samples; use .tif")
    if found.longest and max(picture.width, picture.height) > found.longest:
        size = f"{picture.width} x {picture.height}"
        raise Refusal(f"{path}: {size} pixels, but {found.name} holds {found.longest} a side; use .tif")
    if found == JPEG and picture.alpha:
        raise Refusal(f"{path}: JPEG holds no transparency; use .tif or .png")
    if found.whole or found.tiled:
        _check_memory(path, found, picture, memory)
    (check_folder_place if found.folder else check_place)(path, force)


def write_picture(
    path: str | Path, picture: Picture, bands: Iterable[np.ndarray], *, force: bool = False,
    compression: str = "deflate", workers: int = 2, memory: int | None = None, note: Note | None = None,
) -> None:  # fmt: skip
    """Write bands of rows (rows, width, planes), of any heights, in the format of the file's ending.

    `compression` (deflate, lzw, none) is for TIFF; `note` as in complete_or_absent. Raises like check_target,
    ValueError if the bands do not make up the picture or the format is written by regions, OSError on a full disk; in
    each case a file that was there before stays as it was.
    """
    kind = file_format(path)
    if format_of(path).tiled:
        raise ValueError(f"{path} is written by regions: write_tiled")
    check_target(path, picture, force=force, memory=memory)
    with complete_or_absent(Path(path), force, note) as file:
        if kind == "tiff":
            write_tiff(file, picture, bands, compression, workers, big=is_named_big(path))
        elif kind == "png":
            write_png(file, picture, bands, workers)
        elif kind == "jxl":
            write_jxl(file, picture, bands, workers)
        else:
            write_jpeg(file, picture, bands)


def write_tiled(
    path: str | Path, picture: Picture, read: ReadRegion, identity: str, *, force: bool = False, workers: int = 2,
    version: str = "0.5", note: Note | None = None,
) -> None:  # fmt: skip
    """Write OME-TIFF, OME-Zarr or deep zoom; ``read`` gives the samples of regions, (planes, y, x).

    ``identity``: names the picture, for going on with what a stopped run has written of a folder. ``version``: of
    OME-Zarr. Raises like write_picture.
    """
    from imfuse_tiles.imageio.writing import deep_zoom, ome_tiff, ome_zarr

    path, kind = Path(path), file_format(path)
    check_target(path, picture, force=force)
    if kind == "ome-tiff":
        with complete_or_absent(path, force, note) as file:
            ome_tiff.write_ome_tiff(file, picture, read, workers=workers, big=is_named_big(path))
        return
    with complete_or_resumed(path, f"{identity}-{version}", force, note) as folder:
        if kind == "ome-zarr":
            ome_zarr.write_ome_zarr(folder, picture, read, workers, version)
        else:
            deep_zoom.write_tiles(folder / "files", picture, read, workers)
            (folder / "descriptor").write_bytes(deep_zoom.descriptor(picture))


def write_layers(
    path: str | Path, pages: Sequence[tuple[Picture, Iterable[np.ndarray]]], *, force: bool = False,
    compression: str = "deflate", workers: int = 2, note: Note | None = None,
) -> None:  # fmt: skip
    """Write pictures with their bands as the pages of a TIFF file. Raises like write_picture."""
    check_target(path, pages[0][0], force=force, pages=len(pages))
    with complete_or_absent(Path(path), force, note) as file:
        write_pages(file, pages, compression, workers, is_named_big(path))


def is_named_big(path: str | Path) -> bool:
    """Whether a name asks for BigTIFF even where classic TIFF would do."""
    return ending_of(path).lower().endswith(".btf")


def _check_memory(path: Path, found: Format, picture: Picture, memory: int | None) -> None:
    needed = {"jpeg": jpeg.jpeg_bytes, "jxl": jxl.jxl_bytes}.get(found.kind, _pyramid_bytes)(picture)
    if memory is not None and needed > memory:
        raise Refusal(f"{path}: {found.name} needs {needed >> 20} MiB, more than {memory >> 20} MiB; use .tif or .png")


def _pyramid_bytes(picture: Picture) -> int:
    """Memory for making the levels of a pyramid, in tiles of the same edge in every format."""
    from imfuse_tiles.imageio.writing.ome_tiff import pyramid_of

    return pyramid_of(picture).memory
