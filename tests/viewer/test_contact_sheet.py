"""Results side by side: the pictures at one width, the words as words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from imagecodecs import png_decode

from benchmarks.viewer import make_store
from imfuse_tiles.viewer.contact_sheet import (
    HIGHEST,
    LINE,
    SPACE,
    WIDTH,
    Entry,
    fitting,
    shown_size,
    thumbnail,
    write_sheet,
    write_sheet_page,
)
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
    assert "<td>91.50</td><td>0.250</td><td>–</td>" in text


def test_pictures_of_other_shapes_leave_no_gaps_and_long_words_keep_their_end(tmp_path: Path) -> None:
    shades = [np.full(shape, 200, np.uint8) for shape in [(40, 80, 3), (80, 80, 3), (40, 80, 3), (900, 30, 3)]]
    found = [Entry(number, (f"--maskcmd={'x' * 90}{number}",), shade) for number, shade in enumerate(shades, 1)]
    write_sheet(tmp_path / "s.png", found)
    sheet = np.asarray(png_decode((tmp_path / "s.png").read_bytes()))
    assert [shown_size(shade) for shade in shades] == [(400, 200), (400, 400), (400, 200), (20, HIGHEST)]
    assert sheet.shape[:2] == (SPACE + 400 + HIGHEST + 2 * (LINE + 2 * SPACE), SPACE + 2 * (WIDTH + SPACE))
    words = [fitting(entry.words[0], lambda text: 8 * len(text)) for entry in found]
    assert all(text.startswith("--maskcmd=") and text[-1] == str(number) for number, text in enumerate(words, 1))
    assert max(map(len, words)) <= WIDTH // 8


def test_a_page_and_a_sheet_say_which_pictures_are_the_same(tmp_path: Path) -> None:
    first, second = entries(2)
    write_sheet_page(tmp_path / "s.html", "t", [first, replace(second, same_as=1)], ["In all: <b>"])
    text = (tmp_path / "s.html").read_text()
    assert text.count("the same picture as 1") == 1
    assert "<p>In all: &lt;b&gt;</p>" in text
    assert replace(second, same_as=1).lines == (*second.words, "the same picture as 1")


@pytest.mark.parametrize(("width", "height", "shown"), [(1278, 823, 639), (600, 1200, 600), (300, 200, 300)])
def test_pictures_have_the_pixels_that_a_sheet_shows(tmp_path: Path, width: int, height: int, shown: int) -> None:
    picture = thumbnail(layers_of(make_store(tmp_path / "store", width, height), 0)[0])
    assert picture.shape[:2] == (-(-height * shown // width), shown)
    assert picture.std() > 10
