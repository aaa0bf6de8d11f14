"""Scenes with exact truth for comparing fusions: layers at known depths, seen through a thin lens.

Every layer has colour, coverage and depth. A slice blurs each layer, cut into bins of depth, by the disc of its
circle of confusion and lays it over what is behind, in linear light: what a lens does at occlusions, where the rim
of a blurred front veils what is sharp behind it. The picture is then encoded with a gamma of 2.2 and gets noise,
which neighbours share as after demosaicing; some stacks are compressed as JPEG. Textures have fine and coarse detail
in patches; smooth areas bear a faint 1/f texture, as every real surface does.

What flattered the windowed deviation (preset ``default``): its lead over enfuse, +0.3 dB on textured and +1.5 on smooth
scenes of before, lay at the borders of occlusions (+0.9 to +1.6) and in areas without any detail (up to +3); on
textured surfaces it loses 0.3 to 0.6 dB. The faint texture takes away what the empty areas gave (+0.3 is left), JPEG
half of the rest. White or shared noise of 0.006, or none, changes the lead by less than 0.1 dB.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

#: Deviation in pixels over which neighbours share noise; contrast of the faint texture of all surfaces; JPEG quality.
GRAIN, FAINT, QUALITY = 0.5, 0.06, 92
#: Depth bins of a layer; blur radius in pixels of what is a whole depth range out of focus.
BINS, BLUR = 20, 11.0


@dataclass(frozen=True)
class Layer:
    """Linear light (h, w, 3), coverage (h, w) in 0..1, depth (h, w): 0 front, 1 the last slice, more: never sharp."""

    light: np.ndarray
    cover: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True)
class Sample:
    """A rendered stack: slices (n, h, w, 3), truth (h, w, 3), float in 0..1; depth (h, w), and what it is known by.

    ``border``: where a nearer layer ends within the reach of its blur. ``moved``: slices are out of place.
    """

    name: str
    slices: np.ndarray
    truth: np.ndarray
    depth: np.ndarray
    border: np.ndarray
    bits: int
    moved: bool = False

    @property
    def best_slice(self) -> np.ndarray:
        """Every pixel from the slice that is focused nearest to its depth."""
        n = len(self.slices)
        index = np.clip(np.rint(self.depth * (n - 1)), 0, n - 1).astype(int)
        return np.take_along_axis(self.slices, index[None, ..., None], 0)[0]


def fractal(shape: tuple[int, int], random: np.random.Generator, power: float, low: float = 0.0) -> np.ndarray:
    """Noise whose amplitude falls with frequency to ``power``; mean 0, deviation 1; nothing below ``low`` cycles."""
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    radius = np.hypot(fy, fx)
    gain = np.where(radius > low, np.maximum(radius, 1e-6) ** -power, 0)
    gain[0, 0] = 0
    field = np.fft.irfft2(np.fft.rfft2(random.standard_normal(shape)) * gain, shape)
    return (field - field.mean()) / field.std()


def texture(shape: tuple[int, int], random: np.random.Generator, smooth: float) -> np.ndarray:
    """Light (h, w, 3) of a surface: patches of fine detail, of coarse detail, and a share ``smooth`` of neither."""
    place = fractal(shape, random, 2.2, 0.0)
    order = np.argsort(np.argsort(place.ravel())).reshape(shape) / place.size
    rough = np.clip((order - smooth) * 8, 0, 1)
    fine, coarse = fractal(shape, random, 0.7, 0.02), fractal(shape, random, 1.6)
    cells = np.sign(fractal(shape, random, 1.3, 0.01)) * 0.5
    lines = np.clip(1 - np.abs(fractal(shape, random, 1.8, 0.008)) * 6, 0, 1)
    detail = rough * (0.30 * fine + 0.5 * cells * (order > 0.7) - 0.7 * lines) + 0.22 * coarse
    detail += FAINT * fractal(shape, random, 1.0, 0.01)
    colour = random.uniform(0.08, 0.45, 3)
    tint = np.stack([fractal(shape, random, 2.0) for _ in range(3)], -1) * 0.12
    return np.clip(colour * np.exp(np.clip(detail[..., None] + tint, -2.2, 1.2)), 0.002, 1)


def disc(radius: float) -> np.ndarray:
    """The blur of a lens as a kernel: a disc with an anti-aliased rim, half a pixel of softness always."""
    size = int(np.ceil(radius + 1.5))
    y, x = np.mgrid[-size : size + 1, -size : size + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(y, x), 0, 1) if radius > 0.05 else ((x == 0) & (y == 0)).astype(float)
    kernel = cv2.GaussianBlur(kernel, (5, 5), 0.45)
    return (kernel / kernel.sum()).astype(np.float32)


def exposed(layers: list[Layer], focus: float | None) -> np.ndarray:
    """Linear light (h, w, 3) of layers, the last in front, focused at a depth; None: each at its own, or 1."""
    out = np.zeros_like(layers[0].light, np.float32)
    for layer in layers:
        lit, cover = _blurred(layer, focus)
        out = lit + out * (1 - cover)
    return out


def _blurred(layer: Layer, focus: float | None) -> tuple[np.ndarray, np.ndarray]:
    """A layer's light times its coverage, and its coverage (h, w, 1), behind the lens.

    A pixel's depth lies between two bins and counts in both, so that no seam shows; the sums are divided by
    those of a layer that covers everything, so that a surface whose depth varies stays opaque.
    """
    if focus is None:
        far = float(layer.depth.min()) if layer.depth.min() > 1 else 1.0
        kernel = disc(BLUR * max(far - 1, 0))
        part = cv2.filter2D(_stacked(layer, np.ones_like(layer.cover)), -1, kernel, borderType=cv2.BORDER_REFLECT)
        return part[..., :3], part[..., 3:4]
    lowest, span = float(layer.depth.min()), float(np.ptp(layer.depth))
    count = max(1, int(np.ceil(span * BINS)))
    place = (layer.depth - lowest) / max(span, 1e-6) * count
    total = np.zeros((*layer.cover.shape, 5), np.float32)
    for number in range(count + 1):
        share = np.clip(1 - np.abs(place - number), 0, 1)
        kernel = disc(BLUR * abs(lowest + span * number / count - focus))
        if share.any():
            total += cv2.filter2D(_stacked(layer, share), -1, kernel, borderType=cv2.BORDER_REFLECT)
    weight = np.maximum(total[..., 4:], 1e-6)
    return total[..., :3] / weight, np.clip(total[..., 3:4] / weight, 0, 1)


def _stacked(layer: Layer, share: np.ndarray) -> np.ndarray:
    solid = layer.cover * share
    return np.dstack([layer.light * solid[..., None], solid, share]).astype(np.float32)


def scene(shape: tuple[int, int], seed: int, kind: str) -> list[Layer]:
    """Layers of a scene of a kind: ``textured`` or ``smooth`` behind a thin front, ``away``: a back never in focus."""
    random, (height, width) = np.random.default_rng(seed), shape
    y, x = np.mgrid[:height, :width] / max(shape)
    flat = {"textured": 0.3, "smooth": 0.75, "away": 0.4, "pair": 0.25}[kind]
    ground = texture(shape, random, flat)
    tilt = 0.62 + 0.3 * (y - x * 0.4) + 0.06 * fractal(shape, random, 2.6)
    depth = np.clip(tilt, 0.45, 1.0)
    if kind == "away":
        depth, ground = np.full(shape, 1.8), cv2.GaussianBlur(ground, (0, 0), 6) * 0.7
    if kind == "pair":
        depth = np.ones(shape)
    layers = [Layer(ground, np.ones(shape), depth)]
    for number in range(5):
        layers.append(_body(shape, random, x, y, 0.45 - 0.08 * number, kind))
    layers.append(_stems(shape, random, x, y, kind))
    return layers


def _body(shape: tuple[int, int], random: np.random.Generator, x: np.ndarray, y: np.ndarray, at: float,
          kind: str) -> Layer:  # fmt: skip
    """A rounded thing with a ragged outline and highlights."""
    cx, cy, size = random.uniform(0.1, 0.9), random.uniform(0.1, 0.6), random.uniform(0.05, 0.15)
    angle, squeeze = random.uniform(0, np.pi), random.uniform(0.45, 1)
    u, v = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle), (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
    q = (u / size) ** 2 + (v / size / squeeze) ** 2 + 0.12 * fractal(shape, random, 1.7, 0.004)
    cover = np.clip((1 - q) * size * max(shape) * 0.5 + 0.5, 0, 1)
    light = texture(shape, random, random.uniform(0.1, 0.7)) * (0.5 + 0.8 * np.clip(1 - q, 0, 1)[..., None])
    spots = fractal(shape, random, 0.9, 0.03) > 3.0
    light = np.where(cv2.dilate(spots.astype(np.uint8), np.ones((2, 2)))[..., None] > 0, random.uniform(1.5, 5), light)
    depth = np.clip(at - 0.12 * np.sqrt(np.clip(1 - q, 0, 1)), 0, 1)
    return Layer(light, cover, np.zeros(shape) if kind == "pair" else depth)


def _stems(shape: tuple[int, int], random: np.random.Generator, x: np.ndarray, y: np.ndarray, kind: str) -> Layer:
    """Thin things in front: hairs and stems, one to six pixels wide, some of them bright."""
    cover, depth, light = np.zeros(shape), np.full(shape, 0.1), np.zeros((*shape, 3))
    nearest = np.full(shape, np.inf)
    for _ in range(6):
        angle, offset, bend = random.uniform(0, np.pi), random.uniform(0.1, 0.7), random.uniform(-0.3, 0.3)
        along = x * np.cos(angle) + y * np.sin(angle)
        across = np.abs(y * np.cos(angle) - x * np.sin(angle) + bend * along**2 - offset * np.cos(angle) + 0.2)
        half = random.uniform(0.5, 3.0)
        own = np.clip(half + 0.5 - across * max(shape), 0, 1)
        rounded = np.sqrt(np.clip(1 - (across * max(shape) / (half + 0.5)) ** 2, 0, 1))[..., None]
        bands = 1 + 0.1 * np.sin(along * random.uniform(30, 200))[..., None]
        closer = across - half / max(shape) < nearest
        nearest = np.minimum(nearest, across - half / max(shape))
        light = np.where(closer[..., None], random.uniform(0.02, 0.6, 3) * (0.4 + 0.6 * rounded) * bands, light)
        near = np.clip(random.uniform(0.0, 0.25) + 0.25 * (along - 0.4), 0, 0.4)
        depth, cover = np.where(closer, near, depth), np.maximum(cover, own)
    return Layer(light, cover, np.zeros(shape) if kind == "pair" else depth)


def rendered(kind: str, seed: int, count: int = 12, bits: int = 8, noise: float = 0.004, shift: float = 0.0,
             shape: tuple[int, int] = (400, 560), jpeg: bool = False) -> Sample:  # fmt: skip
    """A stack of a scene. ``shift``: pixels by which slices are out of place, at random, all but the middle one, over
    which the others are laid; ``jpeg``: compressed so.
    """
    layers, random = scene(shape, seed, kind), np.random.default_rng(seed + 1000)
    top = 2**bits - 1
    slices = []
    for number in range(count):
        light = exposed(layers, number / max(count - 1, 1))
        if shift and number != count // 2:
            move = np.float32([[1, 0, random.normal(0, shift)], [0, 1, random.normal(0, shift)]])
            light = cv2.warpAffine(light, move, shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        value = np.clip(light, 0, 1) ** (1 / 2.2)
        value = value + noise * grain(value.shape, random) * np.sqrt(0.4 + 0.6 * value)
        value = np.rint(np.clip(value, 0, 1) * top) / top
        slices.append(compressed(value) if jpeg else value)
    truth = np.clip(exposed(layers, None), 0, 1) ** (1 / 2.2)
    depth = layers[0].depth
    for layer in layers[1:]:
        depth = np.where(layer.cover >= 0.5, layer.depth, depth)
    name = f"{kind} {seed} n{count} {bits}b {noise:g}" + (f" shift {shift:g}" if shift else "") + " jpeg" * jpeg
    return Sample(name, np.float32(slices), np.float32(truth), np.float32(depth), _border(depth), bits,
                  bool(shift))  # fmt: skip


def grain(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Noise of deviation 1 that neighbours share."""
    white = cv2.GaussianBlur(random.standard_normal(shape), (0, 0), GRAIN)
    return white / white.std()


def compressed(picture: np.ndarray) -> np.ndarray:
    """A picture of 8 bits, 0..1, after JPEG."""
    file = cv2.imencode(".jpg", np.uint8(picture[..., ::-1] * 255 + 0.5), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1] / 255


def _border(depth: np.ndarray) -> np.ndarray:
    """Pixels within the reach of the blur of a step in depth."""
    step = cv2.morphologyEx(depth.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0.1
    return cv2.dilate(step.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13))) > 0
