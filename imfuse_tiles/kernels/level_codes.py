"""Levels of a pyramid kept in 16 bits: samples as codes, detail as fixed point, energies as bfloat16.

Rounding is far below the noise of photographs: 1/65535 of full scale for samples, 1/25600 for detail, 0.4 % for
energies, whose range no fixed point would hold. Stacks of float32 samples are kept as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .pyramid_expand import Plane, Region, Size, add_expanded

#: Codes of a detail of full scale: what reaches beyond 1.28 times full scale is cut off by the range of the slices.
DETAIL = 25600.0
#: Codes of full scale of samples.
FULL = 65535.0

Codes = NDArray[np.uint16]


def sample_codes(samples: Plane, full: float) -> Codes:
    """Samples (..., y, x), float32 with ``full`` as full scale, as uint16 with 65535, rounded."""
    out = np.empty(samples.shape, np.uint16)
    _round(np.ascontiguousarray(samples).reshape(-1), np.float32(FULL / full), out.reshape(-1))
    return out


def to_bfloat16(energies: Plane) -> Codes:
    """Energies from 0 on, float32, as the upper halves of their bits, rounded: uint16."""
    out = np.empty(energies.shape, np.uint16)
    _upper_half(np.ascontiguousarray(energies).view(np.uint32).reshape(-1), out.reshape(-1))
    return out


def from_bfloat16(codes: Codes) -> Plane:
    """The energies, float32, that :func:`to_bfloat16` gives codes of."""
    return (codes.astype(np.uint32) << np.uint32(16)).view(np.float32)


def detail_codes(detail: Plane, total: Plane, full: float) -> NDArray[np.int16]:
    """Sums of weighted detail (planes, y, x) over the sum of weights (y, x) as int16: DETAIL is ``full``."""
    out = np.empty(detail.shape, np.int16)
    for plane, codes in zip(detail, out, strict=True):
        _quotient(plane.reshape(-1), total.reshape(-1), np.float32(DETAIL / full), codes.reshape(-1))
    return out


def reconstruct(detail: NDArray[Any], coarse: NDArray[np.generic], origin: Size, frame: Size, region: Region,
                bounds: tuple[NDArray[np.generic], NDArray[np.generic]], full: float, overshoot: float,
                ) -> NDArray[np.generic]:  # fmt: skip
    """The picture (planes, y, x) of a region of a level: its detail upon the next coarser level's picture.

    It stays within ``bounds``, the least and the most that slices show, samples with ``full`` as full scale, widened
    by the share ``overshoot`` of their distance. ``detail``: int16 codes, or float32 with full scale 1; ``coarse``:
    uint16 codes, or float32 with full scale 1, from ``origin`` on in the level after the one of size ``frame``. The
    picture has the number type of ``coarse``.
    """
    codes = coarse.dtype == np.uint16
    unit = FULL if codes else 1.0
    picture = detail * np.float32(unit / DETAIL if detail.dtype == np.int16 else unit)
    add_expanded(coarse.astype(np.float32, copy=False), origin, frame, region, picture)
    planes = [np.ascontiguousarray(each).reshape(-1) for each in bounds]
    _clamp(picture.reshape(-1), *planes, np.float32(unit / full), np.float32(overshoot))
    return sample_codes(picture, FULL) if codes else picture


@njit(cache=True, nogil=True, counted=False)
def _round(samples, factor, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = np.uint16(min(max(samples[i] * factor + np.float32(0.5), np.float32(0)), np.float32(65535)))


@njit(cache=True, nogil=True, counted=False)
def _upper_half(bits, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = np.uint16((bits[i] + np.uint32(0x8000)) >> np.uint32(16))


@njit(cache=True, nogil=True, counted=False)
def _quotient(detail, total, factor, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        value = detail[i] / total[i] * factor
        value = np.floor(min(max(value, np.float32(-32767)), np.float32(32767)) + np.float32(0.5))
        out[i] = np.int16(value)


@njit(cache=True, nogil=True, counted=False)
def _clamp(picture, least, most, factor, overshoot):  # type: ignore[no-untyped-def]
    for i in range(picture.size):
        low, high = np.float32(least[i]) * factor, np.float32(most[i]) * factor
        room = (high - low) * overshoot
        picture[i] = min(max(picture[i], low - room), high + room)
