"""Bristles, legs and feelers: bent hairs, and the straight pieces that they are painted as."""

from __future__ import annotations

import numpy as np

#: columns of a piece of hair: ends, half widths, depths, tone at both ends, tint
HAIR = ("x0", "y0", "x1", "y1", "w0", "w1", "d0", "d1", "t0", "t1", "tint")
#: Straight pieces of a hair.
_PIECES = 14
#: legs and feelers: root (along, across, in semi-axes), direction from the axis, bend, length in semi-axes
_LIMBS = (
    ((0.55, 0.84), 0.75, 0.9, 0.62),
    ((0.05, 1.0), 1.55, 0.5, 0.55),
    ((-0.5, 0.87), 2.15, 0.9, 0.72),
    ((0.97, 0.25), 0.35, 1.1, 0.85),
)


def limbs(beetles: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Six legs and two feelers of every beetle, as curves for :func:`straight_pieces`.

    ``beetles``: bodies, one row each (``scene.BODY``); ``ground``: depth of the ground under each.
    """
    curves = []
    for (x, y, a, b, c, s, rim, _, _, _, number), below in zip(beetles, ground, strict=True):
        depth = min(rim, float(below)) - 0.03
        for n, (root, turn, bend, long) in enumerate(_LIMBS):
            for side in (-1.0, 1.0):
                u, v = 0.93 * a * root[0], 0.93 * b * root[1] * side
                sway = ((number * (n + 2) * (3 + side)) % 17 / 17 - 0.5) * 0.5
                angle = np.arctan2(s, c) + side * (turn + sway)
                thick = a * (0.034 if n < 3 else 0.014)
                start, end = depth - (0.05 if n == 3 else 0.02), depth - (0.2 if n == 3 else -0.02)
                root_x, root_y = x + u * c - v * s, y + u * s + v * c
                curves.append((root_x, root_y, start, end, angle, side * bend, long * a, thick, -1.0))
    return np.array(curves, float).reshape(-1, 9)


def straight_pieces(curves: np.ndarray) -> np.ndarray:
    """Cut bent hairs, parabolas, into straight pieces, columns `HAIR`.

    ``curves``: one row each: root x, y and depth, depth of the tip, direction, bend, length, half width and tint.
    """
    x, y, depth, tip, angle, bend, long, thick, tint = (np.ascontiguousarray(c)[:, None] for c in curves.T)
    t = np.linspace(0, 1, _PIECES + 1)[None, :]
    cos, sin = np.cos(angle), np.sin(angle)
    along = long * t
    aside = long * bend * t * t * 0.5
    px = x + along * cos - aside * sin
    py = y + along * sin + aside * cos
    width = 0.3 + thick * (1 - t) ** 0.8
    far = depth + (tip - depth) * t
    tone = np.broadcast_to(t, px.shape)
    tints = np.broadcast_to(tint, px.shape)
    both_ends = (part for values in (width, far, tone) for part in (values[:, :-1], values[:, 1:]))
    parts = (px[:, :-1], py[:, :-1], px[:, 1:], py[:, 1:], *both_ends, tints[:, 1:])
    return np.stack([p.ravel() for p in parts], axis=1)


def touching_pieces(pieces: np.ndarray, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """Keep the pieces that meet the window."""
    ax, ay, bx, by, w = pieces[:, 0], pieces[:, 1], pieces[:, 2], pieces[:, 3], pieces[:, 4] + 2
    keep = (np.maximum(ax, bx) + w >= x0) & (np.minimum(ax, bx) - w < x1)
    keep &= (np.maximum(ay, by) + w >= y0) & (np.minimum(ay, by) - w < y1)
    return np.ascontiguousarray(pieces[keep])
