"""Interleaved samples in planes: the same as NumPy's, by the kernel and without it."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels.interleave import FEW, separate


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", ">u2"])
@pytest.mark.parametrize(("samples", "planes"), [(1, 1), (3, 3), (4, 3), (4, 4), (5, 3)])
@pytest.mark.parametrize("columns", [12, 1201])
def test_samples_come_into_their_planes(dtype: str, samples: int, planes: int, columns: int) -> None:
    pixels = np.random.default_rng(columns).integers(0, 250, (70, columns + 9, samples)).astype(dtype)
    part = pixels[:, 5 : 5 + columns]
    assert (part[:, :, :3].size >= FEW or samples < 3) == (columns > 1000 or samples < 3)
    target = np.zeros((planes, 80, columns + 4), np.dtype(dtype).newbyteorder("="))
    separate(part, target, (3, 2))
    expected = np.zeros_like(target)
    expected[:, 3:73, 2:-2] = np.moveaxis(part, -1, 0)[:planes]
    assert (target == expected).all()


def test_what_lies_otherwise_in_memory_is_taken_as_it_is() -> None:
    pixels = np.random.default_rng(1).integers(0, 250, (300, 300, 3), np.uint8)
    target = np.zeros((3, 300, 300), np.uint8)
    separate(pixels[:, ::-1], target)
    assert (target == np.moveaxis(pixels[:, ::-1], -1, 0)).all()
    turned = np.zeros((300, 3, 300), np.uint8).transpose(1, 0, 2)
    separate(pixels, turned)
    assert (turned == np.moveaxis(pixels, -1, 0)).all()
