"""A slice gives nothing to a fusion where it has no picture."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.focus_coverage import ShownRange, shown_evidence


def test_evidence_fades_with_coverage_and_is_none_without() -> None:
    evidence = np.array([[2, 3, 4]], np.float32)
    found = shown_evidence(evidence, np.array([[1, 0.5, 0]], np.float32))
    assert found.tolist() == [[2.0, 1.5, -1.0]]
    assert found.dtype == np.float32


def test_the_range_is_that_of_shown_pixels_and_of_all_where_none_is() -> None:
    random = np.random.default_rng(2)
    stack, covered = random.integers(0, 255, (4, 2, 9, 11), np.uint8), (random.random((4, 9, 11)) < 0.4).astype("f4")
    shown = ShownRange()
    for samples, cover in zip(stack, covered, strict=True):
        shown.add(samples, cover)
    counted = np.broadcast_to(((covered > 0) | ~covered.any(axis=0))[:, None], stack.shape)
    assert not covered.any(axis=0).all()
    assert np.array_equal(shown.least, np.min(stack, axis=0, where=counted, initial=255))
    assert np.array_equal(shown.most, np.max(stack, axis=0, where=counted, initial=0))


def test_slices_that_cover_all_need_no_coverage() -> None:
    stack, shown = np.random.default_rng(3).random((3, 1, 5, 6)).astype(np.float32), ShownRange()
    for samples in stack:
        shown.add(samples)
    assert np.array_equal(shown.least, stack.min(axis=0))
    assert np.array_equal(shown.most, stack.max(axis=0))
