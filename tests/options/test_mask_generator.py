"""Masks from frames: planes one by one, in bands, equal to the plain formula on the whole frame."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.options.mask_computation import input_planes, mask_from_planes, raw_mask
from imfuse_tiles.options.mask_generator import WorkingSpace
from imfuse_tiles.options.option_parser import parse_arguments

#: Modules without a test file of their own name.
TESTED_MODULES = ("options.mask_computation",)

FRAME = np.random.default_rng(3).random((3, 90, 70), np.float32)


def plainly(op: Any, source: Window, scene: WorkingSpace) -> np.ndarray:
    """All planes at once, the whole window in one go."""
    x = input_planes(op, source, scene, None)
    mask: np.ndarray = mask_from_planes(op, x, op.respond(x), scene).data
    return mask


OPTIONS = ["blur=s1,S2", "blur=s2,S0", "statistic=mean,r3,neg", "resize=p30,mesh", "resize=p70", "laplacian=n7",
           "wavelet=p5,P50", "morphology=C=HSL,c2", "sobel=C=Lab", "diffstat=C=CMYK", "log=c1",
           "chroma", "cmd=-edge 2", "cmddiff=-blur 0x2,neg"]  # fmt: skip


@pytest.mark.parametrize("text", OPTIONS)
@pytest.mark.parametrize("planes", [1, 3], ids=["grey", "colour"])
@pytest.mark.parametrize("scene", [WorkingSpace(), WorkingSpace("HSL", 2), WorkingSpace("CMYK")], ids=str)
def test_bands_and_single_planes_give_the_bits_of_the_plain_formula(
    text: str, planes: int, scene: WorkingSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, arguments = text.partition("=")
    op: Any = parse_arguments(name, arguments)
    source = Window.whole(FRAME[:planes].copy())
    expected = plainly(op, source, scene)
    bands = Region.bands
    monkeypatch.setattr(Region, "bands", lambda region, halo: bands(region, Halo(), 16 * 70))
    assert np.array_equal(raw_mask(op, source, scene).data, expected)


def test_an_answer_that_needs_all_planes_is_asked_for_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(planes: np.ndarray) -> np.ndarray:
        seen.append(planes.shape[0])
        return planes

    module = types.ModuleType("spying")
    module.spy = spy  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spying", module)
    op: Any = parse_arguments("cmd", "spying:spy")
    raw_mask(op, Window.whole(FRAME.copy()), WorkingSpace())
    assert set(seen) == {3}
