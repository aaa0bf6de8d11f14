"""Near/far pairs with the content of photographs: for measures that need no truth, where no public pairs are at hand.

A front and a back are cut from the sharpest places of single frames, the front's outline is drawn, and a lens sees
both, focused near and far: discs of 3 to 6 pixels, more or less at different heights, each a little out of its own
focus, the second frame a little larger and out of place. Frames get noise and are compressed as JPEG.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.fusion import RESULTS
from benchmarks.quality.scenes import compressed, disc, fractal, grain

#: Edge of a picture, and what is cut off around it after blurring.
EDGE, MARGIN = 520, 20
SIDE = EDGE + 2 * MARGIN
#: Places among which the one with the most detail is taken.
TRIES = 12


def cut_pairs(stacks: Path, folder: Path, count: int = 20) -> None:
    """Write so many pairs (NN-A.png near, NN-B.png far) from the photographs of folders in ``stacks``."""
    frames = _photographs(stacks)
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        for name, picture in zip("AB", pair(frames, seed), strict=True):
            cv2.imwrite(str(folder / f"{seed:02}-{name}.png"), np.uint8(picture[..., ::-1] * 255 + 0.5))


def pair(frames: Sequence[np.ndarray], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures (y, x, 3), 0..1, red first: focused on the front, and on the back."""
    random = np.random.default_rng(seed)
    back, front = (_texture(frames, random) for _ in range(2))
    cover = np.float32(np.clip(_outline(random, seed % 4) * SIDE * 0.5 + 0.5, 0, 1))[..., None]
    away, near, far = random.uniform(3, 6), random.uniform(0, 0.9), random.uniform(0, 0.9)
    soft, tilt = random.uniform(0.4, 0.9), np.linspace(-0.45, 0.45, SIDE) * random.uniform(-1, 1)
    layer = np.dstack([front * cover, cover])
    first = _seen(layer, back, near, away + tilt, soft)
    second = _seen(layer, back, away, np.clip(far - tilt, 0, None), soft)
    zoom, move = 1 + random.normal(0, 0.0008), random.normal(0, 0.12, 2) + SIDE / 2
    matrix = np.array([[zoom, 0, move[0] - zoom * SIDE / 2], [0, zoom, move[1] - zoom * SIDE / 2]])
    second = cv2.warpAffine(second, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return _exposed(first, random), _exposed(second, random)


def _photographs(stacks: Path) -> list[np.ndarray]:
    """All frames below a folder (y, x, 3), red first, 0..1, none smaller than a picture; large ones made smaller."""
    files = sorted(file for file in stacks.glob("*/*") if not file.name.startswith(RESULTS))
    found = [picture for file in files if (picture := cv2.imread(str(file))) is not None]
    if not found:
        raise SystemExit(f"{stacks}: wanted are folders of photographs")
    sizes = [max(min(1.0, 1000 / min(picture.shape[:2])), SIDE / min(picture.shape[:2])) for picture in found]
    return [
        np.float32(cv2.resize(picture, None, fx=size + 1e-3, fy=size + 1e-3, interpolation=cv2.INTER_AREA)) / 255
        for picture, size in zip([picture[..., ::-1] for picture in found], sizes, strict=True)
    ]


def _texture(frames: Sequence[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Light (SIDE, SIDE, 3) of the part with the most detail of some."""
    parts = []
    for _ in range(TRIES):
        frame = frames[random.integers(len(frames))]
        y, x = (random.integers(length - SIDE + 1) for length in frame.shape[:2])
        part = frame[y : y + SIDE, x : x + SIDE]
        light = cv2.GaussianBlur(part.mean(axis=-1), (0, 0), 1)  # noise alone is no detail
        detail = np.log(np.abs(cv2.Laplacian(light, -1)).clip(1e-4)).mean()
        parts.append((float(detail), part))
    return np.float32(max(parts, key=lambda found: found[0])[1] ** 2.2)


def _outline(random: np.random.Generator, kind: int) -> np.ndarray:
    """Distance from the front's edge in parts of a picture, more than 0 inside: half, blob, patches, blob and hairs."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    ragged = fractal((SIDE, SIDE), random, (2.0, 1.8, 2.2, 1.6)[kind], 0.002)
    if kind == 0:
        return x - random.uniform(0.3, 0.7) + 0.08 * ragged
    if kind == 2:
        return 0.18 * ragged
    blob = 0.28 - np.hypot(x - random.uniform(0.3, 0.7), y - random.uniform(0.3, 0.7)) + 0.04 * ragged
    for _ in range(5 if kind == 3 else 0):
        angle, offset, half = random.uniform(0, np.pi), random.uniform(-0.4, 0.4), random.uniform(1, 4) / SIDE
        across = np.abs((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle) - offset)
        blob = np.maximum(blob, half - across)
    return blob


def _seen(front: np.ndarray, back: np.ndarray, radius: float, radii: np.ndarray, soft: float) -> np.ndarray:
    """Light of a front with its coverage (y, x, 4), blurred by a disc, over a back that every row has its own for."""
    behind, steps = np.zeros_like(back), radii * 2
    for step in range(int(steps.min()), int(steps.max()) + 2):
        share = np.float32(np.clip(1 - np.abs(steps - step), 0, 1))[:, None, None]
        if share.any():
            behind += share * cv2.filter2D(back, -1, disc(step / 2), borderType=cv2.BORDER_REFLECT)
    over = cv2.filter2D(front, -1, disc(radius), borderType=cv2.BORDER_REFLECT)
    return cv2.GaussianBlur(over[..., :3] + behind * (1 - over[..., 3:]), (0, 0), soft)


def _exposed(light: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A picture of a light with noise, after JPEG, without its margin."""
    value = np.clip(light, 0, 1) ** (1 / 2.2)
    value = value + random.uniform(0.001, 0.006) * grain(value.shape, random) * np.sqrt(0.4 + 0.6 * value)
    return compressed(np.clip(value, 0, 1)[MARGIN:-MARGIN, MARGIN:-MARGIN])
