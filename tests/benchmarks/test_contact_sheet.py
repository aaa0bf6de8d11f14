"""Contact sheets of recipes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from stacks import frames, written

from benchmarks.contact_sheet import LINE, busiest, main


def test_a_sheet_has_a_row_for_a_recipe_and_a_column_for_a_stack(tmp_path: Path) -> None:
    for name in ("one", "two"):
        written(tmp_path / name, frames(3, shape=(90, 80)))
    sheet = tmp_path / "sheet.png"
    words = [str(sheet), str(tmp_path / "one"), str(tmp_path / "two"), "--work", str(tmp_path / "work"), "--edge", "64"]
    assert main([*words, "--preset", "soft", "--options=--wavelet --cutwave", "--options=--bg=mean"]) == 0
    with Image.open(sheet) as image:
        assert image.size == (2 * 2 * 64, 3 * (64 + LINE))


def test_the_piece_shown_is_the_one_with_most_to_see() -> None:
    grey = np.full((100, 200, 3), 128, np.uint8)
    grey[60:90, 130:160] = np.random.default_rng(1).integers(0, 255, (30, 30, 3))
    x, y = busiest(Image.fromarray(grey), 40)
    assert x <= 130 <= 160 <= x + 40
    assert y <= 60 <= 90 <= y + 40
