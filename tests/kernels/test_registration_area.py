"""The area that all frames show."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.registration_area import common_area
from imfuse_tiles.kernels.registration_matrices import step


def test_the_common_area_is_seen_by_all_and_no_larger_one_is() -> None:
    width, height = 480, 320
    matrices = [step(np.array(numbers), width, height) for numbers in
                [(3.2, -1.7, 4.0, 1.5), (-5.1, 2.2, -3.0, -2.0), (0.0, 0.0, 0.0, 0.0)]]  # fmt: skip
    y0, y1, x0, x1 = common_area(matrices, width, height)
    y, x = np.mgrid[:height, :width]
    points, seen = np.stack([x.ravel(), y.ravel(), np.ones(x.size)]), np.ones(x.size, bool)
    for matrix in matrices:
        u, v = (matrix @ points)[:2]
        seen &= (u >= -1e-6) & (u <= width - 1 + 1e-6) & (v >= -1e-6) & (v <= height - 1 + 1e-6)
    seen = seen.reshape(height, width)
    assert seen[y0:y1, x0:x1].all()
    assert not seen[y0 - 1, x0:x1].all()
    assert not seen[y1, x0:x1].all()
    assert not seen[y0:y1, x0 - 1].all()
    assert not seen[y0:y1, x1].all()
