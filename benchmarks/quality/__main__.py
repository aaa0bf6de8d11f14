"""Sharpness beside peers on simulated scenes with exact truth.

    python -m benchmarks quality [--scenes NAME ...] [--json FILE] [--sheet FILE.png] [--quick]
    python -m benchmarks quality --pairs FOLDER [--cut STACKS]

For each scene PSNR (dB; whole picture, within occlusion borders, outside) and SSIM of a run without options, other
presets of ours, the program enfuse where it is installed, and the best slice at every pixel; the errors of our depth
in slices. Frames that are out of place are aligned by a run of ours, as for every user; enfuse, which aligns nothing,
gets them both as they are and aligned. ``--sheet``: a picture of the hardest crops: truth, ours, enfuse, best slice.
``--pairs``: photographs of a folder instead, two of each thing (x-A.png, x-B.png), scored by Q_AB/F and Chen-Blum,
which need no truth. ``--cut``: first 20 pairs are made there, of layers with the content of photographs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.quality.cut_pairs import cut_pairs
from benchmarks.quality.pairs import pair_lines
from benchmarks.quality.programs import depth, programs, written
from benchmarks.quality.scenes import Sample, rendered
from benchmarks.quality.scores import DepthScore, Score, depth_score, score

#: Kind, seed, slices, bits, noise, misalignment in pixels, whether compressed as JPEG. None of them was used to choose
#: any constant.
Scene = tuple[str, int, int, int, float, float] | tuple[str, int, int, int, float, float, bool]
SCENES: tuple[Scene, ...] = (
    ("textured", 11, 12, 8, 0.002, 0.0), ("textured", 12, 12, 16, 0.006, 0.0), ("textured", 13, 12, 8, 0.012, 0.0),
    ("smooth", 14, 12, 16, 0.002, 0.0), ("smooth", 15, 12, 8, 0.006, 0.0), ("smooth", 16, 12, 16, 0.012, 0.0),
    ("away", 17, 12, 8, 0.002, 0.0), ("away", 18, 12, 16, 0.012, 0.0), ("pair", 19, 2, 8, 0.002, 0.0),
    ("pair", 20, 2, 16, 0.006, 0.0), ("textured", 21, 3, 8, 0.006, 0.0), ("smooth", 22, 30, 16, 0.006, 0.0),
    ("textured", 23, 100, 8, 0.006, 0.0), ("textured", 24, 12, 8, 0.004, 0.3), ("smooth", 25, 30, 8, 0.004, 0.3),
    ("textured", 26, 12, 8, 0.004, 0.3, True), ("smooth", 27, 12, 8, 0.004, 0.0, True),
)  # fmt: skip
CROP = 96


@dataclass(frozen=True)
class Line:
    """The scores of one scene by program, and of our depth (None for two slices)."""

    working_space: str
    scores: dict[str, Score]
    depth: DepthScore | None

    def __str__(self) -> str:
        cells = [f"{name} {each.psnr:.2f} ({each.border:.2f} {each.inside:.2f}) {each.ssim:.4f}"
                 for name, each in self.scores.items()]  # fmt: skip
        if self.depth is not None:
            cells.append(f"depth: textured {self.depth.median:.2f}, 90 % {self.depth.ninety:.2f}; "
                         f"borders {self.depth.border:.2f}; smooth {self.depth.smooth:.2f} slices")  # fmt: skip
        return "\n    ".join([self.working_space, *cells])


def measured(sample: Sample, folder: Path) -> tuple[Line, np.ndarray]:
    """The scores of a sample, and its hardest crop as every program shows it."""
    files, pictures, depths = written(sample, folder), {}, None
    for name, program in programs(moved=sample.moved).items():
        pictures[name] = program(files, folder)
        if name == "auto" and len(files) > 2:
            depths = depth_score(depth(folder, len(files)), sample)
    pictures["best slice"] = sample.best_slice
    scores = {name: score(picture, sample) for name, picture in pictures.items()}
    return Line(sample.name, scores, depths), hardest(sample, pictures)


def hardest(sample: Sample, pictures: dict[str, np.ndarray]) -> np.ndarray:
    """The crop where our error is largest: truth and all pictures side by side, twice as large."""
    error = cv2.boxFilter(((pictures["auto"] - sample.truth) ** 2).mean(axis=-1), -1, (CROP, CROP))
    half = CROP // 2
    inner = error[half:-half, half:-half]
    y, x = np.unravel_index(inner.argmax(), inner.shape)
    row = np.hstack([each[y : y + CROP, x : x + CROP] for each in (sample.truth, *pictures.values())])
    return cv2.resize(np.clip(row, 0, 1), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)


def stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of crops (h, w, 3) below each other; shorter ones end in white."""
    width = max(row.shape[1] for row in rows)
    return np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=1) for row in rows])


def lines(scenes: Sequence[Scene], shape: tuple[int, int],
          ) -> Iterator[tuple[Line, np.ndarray]]:  # fmt: skip
    """Scene by scene."""
    for kind, seed, count, bits, noise, shift, *jpeg in scenes:
        with tempfile.TemporaryDirectory() as name:
            yield measured(rendered(kind, seed, count, bits, noise, shift, shape, any(jpeg)), Path(name))


def gains(table: Sequence[Line], over: str) -> str:
    """Our gains over another: mean and least, dB and SSIM."""
    rows = [(each.scores["auto"], each.scores[over]) for each in table if over in each.scores]
    decibels = [a.psnr - b.psnr for a, b in rows]
    likeness = [a.ssim - b.ssim for a, b in rows]
    borders, insides = ([getattr(a, part) - getattr(b, part) for a, b in rows] for part in ("border", "inside"))
    return (f"auto over {over:<10} {np.mean(decibels):+.2f} dB (least {min(decibels):+.2f}; borders "
            f"{np.mean(borders):+.2f}, outside {np.mean(insides):+.2f}), SSIM {np.mean(likeness):+.4f} "
            f"(least {min(likeness):+.4f})")  # fmt: skip


def main(words: Sequence[str] | None = None) -> list[Line]:
    """Measure, print, write JSON and the sheet if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks quality", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--scenes", nargs="*", metavar="KIND", help="textured, smooth, away, pair")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--pairs", type=Path, metavar="FOLDER", help="score pairs of photographs instead")
    parser.add_argument("--cut", type=Path, metavar="STACKS", help="folders of photographs to make those pairs from")
    parser.add_argument("--quick", action="store_true", help="one small scene: figures mean nothing")
    args = parser.parse_args(words)
    if args.pairs:
        if args.cut:
            cut_pairs(args.cut, args.pairs)
        for pair in pair_lines(args.pairs):
            print(pair, flush=True)
        return []
    scenes: list[Scene] = [scene for scene in SCENES if not args.scenes or scene[0] in args.scenes]
    shape = (400, 560)
    if args.quick:
        scenes, shape = [("textured", 1, 3, 8, 0.004, 0.0)], (128, 160)
    table, crops = [], []
    for line, crop in lines(scenes, shape):
        print(line, flush=True)
        table.append(line)
        crops.append(crop)
    for over in dict.fromkeys(name for line in table for name in line.scores if name != "auto"):
        print(gains(table, over))
    if args.json:
        args.json.write_text(json.dumps([asdict(line) for line in table], indent=1) + "\n")
    if args.sheet:
        cv2.imwrite(str(args.sheet), np.uint8(stacked(crops)[..., ::-1] * 255 + 0.5))
    return table


if __name__ == "__main__":
    main()
