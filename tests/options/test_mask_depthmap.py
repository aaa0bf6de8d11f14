"""Masks of depth maps."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.kernels.rainbow import rainbow
from imfuse_tiles.options.mask_depthmap import DepthMap
from imfuse_tiles.options.option_parser import parse_arguments

#: Modules without a test file of their own name.
TESTED_MODULES = ("stages.depthmap_mask",)

PLACES = np.linspace(0, 6 / 7, 7, dtype=np.float32)


def likeness(planes: np.ndarray, text: str = "map.tif") -> np.ndarray:
    """Masks (place, y, x) of every depth."""
    op = parse_arguments("depthmap", text)
    assert isinstance(op, DepthMap)
    return np.stack([op.likeness(np.asarray(planes, np.float32), float(place)) for place in PLACES])


def test_a_colour_is_most_like_its_own_depth() -> None:
    coloured = np.concatenate([rainbow(PLACES[None]), np.ones((1, 1, 7), np.float32)])
    masks = likeness(coloured)
    assert np.array_equal(masks.argmax(axis=0)[0], np.arange(7))
    np.testing.assert_allclose(masks.max(axis=0), 1, atol=1e-6)


def test_grey_is_read_as_the_depth_itself() -> None:
    masks = likeness(np.stack([PLACES[None], np.ones((1, 7), np.float32)]))
    assert np.array_equal(masks.argmax(axis=0)[0], np.arange(7))
    np.testing.assert_allclose(masks[:, 0, 3], (1 + 3 * (1 - np.abs(PLACES - PLACES[3]))) / 4, atol=1e-6)


def test_what_is_clear_is_like_nothing() -> None:
    clear = np.concatenate([rainbow(PLACES[None]), np.zeros((1, 1, 7), np.float32)])
    np.testing.assert_allclose(likeness(clear), 0.25, atol=1e-6)


def test_negated_the_own_depth_is_the_least_like() -> None:
    coloured = np.concatenate([rainbow(PLACES[None]), np.ones((1, 1, 7), np.float32)])
    np.testing.assert_allclose(likeness(coloured, "map.tif,neg") + likeness(coloured), 1.25, atol=1e-6)


def test_it_needs_a_file_and_looks_at_no_frame() -> None:
    with pytest.raises(Refusal, match="--depthmap needs"):
        parse_arguments("depthmap", None)
    for text in ("map.tif,c1", "map.tif,C=HSL", "map.tif,I=mean"):
        with pytest.raises(Refusal, match="looks at no frame"):
            parse_arguments("depthmap", text)


def test_the_file_s_name_does_not_decide_the_mask() -> None:
    assert parse_arguments("depthmap", "a.tif").record("work") == parse_arguments("depthmap", "b.tif").record("work")
    assert str(parse_arguments("depthmap", "a.tif,w80")) == "--depthmap=w80,a.tif"
