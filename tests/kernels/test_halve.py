"""Half the size: exact means, and regions that fit together."""

import numpy as np
import pytest

from imfuse_tiles.kernels.halve import halve


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 8), (2, 9, 5), (3, 2, 4, 11)])
def test_every_sample_is_the_rounded_mean_of_four(shape, dtype):
    samples = np.random.default_rng(3).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    around = [(0, 0)] * (len(shape) - 2) + [(0, size % 2) for size in shape[-2:]]
    whole = np.pad(samples, around, mode="edge").astype(np.float64)
    means = (whole[..., ::2, ::2] + whole[..., 1::2, ::2] + whole[..., ::2, 1::2] + whole[..., 1::2, 1::2]) / 4
    found = halve(samples)
    assert found.dtype == dtype
    assert np.array_equal(found, np.floor(means + 0.5))


def test_floats_are_means():
    samples = np.random.default_rng(4).random((2, 6, 8), np.float32)
    expected = samples.reshape(2, 3, 2, 4, 2).mean((2, 4))
    assert halve(samples).dtype == np.float32
    assert np.allclose(halve(samples), expected, atol=1e-6)


@pytest.mark.parametrize("edge", [2, 6, 16])
def test_tiles_fit_together(edge):
    samples = np.random.default_rng(5).integers(0, 65536, (3, 37, 51), np.uint16)
    whole, tiled = halve(samples), np.zeros((3, 19, 26), np.uint16)
    for y in range(0, 37, edge):
        for x in range(0, 51, edge):
            part = halve(samples[:, y : y + edge, x : x + edge])
            tiled[:, y // 2 : y // 2 + part.shape[1], x // 2 : x // 2 + part.shape[2]] = part
    assert np.array_equal(whole, tiled)
