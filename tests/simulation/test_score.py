"""Scores of known pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from imfuse_tiles.simulation import score


def test_scores_of_known_pictures() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((600, 90, 3))
    assert score(truth, truth) == {"psnr": np.inf, "sharpness": 1.0, "coverage": 1.0}
    assert score(truth + 0.01, truth)["psnr"] == pytest.approx(40)
    assert score(0.5 * truth, truth)["sharpness"] == pytest.approx(0.25)
    assert score((truth * 65535 + 0.5).astype(np.uint16), truth)["psnr"] > 96
    luma = truth @ [0.299, 0.587, 0.114]
    energy = (np.diff(luma, axis=0) ** 2).sum() + (np.diff(luma, axis=1) ** 2).sum()
    blurred = cv2.blur(truth, (3, 3))
    luma = blurred @ [0.299, 0.587, 0.114]
    expected = ((np.diff(luma, axis=0) ** 2).sum() + (np.diff(luma, axis=1) ** 2).sum()) / energy
    assert score(blurred, truth)["sharpness"] == pytest.approx(expected)


def test_scores_leave_out_transparent_pixels() -> None:
    truth = np.random.default_rng(0).random((40, 50, 3))
    result = np.dstack([truth, np.ones((40, 50))])
    result[:, :10] = 0
    assert score(result, truth) == {"psnr": np.inf, "sharpness": 1.0, "coverage": 0.8}
    with pytest.raises(ValueError, match="cannot be compared"):
        score(truth[:-1], truth)
