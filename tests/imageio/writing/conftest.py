"""Pictures to write."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.imageio.writing import Picture


@pytest.fixture
def picture():
    """A picture and its pixels: waves with noise, (height, width, planes)."""

    def make(planes=3, dtype="uint16", height=301, width=403, **texts):
        random = np.random.default_rng(planes)
        y, x, plane = np.ogrid[:height, :width, :planes]
        waves = 0.5 + 0.3 * np.sin(x / 31 + plane) * np.cos(y / 17) + random.normal(0, 0.01, (height, width, planes))
        scale = 1 if dtype == "float32" else np.iinfo(dtype).max
        return Picture(height, width, planes, dtype, **texts), (waves.clip(0, 1) * scale).astype(dtype)

    return make


@pytest.fixture
def bands():
    """The rows of an image in bands of uneven heights."""

    def cut(image, height=37):
        return (image[top : top + height] for top in range(0, len(image), height))

    return cut
