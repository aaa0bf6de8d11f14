"""What a person does in the page, in a real Chromium: open, zoom, draw the curtain, read values, use the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser
from viewed_stores import fused_store
from viewer_servers import Served, opened_page, pixels

from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.session import Shown, ViewSession

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Served]]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    store = Store.at(fused_store(tmp_path_factory.mktemp(f"{HOSTILE.replace('/', '')} & more"), height=380, width=520))
    server = Served(ViewSession([Shown(store)], tmp_path_factory.mktemp("tiles")))
    yield browser, server
    browser.close()
    server.end()


@pytest.fixture
def page(opened: tuple[Browser, Served]) -> Browser:
    return opened_page(*opened)


#: Text of less contrast than WCAG AA asks for (4.5): https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio
FAINT_TEXT = """(() => {
  const parts = (colour) => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3]));
  const light = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, share, at) => {
    const value = colour[at] / 255;
    return sum + share * (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  }, 0);
  const back = (e) => (e ? over(parts(getComputedStyle(e).backgroundColor), back(e.parentElement)) : [0, 0, 0]);
  const contrast = (e) => {
    const both = [light(back(e)), light(over(parts(getComputedStyle(e).color), back(e)))];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };
  const holdsText = (e) => ["INPUT", "TEXTAREA", "SELECT"].includes(e.tagName)
    || [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll("body *")]
    .filter((e) => holdsText(e) && e.getClientRects().length && contrast(e) < 4.5).map((e) => e.id || e.textContent);
})()"""


def layer(page: Browser, label: str) -> str:
    found: str = page.js(
        f"[...document.querySelector('#layer-a').options].find(o => o.textContent === {label!r}).value"
    )
    return found


def test_the_picture_is_there_and_nothing_is_complained_of(page: Browser) -> None:
    page.until("document.querySelector('#zoom-text').textContent !== ''")
    page.until("performance.getEntriesByType('resource').some(each => each.name.includes('/tile/'))")
    for _ in range(100):
        middle = pixels(page)[300:500, 300:600]
        if middle.std() > 20:
            break
    assert middle.std() > 20
    assert page.problems() == []


def test_words_of_the_store_never_become_markup(page: Browser) -> None:
    assert HOSTILE.replace("/", "") in page.js("document.querySelector('#command').value")
    assert page.js("document.images.length + document.querySelectorAll('aside img, aside script').length") == 0


def test_values_and_the_curve_of_masks_are_under_the_cursor(page: Browser) -> None:
    page.choose("#layer-a", layer(page, "Result"))
    page.mouse("mouseMoved", 880, 400)
    page.until("document.querySelector('#values').textContent.includes('Slice in front')")
    values = page.js("document.querySelector('#values').innerText")
    assert re.search(r"R [\d.]+ +G [\d.]+ +B [\d.]+ %", values)
    assert page.js("document.querySelector('#curve polyline').points.length") == 4
    assert "slice 4 is in front" in page.until("document.querySelector('#curve-text').textContent")


def test_nothing_moves_away_from_the_mouse_when_values_come(page: Browser) -> None:
    before = page.centre("#options-title")
    page.mouse("mouseMoved", 420, 380)
    page.until("document.querySelector('#curve-text').textContent.includes('in front')")
    assert page.centre("#options-title") == before != (0, 0)


def test_a_curtain_shows_two_layers_side_by_side_and_follows_the_mouse(page: Browser) -> None:
    before = pixels(page)
    page.choose("#layer-b", layer(page, "Depth"))
    page.until("!document.querySelector('#curtain').hidden")
    assert page.js("document.querySelector('#depth-legend').innerText").split() == ["front", "back"]
    for _ in range(100):
        after = pixels(page)
        if np.abs(after - before)[300:500, 600:800].mean() > 20:
            break
    assert np.abs(after - before)[300:500, 600:800].mean() > 20
    assert np.abs(after - before)[300:500, 100:300].mean() < 2
    x, y = page.centre("#curtain span")
    page.drag((x, y), (120, y))
    assert int(page.js("document.querySelector('#curtain').getAttribute('aria-valuenow')")) < 20
    page.js("document.querySelector('#curtain').focus()")
    page.key("End")
    assert page.js("document.querySelector('#curtain').getAttribute('aria-valuenow')") == "100"
    page.choose("#layer-b", "")
    assert page.js("document.querySelector('#curtain').hidden")
    assert page.js("document.querySelector('#depth-legend').hidden")


def test_the_keyboard_zooms_and_turns_over_slices(page: Browser) -> None:
    page.choose("#layer-a", layer(page, "Slice"))
    page.js("document.querySelector('#picture .openseadragon-canvas').focus()")
    page.key(".")
    assert page.js("document.querySelector('#slice-a').value") == "2"
    page.key(",")
    assert page.js("document.querySelector('#slice-a').value") == "1"
    page.key("1")
    page.until("document.querySelector('#zoom-text').textContent === '100 %'")
    page.key("+")
    page.until("document.querySelector('#zoom-text').textContent === '120 %'")
    page.key("-")
    page.until("document.querySelector('#zoom-text').textContent === '100 %'")
    page.key("0")
    page.until("document.querySelector('#zoom-text').textContent !== '100 %'")
    page.choose("#layer-a", layer(page, "Result"))
    page.key("v")  # and a screen reader says it
    page.until("document.querySelector('#status').textContent.includes('Slice in front')")


def test_what_the_tab_key_reaches_is_seen_to_have_the_focus(page: Browser) -> None:
    page.js("document.activeElement.blur()")
    reached = []
    while page.key("Tab") or page.js("document.activeElement !== document.body"):
        shape = page.js(
            "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
        )
        assert shape == ["solid", "2px"]
        reached.append(page.js("document.activeElement.getAttribute('role') || document.activeElement.id"))
    assert reached[0] == "application"
    assert {"zoom-in", "layer-a", "layer-b", "command", "copy"} <= set(reached)


def test_text_is_told_from_what_is_behind_it(page: Browser) -> None:
    page.js("for (const part of document.querySelectorAll('details')) part.open = true")
    page.until("!document.querySelector('#tune-body').hidden || document.querySelector('#tune-note').textContent")
    page.js("for (const button of document.querySelectorAll('button')) button.disabled = button.className === 'main'")
    assert page.js(FAINT_TEXT) == []


def test_every_control_has_a_name(page: Browser) -> None:
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "combobox", "slider", "spinbutton", "textbox", "checkbox", "progressbar", "application", "img"}
    unnamed = [node["role"]["value"] for node in nodes if not node.get("ignored")
               and node["role"]["value"] in roles and not node.get("name", {}).get("value")]  # fmt: skip
    assert unnamed == []


def test_a_result_shows_once_it_has_begun_unless_something_was_chosen(opened: tuple[Browser, Served]) -> None:
    browser, server = opened
    questions, begun = server.session.questions, [False]
    state = questions["state"]

    def of_a_run(about: dict[str, Any]) -> Any:
        found = state(about)
        return {**found, "layers": [each for each in found["layers"] if begun[0] or each["label"] != "Result"]}

    questions["state"] = of_a_run
    chosen = "document.querySelector('#layer-a').selectedOptions[0].textContent"
    try:
        for choice, last in ((None, "Result"), ("Slice", "Slice")):
            begun[0] = False
            page = opened_page(browser, server)
            assert page.js(chosen) != "Result"
            if choice:
                page.choose("#layer-a", layer(page, choice))
            begun[0] = True
            page.until("[...document.querySelector('#layer-a').options].some(o => o.textContent === 'Result')")
            assert page.js(chosen) == last
    finally:
        questions["state"] = state


@pytest.mark.parametrize(("finished", "told"), [(True, "The run is done."), (False, "goes on from there")])
def test_the_end_of_a_run_is_told(opened: tuple[Browser, Served], finished: bool, told: str) -> None:
    browser, server = opened
    questions, ended = server.session.questions, [False]
    state = questions["state"]

    def of_a_run(about: dict[str, Any]) -> Any:
        found = state(about)
        stages = [{"name": "montage", "blocks": 2, "done": 1, "finished": finished and ended[0]}]
        return {**found, "runs": [{"stages": stages, "writer": "" if ended[0] else "process 7"}]}

    questions["state"] = of_a_run
    try:
        page = opened_page(browser, server)
        page.until("document.querySelector('#run-text').textContent.includes('1 of 2 blocks')")
        ended[0] = True
        page.until(f"document.querySelector('#status').textContent.includes('{told}')")
        assert page.js("document.querySelector('#run').hidden")
    finally:
        questions["state"] = state


def test_nothing_is_loaded_from_elsewhere(page: Browser) -> None:
    names = page.js("performance.getEntriesByType('resource').map(each => new URL(each.name).host)")
    assert set(names) == {page.js("location.host")}


def test_the_end_of_the_server_is_told(tmp_path: Path, page: Browser) -> None:
    page.js("window.fetch = () => Promise.reject(new Error('gone'))")
    assert page.until("document.querySelector('#status').textContent.includes('The server has ended')")
