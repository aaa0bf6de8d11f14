"""The picture of the README is made by the program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import readme_picture


def test_it_shows_three_pictures_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readme_picture, "WIDTH", 90)
    path = tmp_path / "fused.jpg"
    assert readme_picture.main([str(path), "--size", "180x120", "--slices", "4"]) == 0
    with Image.open(path) as picture:
        assert picture.size == (3 * 90 + 2 * readme_picture.GAP, 60)
        samples = np.asarray(picture).astype(float)
    assert samples[:, 90 : 90 + readme_picture.GAP].mean() > 245
    before, after, depth = (samples[:, x : x + 90] for x in (0, 98, 196))
    assert np.abs(before - after).mean() > 2
    assert np.abs(after - depth).mean() > 20
