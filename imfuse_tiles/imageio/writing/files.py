"""Results as files: TIFF (classic or BigTIFF), PNG and JPEG, by the ending of the name.

TIFF and PNG are written from bands of rows with the memory of a few strips, whatever their size. A file is
complete under its name or not there at all, and the same picture always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.writing import jpeg, png
from imfuse_tiles.imageio.writing.jpeg import write_jpeg
from imfuse_tiles.imageio.writing.picture import Picture
from imfuse_tiles.imageio.writing.png import write_png
from imfuse_tiles.imageio.writing.target import Note, check_place, complete_or_absent
from imfuse_tiles.imageio.writing.tiff import write_pages, write_tiff

FORMATS = {".tif": "tiff", ".tiff": "tiff", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}
_LONGEST_SIDES = {"png": png.LONGEST_SIDE, "jpeg": jpeg.LONGEST_SIDE}


def file_format(path: str | Path) -> str:
    """One of "tiff", "png" and "jpeg", by the ending of the name, or Refusal. No OME-TIFF."""
    ending = Path(path).suffix.lower()
    if Path(path).name.lower().endswith((".ome.tif", ".ome.tiff")):
        raise Refusal(f"{path}: OME-TIFF is not written; a plain .tif is")
    if ending not in FORMATS:
        raise Refusal(f"{path}: unknown file ending {ending!r}; allowed: {' '.join(FORMATS)}")
    return FORMATS[ending]


def check_target(
    path: str | Path, picture: Picture, *, force: bool = False, memory: int | None = None, pages: int = 1
) -> None:
    """Refuse, before anything is computed, what write_picture would refuse at the end.

    Raises AlreadyExists if the file is there and `force` is not given; Refusal for a directory that is missing or
    not writable, and for pictures the format cannot hold: JPEG takes no alpha, no floating-point samples, at
    most 65500 pixels a side and `memory` bytes; PNG no floating-point samples and 1000000 pixels a side; only
    TIFF holds several pages.
    """
    path, kind = Path(path), file_format(path)
    if pages > 1 and kind != "tiff":
        raise Refusal(f"{path}: {kind.upper()} holds no layers; use .tif")
    longest = _LONGEST_SIDES.get(kind)
    if kind != "tiff" and picture.dtype == "float32":
        raise Refusal(f"{path}: {kind.upper()} holds no floating-point samples; use .tif")
    if longest and max(picture.width, picture.height) > longest:
        size = f"{picture.width} x {picture.height}"
        raise Refusal(f"{path}: {size} pixels, but {kind.upper()} holds {longest} a side; use .tif")
    if kind == "jpeg":
        _check_jpeg(path, picture, memory)
    check_place(path, force)


def write_picture(
    path: str | Path, picture: Picture, bands: Iterable[np.ndarray], *, force: bool = False,
    compression: str = "deflate", workers: int = 2, memory: int | None = None, note: Note | None = None,
) -> None:  # fmt: skip
    """Write bands of rows (rows, width, planes), of any heights, in the format of the file's ending.

    `compression` (deflate, lzw, none) is for TIFF; `note` as in complete_or_absent. Raises like check_target,
    ValueError if the bands do not make up the picture, OSError on a full disk; in each case a file that was
    there before stays as it was.
    """
    check_target(path, picture, force=force, memory=memory)
    with complete_or_absent(Path(path), force, note) as file:
        kind = file_format(path)
        if kind == "tiff":
            write_tiff(file, picture, bands, compression, workers)
        elif kind == "png":
            write_png(file, picture, bands, workers)
        else:
            write_jpeg(file, picture, bands)


def write_layers(
    path: str | Path, pages: Sequence[tuple[Picture, Iterable[np.ndarray]]], *, force: bool = False,
    compression: str = "deflate", workers: int = 2, note: Note | None = None,
) -> None:  # fmt: skip
    """Write pictures with their bands as the pages of a TIFF file. Raises like write_picture."""
    check_target(path, pages[0][0], force=force, pages=len(pages))
    with complete_or_absent(Path(path), force, note) as file:
        write_pages(file, pages, compression, workers)


def _check_jpeg(path: Path, picture: Picture, memory: int | None) -> None:
    if picture.alpha:
        raise Refusal(f"{path}: JPEG holds no transparency; use .tif or .png")
    needed = jpeg.jpeg_bytes(picture)
    if memory is not None and needed > memory:
        raise Refusal(f"{path}: JPEG needs {needed >> 20} MiB, more than {memory >> 20} MiB; use .tif or .png")
