"""A look at some frames before anything is planned: how much they are worth beside each other, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.imageio.reading import Header, open_frame
from imfuse_tiles.imageio.stack import FULL, Stack
from imfuse_tiles.options.pyramid_level import Level
from imfuse_tiles.options.resources import available_cores

#: Frames that are looked at, at most; rows of each band, and bands in a frame.
FRAMES, ROWS, BANDS = 16, 128, 3
#: Two frames are as like a third as each other where it is by so much: copies of one picture.
ROUNDING = 1e-6
#: Fewer frames tell nothing of an order.
FEWEST = 5
#: Samples of frames that can only be decoded whole that may be decoded for the look.
DECODED = 40_000_000
#: Frames that are looked at at the same time, at most.
THREADS = 4
#: Edge in pixels of the cells that energies are averaged over.
CELL = 16


@frozen
class Survey:
    """What bands of some frames hold. ``frames``: their numbers, from 0; ``energies``: mean energy of detail in every
    cell, (frames, cells); ``means``: mean sample of each, 0..1; ``variance``: that of the noise; ``planes``: colours.
    """

    frames: tuple[int, ...]
    energies: np.ndarray
    means: tuple[float, ...]
    variance: float
    planes: int

    @property
    def noise(self) -> float:
        """Mean energy that noise makes up in a cell."""
        return kernels.detail_energy.GAINS[0] * self.planes * self.variance

    @property
    def never_sharp(self) -> float:
        """Share of the cells where no frame shows more than noise."""
        return float((self.energies.max(axis=0) < 1.5 * self.noise).mean())

    @property
    def doubles(self) -> list[tuple[int, int]]:
        """Neighbours among the frames looked at that hold the same samples there."""
        pairs = zip(range(len(self.frames)), range(1, len(self.frames)), strict=False)
        return [
            (self.frames[a], self.frames[b]) for a, b in pairs if np.array_equal(self.energies[a], self.energies[b])
        ]

    @property
    def in_order(self) -> float:
        """Share of the frames whose detail is most like that of a neighbour; 1 for fewer than FEWEST frames."""
        if len(self.frames) < FEWEST:
            return 1.0
        detail = np.sqrt(np.maximum(self.energies - self.noise, 0))
        detail -= detail.mean(axis=0)
        size = np.sqrt((detail**2).sum(axis=1)) + 1e-12
        likeness = detail @ detail.T / np.outer(size, size)
        np.fill_diagonal(likeness, -2)
        beside = np.full(len(likeness), -2.0)
        beside[1:] = np.diagonal(likeness, 1)
        beside[:-1] = np.maximum(beside[:-1], np.diagonal(likeness, -1))
        return float((beside >= likeness.max(axis=1) - ROUNDING).mean())


def survey(stack: Stack) -> Survey | None:
    """Look at some frames of a stack; None where that takes too long: large frames that are decoded only whole."""
    height, width = stack.frame
    count = min(len(stack), FRAMES)
    if not all(header.random_access for header in stack.headers):
        count = min(count, DECODED // (height * width * stack.planes))
    if count < min(len(stack), 2):
        return None
    frames = [round(place) for place in np.linspace(0, len(stack) - 1, count)]
    looks = [_look(stack.headers[frames[0]], FULL[stack.dtype])]  # loads the kernels, which threads would wait for
    with ThreadPoolExecutor(min(available_cores(), THREADS)) as threads:
        looks += threads.map(lambda number: _look(stack.headers[number], FULL[stack.dtype]), frames[1:])
    energies, means, histograms = zip(*looks, strict=True)
    step = 0.0 if stack.dtype == "float32" else 1 / FULL[stack.dtype]
    variance = kernels.detail_energy.noise_variance(np.sum(histograms, axis=0), stack.planes, step)
    return Survey(tuple(frames), np.stack(energies), means, variance, stack.planes)


def _look(header: Header, full: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Energies of the cells of a frame's bands, its mean sample 0..1, and the histogram by which its noise is told."""
    bands = _bands(header)
    found = [_energies(band, full) for band in bands]
    mean = float(np.mean([band.mean() for band in bands])) / full
    return np.concatenate([cells for cells, _ in found]), mean, np.sum([counts for _, counts in found], axis=0)


def _bands(header: Header) -> Sequence[np.ndarray]:
    """Bands of rows of a frame, (planes, y, x), spread over its height."""
    rows = min(ROWS, header.height)
    places = sorted({round(place) for place in np.linspace(0, header.height - rows, BANDS + 2)[1:-1]})
    with open_frame(header, windows=True) as frame:
        return [np.ascontiguousarray(frame.rows(y, y + rows)[: header.channels]) for y in places]


def _energies(band: np.ndarray, full: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean energies of the cells of a band, and the histogram by which its noise is told."""
    energy, frame = kernels.detail_energy, band.shape[1:]
    level = Level(0, frame, full)
    low = level.reduced_window(Window.whole(band), Region(0, level.above[0], 0, level.above[1]))
    detail = energy.energy(band, low.data, ((0, 0), (0, 0)), frame, Region(0, frame[0], 0, frame[1]), full)
    counts = energy.histogram(Window.whole(detail).filtered(energy.box, Halo.uniform(2)).data[::2, ::2])
    rows, columns = (max(1, side // CELL) for side in frame)
    inner = detail[: rows * CELL, : columns * CELL]
    if inner.shape != (rows * CELL, columns * CELL):
        return detail.mean(keepdims=True).ravel(), counts
    return inner.reshape(rows, CELL, columns, CELL).mean(axis=(1, 3)).ravel(), counts
