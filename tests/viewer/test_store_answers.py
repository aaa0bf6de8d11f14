"""Answers for the page of a store: they are of its latest run, and a store that is gone is told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from program import run
from viewed_stores import OPTIONS, stack_files
from viewer_servers import Served, opened_page

from imfuse_tiles.cli.reopen_run import reopen_run
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.remembered_masks import looks, memory
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.session import Shown, ViewSession
from imfuse_tiles.viewer.store_answers import StoreAnswers

TESTED_MODULES = ("viewer.opened_run",)
NOTE = "document.querySelector('#tune-note').textContent"
LEGENDS = "[...document.querySelectorAll('#form legend')].map(each => each.textContent)"


@pytest.fixture(autouse=True)
def _nothing_is_remembered_for_others() -> Iterator[None]:
    yield
    memory.most = looks.most = 0
    memory.clear()
    looks.clear()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    browser = Browser(tmp_path / "profile")
    yield browser
    browser.close()


def fused_by_command(folder: Path, stack: str, *options: str, seed: int = 1, width: int = 260) -> Path:
    """The store of ``fuse``, which notes how it was begun."""
    files = sorted((folder / stack).glob("*.tif")) or stack_files(folder / stack, seed=seed, width=width)
    ended = run("fuse", *options, "--align=no", "--force", "--store", "store", "-o", "result.tif",
                *(f"{stack}/{each.name}" for each in files), cwd=folder)  # fmt: skip
    assert ended.code == 0, ended.err
    return folder / "store"


def test_what_is_tuned_is_the_latest_run_of_the_store(tmp_path: Path) -> None:
    store = Store.at(fused_by_command(tmp_path, "one", *OPTIONS))
    tuner = StoreAnswers(store, lambda: reopen_run(store)).tuner
    first = tuner.options({})
    opened = tuner.run
    assert tuner.options({}) == first
    assert tuner.run is opened
    fused_by_command(tmp_path, "one", *OPTIONS[:-1], "--bg=max")
    other = tuner.options({})
    assert other["stack"] == first["stack"]
    assert "--bg=Max" in other["options"]
    fused_by_command(tmp_path, "two", *OPTIONS, seed=2, width=200)
    answer = tuner.tune({"form": other["form"], "region": [0, 0, 200, 100]})
    assert "two/frame0.tif" in answer["command"]
    assert tuner.options({})["stack"] != first["stack"]
    shutil.rmtree(tmp_path / "store")
    for question in (tuner.options, tuner.tune, tuner.run_whole):
        with pytest.raises(Refusal, match="the store is no longer there"):
            question({"form": other["form"], "region": [0, 0, 90, 90], "result": "x.tif"})
    assert not (tmp_path / "store").exists()


def test_the_page_goes_on_from_the_latest_run_and_tells_that_a_store_is_gone(browser: Browser, tmp_path: Path) -> None:
    store = Store.at(fused_by_command(tmp_path, "one", *OPTIONS))
    session, tuner = (
        ViewSession([Shown(store)], tmp_path / "tiles"),
        StoreAnswers(store, lambda: reopen_run(store)).tuner,
    )
    session.add(tuner.questions, tuner.pictures.get)
    server = Served(session)
    try:
        page = opened_page(browser, server)
        page.click("#tune summary")
        page.until("document.querySelectorAll('#form fieldset').length > 3")
        page.click("#region-view")
        page.until(f"{NOTE}.startsWith('computed')")
        fused_by_command(tmp_path, "one", *OPTIONS[:-1], "--bg=max")
        page.until(f"{LEGENDS}.includes('--bg=Max')")
        page.click("#undo")
        assert "--bg=Max" not in page.js(LEGENDS)
        fused_by_command(tmp_path, "two", *OPTIONS, seed=2, width=200)
        page.until(f"{NOTE}.includes('made anew')")
        assert page.js("document.querySelector('#undo').disabled && !document.querySelector('#region')")
        assert page.js("document.querySelector('#tune-command').value.includes('two/frame0.tif')")
        shutil.rmtree(tmp_path / "store")
        page.until("document.querySelector('#status').textContent.includes('the store is no longer there')")
        assert page.problems() == []
    finally:
        browser.open("about:blank")  # a page that asks keeps the server
        server.end()
