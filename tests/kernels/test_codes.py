"""Whole 16-bit steps: equal differences and sums of samples give equal masks, whichever samples they are of."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels import colour
from imfuse_tiles.kernels.codes import mean_similarity, quarter_sum, scale_to_unit, similarity, to_codes

ALL = np.arange(65536)


def plane(codes: np.ndarray, full: int = 65535) -> np.ndarray:
    """Samples (y, x) as they are read from a file: float32 in 0..1."""
    return np.divide(np.atleast_2d(codes), np.float32(full), dtype=np.float32)


def quarters(planes: np.ndarray, negated: bool = False) -> np.ndarray:
    out = np.empty(planes.shape[1:], np.float32)
    quarter_sum(planes, negated, out)
    return out


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_every_sample_is_divided_by_full_scale_to_the_last_bit(kind: str) -> None:
    full = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    samples = np.arange(full + 1).astype(kind) if full > 1 else plane(ALL)[0]
    assert np.array_equal(scale_to_unit(samples, full), plane(samples, full)[0])


@pytest.mark.parametrize("apart", [1, 7, 100, 12345])
def test_equal_differences_give_one_likeness(apart: int) -> None:
    here = ALL[: 65536 - apart]
    made = similarity(plane(here), plane(here + apart))
    assert len(np.unique(made)) == 1
    assert made.flat[0] == pytest.approx(1 - apart / 65535, abs=1e-7)


@pytest.mark.parametrize("full", [255, 65535])
def test_equal_sums_give_one_mask(full: int) -> None:
    red = np.arange(full + 1)
    planes = np.stack([plane(red, full), plane(full - red, full), plane(np.full(full + 1, full // 3), full)])
    for negated, expected in ((False, (full + full // 3) / full / 4), (True, (2 * full - full // 3) / full / 4)):
        made = quarters(planes, negated)
        assert len(np.unique(made)) == 1
        assert made.flat[0] == pytest.approx(expected, abs=1e-7)


def test_a_grey_plane_counts_three_times() -> None:
    grey = plane(ALL)[None]
    assert np.array_equal(quarters(grey), quarters(np.repeat(grey, 3, axis=0)))


def test_likeness_is_the_quarter_of_what_is_alike() -> None:
    random = np.random.default_rng(0)
    frame, image = (plane(random.integers(0, 65536, (3 * 20, 31))).reshape(3, 20, 31) for _ in range(2))
    for negated in (False, True):
        out = np.empty(frame.shape[1:], np.float32)
        mean_similarity(frame, image, negated, out)
        assert np.array_equal(out, quarters(similarity(frame, image), negated))
        expected = np.abs(frame - image) if negated else 1 - np.abs(frame - image)
        assert out == pytest.approx(expected.sum(0) / 4, abs=3e-7)


def test_samples_between_the_steps_are_left_as_they_are() -> None:
    between = (np.arange(1000, dtype=np.float32)[None, None] + np.float32(0.3)) / np.float32(65535)
    assert quarters(between) == pytest.approx(between[0] * 0.75, rel=1e-6)


@pytest.mark.parametrize("full", [255, 65535])
@pytest.mark.parametrize(("space", "index"), [("HCL", 1), ("HSL", 2), ("HSL", 1), ("HSB", 1), ("OHTA", 1), ("HSI", 2)])
def test_pictures_of_the_same_differences_have_the_same_plane(space: str, index: int, full: int) -> None:
    """Chroma, lightness and saturation of (a, b, b) where a - b, a + b or a / b is always the same."""
    low = np.arange(1, full // 3)
    high = {"HSL2": full - low, "HSL1": 3 * low, "HSB1": 3 * low, "HSI2": full - 2 * low}.get(
        f"{space}{index}", low + full // 2
    )
    kept = (high <= full) & (high >= low) & ((high + low <= full) if f"{space}{index}" == "HSL1" else True)
    a, b = plane(high[kept], full), plane(low[kept], full)
    made = colour.plane(np.stack([a, b, b]), space, index)
    assert made.size > 20
    assert len(np.unique(made)) == 1


def test_codes_are_rounded_and_clamped() -> None:
    values = np.array([[-1, 0, 0.5 / 65535, 0.4999 / 65535, 1 / 65535, 0.5, 1, 7]], np.float32)
    assert np.array_equal(to_codes(values), [[0, 0, 1, 0, 1, 32768, 65535, 65535]])
    assert np.array_equal(to_codes(values[:, ::2]), [[0, 1, 1, 65535]])
