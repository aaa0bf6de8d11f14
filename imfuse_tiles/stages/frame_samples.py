"""Frames as they are compared for their alignment: every file is decoded once, reduced and taken for light."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading import Header, open_frame
from imfuse_tiles.imageio.stack import FULL

if TYPE_CHECKING:  # which need Numba
    from imfuse_tiles.kernels.registration_pairs import Place, Windows

#: Pixels of the largest level compared as a whole.
LEVEL_PIXELS = 1.2e6
#: Longer side of the reduced frames whose colours are compared.
COLOURS = 128
#: Bytes of a full-size grey frame that is kept for patches; larger ones are read again, row by row.
KEPT = 128 << 20


@frozen
class Sample:
    """A frame as it is compared. ``colours``: float32 (channels, y, x), reduced by ``factor``."""

    levels: Any
    colours: Any
    factor: int
    windows: Any


def samples(headers: tuple[Header, ...], colours: bool, workers: int) -> Iterator[Sample]:
    """The frames in their order, decoded a few ahead."""
    waiting: list[Future[Sample]] = []
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for header in headers:
            waiting.append(pool.submit(sample, header, colours))
            if len(waiting) > workers:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()


def sample_bytes(header: Header) -> int:
    """Bytes that decoding and reducing a frame takes."""
    pixels = header.height * header.width
    kept = 2 * pixels if not header.random_access and pixels > LEVEL_PIXELS and 2 * pixels <= KEPT else 0
    rows = max(512, max(header.height, header.width) // COLOURS * 2)
    return header.decode_bytes + kept + rows * header.width * header.planes * 4 + int(LEVEL_PIXELS) * 24


def frames_ahead(header: Header, workers: int, memory: int) -> int:
    """How many files are decoded at once."""
    return max(1, min(workers, memory // 4 // max(1, sample_bytes(header))))


def sample(header: Header, colours: bool) -> Sample:
    """Decode a frame and reduce it."""
    factor = 1
    while header.height * header.width > LEVEL_PIXELS * factor * factor:
        factor *= 2
    scale, coded = 1 / FULL[header.dtype], is_coded(header)
    keep = factor > 1 and not header.random_access and header.height * header.width * 2 <= KEPT
    grey = np.empty((header.height // factor, header.width // factor), np.float32)
    coarse = colour_factor(header.height, header.width, factor) if colours else factor
    small = np.empty((header.channels, header.height // coarse, header.width // coarse), np.float32)
    whole = np.empty((header.height, header.width), np.uint16) if keep else None
    band = coarse * max(1, 512 // coarse)
    reduce_rows = kernels.registration_pyramid.reduce_rows
    with open_frame(header) as frame:
        for y0 in range(0, header.height, band):
            rows = frame.rows(y0, min(y0 + band, header.height))[: header.channels]
            reduce_rows(rows, scale, factor, coded, 1.0, grey[y0 // factor : (y0 + rows.shape[1]) // factor])
            for channel in range(header.channels if colours else 0):
                out = small[channel, y0 // coarse : (y0 + rows.shape[1]) // coarse]
                reduce_rows(rows[channel : channel + 1], scale, coarse, coded, 1.0, out)
            if whole is not None:
                reduce_rows(rows, scale, 1, coded, 65535.0, whole[y0 : y0 + rows.shape[1]])
    windows = None if factor == 1 else _kept(whole) if whole is not None else _read(header, scale)
    return Sample(kernels.registration_pyramid.pyramid(grey, factor), small if colours else None, coarse, windows)


def is_coded(header: Header) -> bool:
    """Whether samples are coded for a display, as those of photographs are; those of sensors are light.

    Registration compares light: blur spreads light, and what spreads seems to move when it is compared in codes.
    """
    return header.dtype == "uint8" or (header.dtype == "uint16" and header.channels == 3)


def _kept(whole: np.ndarray) -> Windows:
    return lambda places: [whole[y0:y1, x0:x1] * np.float32(1 / 65535) for y0, y1, x0, x1 in places]


def _read(header: Header, scale: float) -> Windows | None:
    """Windows of a file whose rows can be read without all before them; it is opened once for all of them."""
    if not header.random_access:
        return None

    def windows(places: Sequence[Place]) -> list[np.ndarray]:
        with open_frame(header, windows=True) as frame:
            return [_grey(frame.window(*place)[: header.channels], scale, is_coded(header)) for place in places]

    return windows


def _grey(rows: np.ndarray, scale: float, coded: bool) -> np.ndarray:
    """Grey light of pixels, float32 (y, x)."""
    grey = np.empty(rows.shape[1:], np.float32)
    kernels.registration_pyramid.reduce_rows(rows, scale, 1, coded, 1.0, grey)
    return grey


def colour_factor(height: int, width: int, factor: int) -> int:
    """By how much frames are reduced to compare their colours, when they are by ``factor`` to compare their places."""
    while max(height, width) // factor > COLOURS:
        factor *= 2
    return factor
