"""Retouching as a person does it in the page: paint a slice, undo, redo, erase, export."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from browser import Browser
from program import until
from viewed_stores import fused_store
from viewer_servers import Served, opened_page, pixels

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.picture_stores import picture_contents
from imfuse_tiles.stages.strokes import Stroke, Strokes, keep_strokes, load_strokes, stored_strokes, strokes_text
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.retouching import Retouching
from imfuse_tiles.viewer.session import Shown, ViewSession

NOTE = "document.querySelector('#retouch-note').textContent"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.at(fused_store(tmp_path_factory.mktemp("brushed"), height=380, width=520))


@pytest.fixture(scope="module")
def opened(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Served]]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    session = ViewSession([Shown(store)], tmp_path_factory.mktemp("tiles"))
    session.questions.update(Retouching(store).questions)
    server = Served(session)
    yield browser, server
    browser.close()
    server.end()


@pytest.fixture
def page(opened: tuple[Browser, Served], store: Store) -> Browser:
    """The page with the retouching open, nothing painted yet."""
    keep_strokes(store, ())
    page = opened_page(*opened)
    page.click("#retouch summary")
    page.until(f"{NOTE} === '0 strokes'")
    return page


def kept(store: Store, count: int) -> Strokes:
    """The strokes of the store once they are so many: the page counts them before they are there."""
    assert until(lambda: len(stored_strokes(store)) == count)
    return stored_strokes(store)


def test_a_slice_is_painted_undone_erased_and_exported(page: Browser, store: Store, tmp_path: Path) -> None:
    page.choose("#brush-slice", 4)
    page.choose("#brush-radius", 60)
    before = pixels(page)
    page.click("#brush-on")
    page.drag((300, 300), (420, 400))
    page.until(f"{NOTE} === '1 stroke'")
    page.until("document.querySelector('#layer-a').selectedOptions[0].textContent === 'Result, retouched'")
    (stroke,) = kept(store, 1)
    assert (stroke.slice, stroke.radius, stroke.softness) == (4, 60.0, 0.5)
    assert len(stroke.points) > 2
    page.mouse("mouseMoved", 900, 20)
    for _ in range(200):
        changed = np.abs(pixels(page) - before)[330:370, 330:380].mean()
        if changed > 10:
            break
    assert changed > 10
    page.click("#stroke-undo")
    page.until(f"{NOTE} === '0 strokes'")
    page.until("document.querySelector('#layer-a').selectedOptions[0].textContent === 'Result'")
    page.click("#stroke-redo")
    page.until(f"{NOTE} === '1 stroke'")
    page.click("#brush-erase")
    page.drag((300, 300), (310, 305))
    page.until(f"{NOTE} === '2 strokes'")
    assert [each.slice for each in kept(store, 2)] == [4, 0]
    page.choose("#retouch-result", tmp_path / "painted.tif")
    page.click("#retouch-export")
    page.until(f"{NOTE}.includes('is written')")
    assert load_strokes(tmp_path / "painted.strokes.json") == stored_strokes(store)
    painted, plain = (
        tifffile.imread(path).astype(int) for path in (tmp_path / "painted.tif", store.folder.parent / "result.tif")
    )
    different = (painted != plain).any(axis=2)
    assert 0 < different.mean() < 0.5
    x, y = stroke.points[-1]
    frame = tifffile.imread(store.folder.parent / "stack" / "frame3.tif")
    assert np.array_equal(painted[int(y), int(x)], frame[int(y), int(x)].astype(int) * 257)
    assert page.problems() == []


def test_the_keyboard_paints_at_the_centre(page: Browser, store: Store) -> None:
    page.click("#brush-on")
    page.js("document.querySelector('#picture .openseadragon-canvas').focus()")
    page.key("b")
    page.until(f"{NOTE} === '1 stroke'")
    (stroke,) = kept(store, 1)
    (x, y) = stroke.points[0]
    assert (x, y) == (pytest.approx(260, abs=2), pytest.approx(190, abs=2))


def focus_picture(page: Browser) -> None:
    page.js("document.querySelector('#picture .openseadragon-canvas').focus()")


SHOWN = "document.querySelector('#layer-a').selectedOptions[0].textContent"


@pytest.mark.parametrize(("looked_at", "painted"), [("Slice", "Result, retouched"), ("Depth", "Depth, retouched")])
def test_what_is_painted_is_seen(page: Browser, store: Store, looked_at: str, painted: str) -> None:
    option = f"[...document.querySelector('#layer-a').options].find(o => o.textContent === {looked_at!r})"
    page.choose("#layer-a", page.js(f"{option}.value"))
    page.click("#brush-on")
    focus_picture(page)
    page.key("b")
    page.until(f"{SHOWN} === {painted!r}")
    kept(store, 1)


def test_keys_undo_redo_and_change_the_radius(page: Browser, store: Store) -> None:
    page.click("#brush-on")
    focus_picture(page)
    page.choose("#brush-radius", 40)
    page.key("]")
    assert page.js("document.querySelector('#brush-radius-text').textContent") == "48"
    page.key("[")
    assert page.js("document.querySelector('#brush-radius-text').textContent") == "40"
    page.key("b")
    kept(store, 1)
    page.key("z", control=True)
    page.until(f"{NOTE} === '0 strokes'")
    kept(store, 0)
    page.key("y", control=True)
    page.until(f"{NOTE} === '1 stroke'")
    page.js("document.querySelector('#retouch-result').focus()")
    page.key("z", control=True)  # of the text that is typed there
    assert len(kept(store, 1)) == 1


def test_a_key_takes_the_slice_in_front_whatever_was_taken_before(page: Browser) -> None:
    page.choose("#brush-source", "picture")
    page.choose("#brush-slice-number", "")
    focus_picture(page)
    page.key("v")
    page.until("document.querySelector('#values').textContent.includes('Slice in front')")
    page.key("s")
    assert page.js("document.querySelector('#brush-source').value") == "slice"
    assert not page.js("document.querySelector('#brush-slice-row').hidden")
    assert page.js("document.querySelector('#brush-picture-row').hidden")
    page.choose("#brush-slice-number", 99)  # what is told is what is taken
    assert page.js("document.querySelector('#brush-slice-number').value") == "4"


def test_strokes_that_another_page_painted_meanwhile_stay(page: Browser, store: Store) -> None:
    other = Stroke(((9.0, 9.0),), 5.0, slice=1)
    keep_strokes(store, (other,))
    page.click("#brush-on")
    focus_picture(page)
    page.key("b")
    page.until(f"{NOTE} === '2 strokes'")
    assert kept(store, 2)[0] == other
    keep_strokes(store, (other, other, other))  # and one that only looks tells of them
    page.until(f"{NOTE} === '3 strokes'")


def test_a_second_press_overwrites_a_file_that_is_there(page: Browser, tmp_path: Path) -> None:
    (tmp_path / "there.tif").write_bytes(b"x")
    page.click("#brush-on")
    focus_picture(page)
    page.key("b")
    page.until(f"{NOTE} === '1 stroke'")
    page.choose("#retouch-result", tmp_path / "there.tif")
    page.click("#retouch-export")
    page.until(f"{NOTE}.includes('choose another name, or press Overwrite')")
    assert (tmp_path / "there.tif").read_bytes() == b"x"
    page.until("document.querySelector('#retouch-export').textContent === 'Overwrite'")
    page.click("#retouch-export")
    page.until(f"{NOTE}.includes('is written')")
    assert tifffile.imread(tmp_path / "there.tif").shape == (380, 520, 3)
    assert page.js("document.querySelector('#retouch-export').textContent") == "Export"
    assert page.problems() == []


def test_a_picture_file_is_painted_and_strokes_of_a_file_are_added(page: Browser, store: Store, tmp_path: Path) -> None:
    picture = np.zeros((380, 520, 3), np.uint8)
    tifffile.imwrite(tmp_path / "<b>.tif", picture, photometric="rgb")
    page.choose("#brush-source", "picture")
    page.choose("#brush-picture", tmp_path / "none.tif")
    page.click("#brush-on")
    page.js("document.querySelector('#picture .openseadragon-canvas').focus()")
    page.key("b")
    page.until(f"{NOTE}.includes('No such file')")
    page.choose("#brush-picture", tmp_path / "<b>.tif")
    page.key("b")
    page.until(f"{NOTE} === '1 stroke'")
    (stroke,) = kept(store, 1)
    assert stroke.picture == str(tmp_path / "<b>.tif")
    assert stroke.contents == picture_contents(stroke.picture)
    (tmp_path / "more.json").write_text(strokes_text((Stroke(((9.0, 9.0),), 5.0, slice=1),)))
    page.choose("#strokes-file", tmp_path / "more.json")
    page.click("#strokes-load")
    page.until(f"{NOTE} === '2 strokes'")
    page.click("#stroke-undo")
    page.until(f"{NOTE} === '1 stroke'")
    assert kept(store, 1) == (stroke,)
    assert page.problems() == []


def test_export_refuses_what_would_be_lost(store: Store, tmp_path: Path) -> None:
    retouching = Retouching(store)
    with pytest.raises(Refusal):
        retouching.keep({"strokes": [{"points": "<script>"}]})
    (tmp_path / "there.tif").write_bytes(b"x")
    with pytest.raises(Exception, match="exists already"):
        retouching.export({"result": str(tmp_path / "there.tif")})
    with pytest.raises(Refusal, match="lies in the store"):
        retouching.export({"result": str(store.folder / "x.tif")})


NO_FILES = [None, 5, [], "", "/", "a\0b", "~nobody-of-this-name/x.tif", "\ud800.tif", "x" * 100_000]


@pytest.mark.parametrize("name", NO_FILES, ids=lambda name: repr(name)[:30])
def test_what_is_no_file_is_refused_in_a_line(name: object, store: Store) -> None:
    retouching = Retouching(store)
    for question, about in (("load_strokes", "file"), ("check_picture", "picture"), ("export", "result")):
        with pytest.raises(Refusal) as refused:
            retouching.questions[question]({about: name})
        assert "\n" not in str(refused.value)


def test_a_file_that_never_ends_is_not_read(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("/dev/zero", str(tmp_path / "pipe")):
        for question, about in (("load_strokes", "file"), ("check_picture", "picture")):
            with pytest.raises(Refusal, match="not a regular file"):
                Retouching(store).questions[question]({about: name})


def test_a_file_of_strokes_that_is_too_long_is_not_read(store: Store, tmp_path: Path) -> None:
    with (tmp_path / "long.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Refusal, match="more than"):
        Retouching(store).load({"file": str(tmp_path / "long.json")})


def test_strokes_that_stay_the_same_are_parsed_once(store: Store) -> None:
    keep_strokes(store, (Stroke(((1.0, 1.0),), 3.0),))
    assert stored_strokes(store) is stored_strokes(store)
    keep_strokes(store, (Stroke(((1.0, 1.0),), 4.0),))
    assert stored_strokes(store)[0].radius == 4
    keep_strokes(store, ())
