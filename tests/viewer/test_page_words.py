"""What the page says: which result, what kind of layers, what is in focus, and what a file in the way asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from viewed_stores import OPTIONS, fused_store, stack_files
from viewer_servers import Served, opened_page

from imfuse_tiles.cli.view import store_of
from imfuse_tiles.execution.fuse_stack import fuse_images
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.session import Shown, ViewSession

ENTRIES = "[...document.querySelectorAll('#layer-a option')].map(each => each.textContent)"
GROUPS = "[...document.querySelectorAll('#layer-a optgroup')].map(each => each.label)"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> ViewSession:
    """Of a store with two results."""
    folder = tmp_path_factory.mktemp("words")
    store = fused_store(folder)
    files = sorted((folder / "stack").glob("*.tif"))
    recipe = Recipe.from_options((*OPTIONS, "--cutmax"))
    fuse_images(files, recipe, folder / "other.tif", store=store, extra=True, scheduler="sync")
    return ViewSession([Shown(Store.at(store))], tmp_path_factory.mktemp("tiles"))


@pytest.fixture(scope="module")
def opened(session: ViewSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Served]]:
    browser, server = Browser(tmp_path_factory.mktemp("profile")), Served(session)
    yield browser, server
    browser.close()
    server.end()


def test_results_of_a_store_are_told_apart_in_the_closed_list(opened: tuple[Browser, Served]) -> None:
    page = opened_page(*opened)
    results = [each for each in page.js(ENTRIES) if each.startswith("Result")]
    assert len(set(results)) == 2
    assert sum("--cutmax" in each for each in results) == 1
    assert "Slice" in page.js(ENTRIES)


def test_a_picture_is_under_files(opened: tuple[Browser, Served], tmp_path: Path) -> None:
    files = stack_files(tmp_path / "stack", slices=2)
    server = Served(ViewSession([Shown(store_of(str(file)), file.name) for file in files], tmp_path / "tiles"))
    try:
        page = opened[0]
        page.open(server.address)
        page.until("document.querySelector('#layer-a').value")
        assert page.js(GROUPS) == ["Files – frame0.tif", "Files – frame1.tif"]
        assert page.js(ENTRIES) == ["Picture – frame0.tif", "Picture – frame1.tif"]
    finally:
        opened[0].open("about:blank")  # a page that asks keeps the server
        server.end()


@pytest.mark.parametrize(("values", "told"), [([0, 0, 0], "nothing is in focus here"), ([0, 2, 1], "strongest in 2")])
def test_where_no_mask_is_above_zero_no_slice_is_the_strongest(
    opened: tuple[Browser, Served], session: ViewSession, values: list[int], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pixel(about: dict[str, Any]) -> Any:
        return {"values": [], "winner": None, "curve": {"label": "Mask of slice", "values": values}}

    monkeypatch.setitem(session.questions, "pixel", pixel)
    page = opened_page(*opened)
    page.mouse("mouseMoved", 400, 400)
    text = page.until("document.querySelector('#curve-text').textContent")
    assert text == f"Mask of slice 1 to 3: {told}"


def test_the_zoom_buttons_leave_the_legend_of_depth_free_in_a_narrow_window(opened: tuple[Browser, Served]) -> None:
    browser = opened[0]
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    try:
        browser.open(opened[1].address)
        browser.until("document.querySelector('#layer-a').value")
        depth = browser.js(
            "[...document.querySelectorAll('#layer-a option')].find(e => e.label.startsWith('Depth')).value"
        )
        browser.choose("#layer-a", depth)
        browser.until("!document.querySelector('#depth-legend').hidden")
        assert browser.js("""(() => {
            const [legend, zoom] = ["#depth-legend", "#zoom"]
                .map((e) => document.querySelector(e).getBoundingClientRect());
            return legend.bottom <= zoom.top || legend.left >= zoom.right;
        })()""")
    finally:
        browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)


def test_a_file_in_the_way_of_the_whole_run_asks_for_another_name(
    opened: tuple[Browser, Served], session: ViewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    now: dict[str, Any] = {"going": True, "code": None, "error": "", "stopped": False, "result": "a.tif", "doing": ""}
    form = {"form": [], "options": "", "declarations": [], "most": 1, "result": "a.tif", "command": "", "stack": "s"}
    monkeypatch.setitem(session.questions, "options", lambda about: form)
    monkeypatch.setitem(session.questions, "tuning", lambda about: now)
    page = opened_page(*opened)
    page.click("#tune summary")
    page.until("!document.querySelector('#stop-whole').hidden")
    now.update(going=False, code=3, error="imfuse-tiles: a.tif: exists already; --force overwrites it")
    page.until("document.querySelector('#status').textContent.includes('a.tif: is there already; choose another name')")
    assert "--force" not in page.js("document.querySelector('#status').textContent")
