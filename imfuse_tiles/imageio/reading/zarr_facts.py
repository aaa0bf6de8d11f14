"""Sizes and times of Zarr folders: those of the files in which a frame lies, so that its changes are seen."""

from __future__ import annotations

from pathlib import Path

from imfuse_tiles.imageio.reading.array_frames import joined_channels
from imfuse_tiles.imageio.reading.header import FileFacts, Header
from imfuse_tiles.imageio.reading.zarr_images import ZarrImage, read_images
from imfuse_tiles.imageio.reading.zarr_metadata import ZarrArray, check_chunks, chunk_bytes


def frame_facts(header: Header) -> FileFacts:
    """The facts of a frame by its header."""
    image = read_images(header.path)[header.series]
    return plane_facts(image, image.array(header.level), header.index)


def frame_files(header: Header) -> list[Path]:
    """The files that a frame lies in, and the metadata of its array; not all need be there."""
    image = read_images(header.path)[header.series]
    return _plane_files(image, image.array(header.level), header.index)


def _plane_files(image: ZarrImage, array: ZarrArray, index: tuple[int, ...]) -> list[Path]:
    along = {}
    for axis, place in zip(image.leading, index, strict=True):
        along[image.axes.index(axis)] = (place, place + 1) if place >= 0 else _joined(array, image, place)
    return [array.place / "zarr.json", array.place / ".zarray", *array.chunk_files(along)]


def _joined(array: ZarrArray, image: ZarrImage, place: int) -> tuple[int, int]:
    """From and to which channel those reach that an index below 0 stands for."""
    first, end, _ = joined_channels(place).indices(array.shape[image.axes.index("C")])
    return first, end


def plane_facts(image: ZarrImage, array: ZarrArray, index: tuple[int, ...]) -> FileFacts:
    """Bytes of all files of a picture with the array's metadata, and the latest of their times."""
    sizes, mtime, ctime = [], 0, 0
    for path in _plane_files(image, array, index):
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue  # a chunk that is not there is empty
        sizes.append(status.st_size)
        mtime, ctime = max(mtime, status.st_mtime_ns), max(ctime, status.st_ctime_ns)
    check_chunks(array, sizes, chunk_bytes(array))
    return FileFacts(array.folder, sum(sizes), mtime, ctime)
