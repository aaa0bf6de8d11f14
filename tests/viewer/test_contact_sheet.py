"""Results side by side: the pictures at one width, the words as words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from imagecodecs import png_decode

from benchmarks.viewer import make_store
from imfuse_tiles.viewer.contact_sheet import SPACE, WIDTH, Entry, thumbnail, write_sheet, write_sheet_page
from imfuse_tiles.viewer.layers import layers_of
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


@pytest.mark.parametrize(("width", "height", "shown"), [(1278, 823, 639), (600, 1200, 600), (300, 200, 300)])
def test_pictures_have_the_pixels_that_a_sheet_shows(tmp_path: Path, width: int, height: int, shown: int) -> None:
    picture = thumbnail(layers_of(make_store(tmp_path / "store", width, height), 0)[0])
    assert picture.shape[:2] == (-(-height * shown // width), shown)
    assert picture.std() > 10
