"""The shift of two patches of pictures: the place of the largest cross-correlation of what is between two sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np


def between(plane: np.ndarray, small: float, large: float) -> np.ndarray:
    """What of a plane is between two sizes."""
    return cv2.GaussianBlur(plane, (0, 0), small) - cv2.GaussianBlur(plane, (0, 0), large)


def shift_of(a: np.ndarray, b: np.ndarray, same: float, sure: float) -> tuple[float, float] | None:
    """By how much the second of two square patches lies to the right of and below the first, where they correlate best.

    None where that is not to a correlation of ``same`` or not known to ``sure`` pixels (by the Cramer-Rao bound).
    """
    edge = len(a)
    window = np.outer(np.hanning(edge), np.hanning(edge))
    one, other = (np.fft.fft2((patch - patch.mean()) * window) for patch in (a, b))
    cross = np.conj(one) * other
    energy = float(np.sqrt((np.abs(one) ** 2).sum() * (np.abs(other) ** 2).sum()))
    near = np.fft.fftshift(np.fft.ifft2(cross).real)[edge // 2 - 4 : edge // 2 + 5, edge // 2 - 4 : edge // 2 + 5]
    at = np.array(np.unravel_index(int(near.argmax()), near.shape), float) - 4
    if np.abs(at).max() == 4:
        return None
    waves = np.stack(np.meshgrid(*[2 * np.pi * np.fft.fftfreq(edge)] * 2, indexing="ij"))
    for _ in range(20):  # Newton's steps to the top of the correlation
        turned = cross * np.exp(1j * np.tensordot(at, waves, 1))
        bend = np.einsum("iyx,jyx,yx->ij", waves, waves, turned.real)
        step = -np.linalg.solve(bend, np.einsum("iyx,yx->i", waves, turned.imag))
        at = at + step
        if np.abs(step).max() < 1e-4:
            break
    alike = float(turned.real.sum()) / energy
    pixels = float((window**2).sum()) / 6  # neighbours do not err independently
    variance = np.linalg.eigvalsh(np.linalg.inv(bend))[-1] * energy * max(1 - alike**2, 0) / pixels
    return (float(at[1]), float(at[0])) if alike > same and 0 <= variance < sure**2 else None


def shifts_at(
    bands: Sequence[np.ndarray], places: Iterable[Sequence[int]], edge: int, same: float, sure: float
) -> np.ndarray:
    """Middles x, y and shifts (n, 4) of patches of two pictures, of ``places`` (first row and column) where known."""
    found = []
    for y, x in places:
        one, other = (band[y : y + edge, x : x + edge] for band in bands)
        shift = shift_of(one, other, same, sure)
        if shift is not None:
            found.append((x + edge / 2, y + edge / 2, *shift))
    return np.array(found).reshape(-1, 4)
