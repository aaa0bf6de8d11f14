"""A halo is enough, and needed: a pixel depends on what is in it and on nothing beyond."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from option_regions import (
    FILTERS,
    FRAME,
    GENERATORS,
    MASK,
    SAMPLES,
    WHOLE,
    filtered,
    ids,
    masked,
    run_on,
)

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.geometry import Halo
from imfuse_tiles.options.grammar import REGISTRY, Option
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.options.option_parser import parse_arguments


def reach_of(halo: Halo, compute: Callable[[], np.ndarray], samples: np.ndarray) -> tuple[bool, bool]:
    """Whether a pixel near the middle changes by other samples outside the halo, and by others inside."""
    y, x = FRAME[0] // 2 - 3, FRAME[1] // 2 - 4
    inside = np.zeros(FRAME, bool)
    inside[y - halo.top : y + halo.bottom + 1, x - halo.left : x + halo.right + 1] = True
    before, kept = compute()[..., y, x].copy(), samples.copy()

    def changes(where: np.ndarray, seed: int) -> bool:
        other = np.random.default_rng(seed).random(samples.shape, np.float32)
        samples[:] = np.where(where, other, kept)
        changed = not np.array_equal(compute()[..., y, x], before)
        samples[:] = kept
        return changed

    return changes(~inside, 0), any(changes(inside, seed) for seed in range(9))


def near(ops: list[Any]) -> list[Any]:
    """Those whose halo leaves something of the frame outside."""
    return [op for op in ops if not op.whole_frame and op.halo(FRAME).radius < min(FRAME) // 2 - 4]


NEAR_GENERATORS, NEAR_FILTERS = near(GENERATORS), near(FILTERS)


@pytest.mark.parametrize("op", NEAR_GENERATORS, ids=ids(NEAR_GENERATORS))
def test_a_mask_does_not_look_beyond_its_halo(op: MaskGenerator) -> None:
    beyond, within = reach_of(op.halo(FRAME), lambda: masked(op)(WHOLE).data, SAMPLES)
    assert (beyond, within) == (False, True)


@pytest.mark.parametrize("op", NEAR_FILTERS, ids=ids(NEAR_FILTERS))
def test_a_mask_filter_does_not_look_beyond_its_halo(op: MaskFilter) -> None:
    beyond, within = reach_of(op.halo(FRAME), lambda: filtered(op)(WHOLE).data, MASK)
    assert (beyond, within) == (False, True)


IMPULSES = ["blur=s1,S2", "blur=s2,S5,gaussian", "maskblur=s3", "maskblur=r7,s2", "maskmorph=dilate,r2,R2",
            "maskmorph=dilate,r3,Square", "maskstat=maximum,r5", "maskstat=maximum,r6", "statistic=r4,maximum",
            "maskwave=p10000", "laplacian=n19", "laplacian=n1", "maskenhance"]  # fmt: skip


@pytest.mark.parametrize("text", IMPULSES)
def test_an_impulse_reaches_as_far_as_the_halo_says_and_no_further(text: str) -> None:
    """Seen from the impulse, a pixel above it has it in its lower halo."""
    name, _, arguments = text.partition("=")
    op: Any = parse_arguments(name, arguments)
    halo = op.halo((1000, 1000))
    size = 2 * halo.radius + 41
    plane = np.full((1, size, size), 0.5, np.float32)
    flat = run_on(op, plane)
    plane[0, size // 2, size // 2] = 0.55
    rows, columns = np.nonzero(run_on(op, plane) != flat)
    middle = size // 2
    assert (middle - rows.min(), rows.max() - middle) == (halo.bottom, halo.top)
    assert (middle - columns.min(), columns.max() - middle) == (halo.right, halo.left)


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=REGISTRY)
def test_a_halo_depends_on_nothing_but_the_option_and_the_frame(kind: type[Option]) -> None:
    for text in kind.examples:
        op: Any = parse_arguments(kind.name, text)
        if not hasattr(op, "halo"):
            continue
        for frame in ((1, 1), FRAME, (40000, 30000)):
            halo = op.halo(frame)
            assert isinstance(halo, Halo)
            assert min(halo) >= 0
            assert halo == parse_arguments(kind.name, text).halo(frame)  # type: ignore[attr-defined]
