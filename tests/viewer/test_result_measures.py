"""The measures rank what everybody would rank: the sharp above the blurred, the noisy above the clean."""

from __future__ import annotations

import numpy as np
import pytest
from viewed_stores import fused_store

from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layers import ViewLayer, layers_of
from imfuse_tiles.viewer.result_measures import disagreement, measure_result, noise_mask, squares


def layers(folder: pytest.TempPathFactory, *options: str) -> dict[str, ViewLayer]:
    store = Store.at(fused_store(folder.mktemp("measured"), options, height=300, width=400))
    return {layer.label: layer for layer in layers_of(store, 0)}


def test_a_fusion_keeps_more_than_a_mean_and_has_more_noise(tmp_path_factory: pytest.TempPathFactory) -> None:
    fused = layers(tmp_path_factory, "--laplacian=level", "--maskblur=s2")
    mean = layers(tmp_path_factory, "--bg=Mean")
    sharp = measure_result(fused["Result"], fused["Slice"], fused["Depth"])
    soft = measure_result(mean["Result"], mean["Slice"], None)
    assert sharp.sharpness > 90
    assert soft.sharpness < 40
    assert sharp.noise > soft.noise
    assert soft.disagreement is None
    assert sharp.disagreement is not None
    assert 0 <= sharp.disagreement < 20


def test_noise_is_measured_in_its_own_unit() -> None:
    plane = np.random.default_rng(1).normal(0.5, 0.02, (300, 300)).astype(np.float32)
    plane += np.linspace(0, 0.3, 300, dtype=np.float32)
    assert np.abs(noise_mask(plane)).mean() * (np.pi / 2) ** 0.5 / 6 == pytest.approx(0.02, rel=0.05)


def test_neighbours_of_far_slices_disagree() -> None:
    depth = np.zeros((10, 11), np.float32)
    assert disagreement(depth, 20) == 0
    depth[:, 5] = 0.5
    assert disagreement(depth, 20) == pytest.approx(20 / (10 * 10 + 9 * 11))
    assert disagreement(depth, 4) == 0


@pytest.mark.parametrize("frame", [(10, 20), (256, 256), (700, 3000), (30000, 30000)])
def test_squares_lie_in_the_frame(frame: tuple[int, int]) -> None:
    found = list(squares(frame))
    assert 1 <= len(found) <= 16
    assert all(0 <= part.y0 < part.y1 <= frame[0] and 0 <= part.x0 < part.x1 <= frame[1] for part in found)
