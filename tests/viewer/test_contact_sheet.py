"""Results side by side: the pictures at one width, the words as words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from imagecodecs import png_decode

from imfuse_tiles.viewer.contact_sheet import SPACE, WIDTH, Entry, write_sheet, write_sheet_page
from imfuse_tiles.viewer.result_measures import Measures


def entries(count: int) -> list[Entry]:
    shades = [np.full((60, 80, 3 if number % 2 else 1), 40 * number, np.uint8) for number in range(1, count + 1)]
    measures = Measures(91.5, 0.25, None)
    return [Entry(number, (f"--a=<i>{number}", "--b"), shade, measures) for number, shade in enumerate(shades, 1)]


def test_a_sheet_holds_every_picture_in_its_place(tmp_path: Path) -> None:
    write_sheet(tmp_path / "s.png", entries(5))
    sheet = np.asarray(png_decode((tmp_path / "s.png").read_bytes()))
    row = sheet[SPACE + 20]
    assert [int(row[SPACE + 5 + place * (WIDTH + SPACE), 0]) for place in range(3)] == [40, 80, 120]


def test_a_page_has_pictures_words_and_measures(tmp_path: Path) -> None:
    write_sheet_page(tmp_path / "s.html", "<script>", entries(3))
    text = (tmp_path / "s.html").read_text()
    assert text.count("<img ") == 3
    assert "<script>" not in text
    assert "<i>" not in text
    assert "<td>91.5</td><td>0.25</td><td>–</td>" in text
