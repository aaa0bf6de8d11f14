"""Pairs of photographs, one focused near and one far, whose truth nobody knows: public measures without a truth."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.quality.pair_scores import chen_blum, edge_preservation
from benchmarks.quality.programs import Program, programs_for_pairs
from imfuse_tiles.imageio.reading import natural_order

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True)
class PairLine:
    """The scores of one pair by program: Q_AB/F and Chen-Blum."""

    name: str
    scores: dict[str, tuple[float, float]]

    def __str__(self) -> str:
        return f"{self.name:<24}" + "  ".join(f"{name} {q:.4f} {c:.4f}" for name, (q, c) in self.scores.items())


def find_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Pictures of a folder that belong together: in the order of their names two by two, such as x-A.png, x-B.png.

    SystemExit where two neighbours' names differ in more than their last letter or digit.
    """
    files = natural_order([file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES])
    pairs = list(zip(files[::2], files[1::2], strict=False))
    if not pairs or len(files) % 2:
        raise SystemExit(f"{folder}: holds {len(files)} pictures, wanted are pairs such as x-A.png and x-B.png")
    for first, second in pairs:
        if first.stem[:-1] != second.stem[:-1]:
            raise SystemExit(f"{folder}: {first.name} and {second.name} are no pair such as x-A.png and x-B.png")
    return pairs


def grey(picture: np.ndarray) -> np.ndarray:
    """Brightness (y, x) of a picture with red first, 0..1: whole numbers 0..255, as pictures of 8 bits have them."""
    return np.rint(picture @ np.array([0.2989, 0.5870, 0.1140]) * 255 if picture.ndim == 3 else picture * 255)


def loaded(file: Path) -> np.ndarray:
    """A picture, float in 0..1, red first."""
    samples = cv2.imread(str(file), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if samples is None:
        raise SystemExit(f"{file}: cannot be read")
    return samples[..., ::-1] / float(np.iinfo(samples.dtype).max)


def pair_scores(files: Sequence[Path], folder: Path, makers: dict[str, Program]) -> PairLine:
    """What every program makes of a pair, rounded to 8 bits as the published pictures are, by both measures."""
    a, b = (grey(loaded(file)) for file in files)
    scores = {}
    for name, program in makers.items():
        fused = grey(np.rint(program(files, folder) * 255) / 255)
        scores[name] = edge_preservation(a, b, fused), chen_blum(a, b, fused)
    return PairLine(files[0].stem[:-1].rstrip("-_ "), scores)


def pair_lines(folder: Path, makers: Callable[[], dict[str, Program]] = programs_for_pairs) -> Iterator[PairLine]:
    """Pair by pair of a folder, then the means."""
    lines = []
    for files in find_pairs(folder):
        with tempfile.TemporaryDirectory() as place:
            lines.append(pair_scores([file.absolute() for file in files], Path(place), makers()))
        yield lines[-1]
    means = {name: tuple(np.mean([line.scores[name] for line in lines], axis=0)) for name in lines[0].scores}
    yield PairLine("mean", means)
