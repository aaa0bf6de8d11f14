"""OME-Zarr folders and Zarr arrays as stacks, read by rows of chunks with zarr-python."""

from __future__ import annotations

import math

from imfuse_tiles.imageio.reading.array_frames import ArrayAxes, ArrayRows, delivered_dtype, picture_planes
from imfuse_tiles.imageio.reading.header import FileFacts, Header
from imfuse_tiles.imageio.reading.series import ChosenFrames, Series
from imfuse_tiles.imageio.reading.whole_frame import no_tags
from imfuse_tiles.imageio.reading.zarr_facts import plane_facts
from imfuse_tiles.imageio.reading.zarr_images import ZarrImage, read_images
from imfuse_tiles.imageio.reading.zarr_metadata import ZarrArray, chunk_bytes
from imfuse_tiles.storage.zarr_arrays import open_array

read_tags = no_tags
#: Edge and bytes of chunks that are small, files of a picture that are few, and codecs that take longer than a disk.
WIDEST_CHUNK, LARGEST_CHUNK, MOST_FILES = 1024, 8 << 20, 256
SLOW_CODECS = {"gzip", "zlib", "bz2", "lzma"}


def list_series(facts: FileFacts) -> list[Series]:
    """The images of a folder."""
    return [image.series for image in read_images(facts.path)]


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """Headers of the frames of one image."""
    image = read_images(facts.path)[chosen.series]
    array = image.array(level)
    return [_header(image, array, chosen.series, level, index, part)
            for index, part in zip(chosen.indices, chosen.parts, strict=True)]  # fmt: skip


def open_rows(header: Header) -> ArrayRows:
    """The rows of a frame."""
    image = read_images(header.path)[header.series]
    array = image.array(header.level)
    axes = ArrayAxes(image.axes, array.shape, array.dtype)
    return ArrayRows(open_array(str(header.path), array.path), axes, header, array.chunk[image.axes.index("Y")])


def _header(image: ZarrImage, array: ZarrArray, series: int, level: int, index: tuple[int, ...], part: str) -> Header:
    axes = ArrayAxes(image.axes, array.shape, array.dtype)
    channels, alpha = picture_planes(axes, index)
    facts = plane_facts(image, array, index)
    rows = min(array.chunk[image.axes.index("Y")], axes.size("Y"))
    across = math.ceil(axes.size("X") / array.chunk[image.axes.index("X")])
    return Header(
        path=image.folder, format="zarr", height=axes.size("Y"), width=axes.size("X"), channels=channels,
        has_alpha=alpha, dtype=delivered_dtype(array.dtype), rows_per_segment=rows,
        decode_bytes=2 * channels * across * chunk_bytes(array),  # a row of chunks, decoded all at once
        size=facts.size, mtime_ns=facts.mtime_ns, ctime_ns=facts.ctime_ns, series=series, index=index, level=level,
        part=part, windows=has_windows(array, image.axes),
    )  # fmt: skip


def has_windows(array: ZarrArray, axes: str) -> bool:
    """Whether a part of a picture costs little more to read than its samples: small chunks that unpack fast.

    All files of a picture are looked at whenever a part is read, so they must be few.
    """
    places = [axes.index(axis) for axis in "YX"]
    files = math.prod(-(-array.shape[place] // array.files[place]) for place in places)
    small = all(array.chunk[place] <= WIDEST_CHUNK for place in places) and chunk_bytes(array) <= LARGEST_CHUNK
    return small and files <= MOST_FILES and not SLOW_CODECS.intersection(array.codecs)
