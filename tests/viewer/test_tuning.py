"""Tuning as a person does it in the page: a region, changed options, undo, the run on the whole."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import Browser
from imagecodecs import png_decode
from program import run
from viewed_stores import OPTIONS, stack_files
from viewer_servers import PICTURE, Served, opened_page, pixels

from imfuse_tiles.cli.main import main
from imfuse_tiles.cli.reopen_run import reopen_run
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.region_values import region_values
from imfuse_tiles.execution.remembered_masks import memory
from imfuse_tiles.geometry import Region
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.option_forms import form_of
from imfuse_tiles.viewer.session import Shown, ViewSession
from imfuse_tiles.viewer.tuning import Tuner

TESTED_MODULES = ("cli.reopen_run",)
NOTE = "document.querySelector('#tune-note').textContent"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stack, its store and its result."""
    folder = tmp_path_factory.mktemp("tuned")
    files = stack_files(folder / "stack")
    ended = run("fuse", *OPTIONS, "-X", "--store", "store", "-o", "result.tif", *(f"stack/{f.name}" for f in files),
                cwd=folder)  # fmt: skip
    assert ended.code == 0, ended.err
    return folder


@pytest.fixture(scope="module")
def tuner(folder: Path) -> Tuner:
    return Tuner(lambda: reopen_run(Store.at(folder / "store")))


@pytest.fixture(scope="module")
def opened(folder: Path, tuner: Tuner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Served]]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    session = ViewSession([Shown(Store.at(folder / "store"))], tmp_path_factory.mktemp("tiles"))
    session.add(tuner.questions, tuner.pictures.get)
    server = Served(session)
    yield browser, server
    browser.close()
    server.end()


@pytest.fixture
def page(opened: tuple[Browser, Served]) -> Browser:
    """The page with the tuning open."""
    page = opened_page(*opened)
    page.click("#tune summary")
    page.until("document.querySelectorAll('#form fieldset').length > 3")
    return page


def legends(page: Browser) -> list[str]:
    found: list[str] = page.js("[...document.querySelectorAll('#form legend')].map(each => each.textContent)")
    return found


def test_a_region_is_tuned_undone_and_run_on_the_whole(page: Browser, folder: Path) -> None:
    assert "--cutblur=s2" in legends(page)
    page.click("#region-view")
    page.until(f"{NOTE}.startsWith('computed')")
    at = legends(page).index("--cutblur=s2")
    page.choose(f"#cutblur-{at}-s-slider", 5)
    page.until("[...document.querySelectorAll('#form legend')].some(each => each.textContent === '--cutblur=s5')")
    page.choose("#add-option", "cutalpha")
    page.until("document.querySelector('#tune-command').value.includes('--cutalpha')")
    page.click("#undo")
    assert "--cutalpha" not in " ".join(legends(page))
    page.click("#undo")
    assert "--cutblur=s2" in legends(page)
    page.click("#redo")
    assert "--cutblur=s5" in legends(page)
    page.click("#run-whole")
    page.until("document.querySelector('#status').textContent.includes('is done')", 60)
    assert (folder / "result-tuned.tif").is_file()
    assert page.until("[...document.querySelectorAll('#layer-a optgroup')].some(each => each.label.includes('s5'))")
    assert page.problems() == []


def test_changes_in_a_row_all_count_and_leave_what_is_typed_alone(page: Browser) -> None:
    page.click("#region-view")
    page.until(f"{NOTE}.startsWith('computed')")
    at = legends(page).index("--cutblur=s2")
    page.js("document.querySelector('#bg-4-word1').focus()")
    page.js("document.activeElement.value = 'Med'")
    page.choose("#maskblur-1-s", 3)
    page.choose(f"#cutblur-{at}-s", 6)
    page.until("[...document.querySelectorAll('#form legend')].some(each => each.textContent === '--cutblur=s6')")
    page.until(f"{NOTE}.startsWith('computed')")
    assert "--maskblur=s3" in legends(page)
    assert page.js("[document.activeElement.id, document.activeElement.value]") == ["bg-4-word1", "Med"]


def test_a_value_that_is_refused_goes_back_and_is_told(page: Browser) -> None:
    at = legends(page).index("--cutblur=s2")
    page.choose(f"#cutblur-{at}-s", -7)
    page.until(f"{NOTE}.includes('allowed is')")
    assert page.js("document.querySelector('#tune-note').classList.contains('bad')")
    page.until(f"document.querySelector('#cutblur-{at}-s').value === '2'")
    assert page.js("document.querySelector('#undo').disabled")


def test_options_are_added_to_their_section_moved_and_kept_when_the_page_is_loaded_again(page: Browser) -> None:
    page.choose("#add-option", "cutmax")
    page.until("[...document.querySelectorAll('#form legend')].some(each => each.textContent.startsWith('--cutmax'))")
    page.choose("#add-option", "cutless")
    page.until("[...document.querySelectorAll('#form legend')].some(each => each.textContent.startsWith('--cutless='))")
    page.until(f"{NOTE} === ''")
    names = [each.split("=")[0] for each in legends(page)]
    assert names == ["--laplacian", "--maskblur", "--masklevel", "--cutless", "--cutblur", "--cutmax", "--bg"]
    page.click("#cutmax-5-up")
    page.until("!!document.querySelector('#cutmax-4-down')")
    assert page.js("document.activeElement.id") == "cutmax-4-up"
    page.until(f"{NOTE} === ''")
    page.click("#cutmax-4-up")  # before --cutless, which must be the first
    page.until(f"{NOTE}.includes('must be the first')")
    page.until("!!document.querySelector('#cutmax-4-down')")
    before = legends(page)
    page.call("Page.reload")
    page.until("document.readyState === 'complete' && document.querySelector('#layer-a').value")
    page.click("#tune summary")
    page.until("document.querySelectorAll('#form fieldset').length > 6")
    assert legends(page) == before
    for _ in range(3):
        page.click("#undo")
    names = [each.split("=")[0] for each in legends(page)]
    assert names == ["--laplacian", "--maskblur", "--masklevel", "--cutblur", "--bg"]
    assert page.js("document.querySelector('#undo').disabled")
    assert page.problems() == []


def test_a_run_on_the_whole_is_stopped(page: Browser, opened: tuple[Browser, Served]) -> None:
    questions, progress = opened[1].session.questions, {"going": True, "code": None, "doing": "", "stopped": False}
    tuning, stop = questions["tuning"], questions["stop"]
    try:
        questions["tuning"] = lambda about: progress
        questions["stop"] = lambda about: progress.update(going=False, code=130, stopped=True)
        page = opened_page(*opened)  # it finds the run that goes on
        page.click("#tune summary")
        page.until("!document.querySelector('#stop-whole').hidden && document.querySelector('#run-whole').disabled")
        page.click("#stop-whole")
        page.until("document.querySelector('#status').textContent.includes('was stopped')")
        assert page.js("document.querySelector('#stop-whole').hidden")
    finally:
        questions.update(tuning=tuning, stop=stop)


def test_a_region_is_hidden_with_the_tuning(page: Browser) -> None:
    page.click("#region-view")
    page.until("!!document.querySelector('#region')")
    page.click("#tune summary")
    page.until("document.querySelector('#region').hidden")
    page.click("#tune summary")
    page.until("!document.querySelector('#region').hidden")


def test_a_region_is_drawn_with_the_mouse(page: Browser) -> None:
    page.click("#region-choose")
    page.drag((300, 300), (450, 420))
    page.until("/^\\d+ × \\d+ pixels/.test(document.querySelector('#tune-place').textContent)")
    page.until(f"{NOTE}.startsWith('computed')")
    assert page.js("document.querySelector('#region-choose').getAttribute('aria-pressed')") == "false"
    page.click("#retouch summary")
    page.until("document.querySelector('#retouch-note').textContent")  # it has scrolled into sight
    page.click("#brush-on")  # the result that is painted is seen, not the region that was computed
    assert page.js("document.querySelector('#region').hidden")
    page.click("#brush-on")
    assert not page.js("document.querySelector('#region').hidden")


def test_the_region_lies_on_the_left_of_the_curtain(page: Browser) -> None:
    page.click("#region-view")
    page.until(f"{NOTE}.startsWith('computed')")
    page.choose("#add-option", "finalgamma")
    page.until("document.querySelector('#tune-command').value.includes('--finalgamma')")
    page.until(f"{NOTE}.startsWith('computed')")
    page.choose(
        "#layer-b", page.js("[...document.querySelectorAll('#layer-b option')].find(e => e.label === 'Slice').value")
    )
    page.until("!document.querySelector('#curtain').hidden")
    page.until("[...document.querySelectorAll('#tag-b')].every(each => each.textContent === 'Slice 1')")
    shown = settled_pixels(page)
    page.js("document.querySelector('#before').dispatchEvent(new Event('pointerdown'))")
    before = settled_pixels(page)
    middle = page.js("Math.round(document.querySelector('#picture').getBoundingClientRect().width / 2)")
    differs = np.abs(shown - before).max(2)[PICTURE[0]]
    page.js("document.querySelector('#before').dispatchEvent(new Event('pointerup'))")
    assert (differs[:, 100 : middle - 4] > 4).mean() > 0.1
    assert differs[:, middle + 4 : 2 * middle].max() == 0
    page.choose("#layer-b", "")
    assert page.problems() == []


def settled_pixels(page: Browser) -> np.ndarray:
    """The page once nothing changes any more."""
    before, after = np.zeros(1), pixels(page)
    while not np.array_equal(before, after):
        time.sleep(0.3)
        before, after = after, pixels(page)
    return after


def test_what_is_shown_is_what_the_whole_run_makes(tuner: Tuner) -> None:
    form = tuner.options({})["form"]
    answer = tuner.tune({"form": form, "region": [20, 30, 100, 80]})
    shown = np.asarray(png_decode(tuner.pictures[answer["picture"]]))
    codes = tuner.run.store.arrays.open(f"final/{Path(final_of(tuner)).name}").read([(0, 3), (30, 110), (20, 120)])
    assert np.array_equal(shown, np.moveaxis((codes.astype(int) + 128) // 257, 0, -1))


def final_of(tuner: Tuner) -> str:
    from imfuse_tiles.planning.plan import make_plan

    return make_plan(tuner.run.recipe, tuner.run.stack, tuner.run.block_limit).result.outputs[0].path


def test_the_command_line_makes_the_same_run_again(tuner: Tuner) -> None:
    words = shlex.split(tuner.options({})["command"])
    assert words[:2] == ["imfuse-tiles", "fuse"]
    assert "--extra" in words
    assert sum(word.endswith(".tif") and "frame" in word for word in words) == 4


def test_another_page_drops_no_question(tuner: Tuner) -> None:
    about = {"form": tuner.options({})["form"], "region": [20, 30, 100, 80]}
    tuner.tune({**about, "page": "one"})
    tuner.drop({"page": "other"})
    assert not tuner.halt.number
    tuner.drop({"page": "one"})
    assert tuner.halt.number
    assert not tuner.tune({**about, "page": "other"}).get("stale")


def test_pictures_are_numbered_while_no_other_page_can_get_one(tuner: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = list[bool]()

    class Noted(dict[int, bytes]):
        def __setitem__(self, number: int, picture: bytes) -> None:
            alone.append(tuner.computing.locked())
            super().__setitem__(number, picture)

    monkeypatch.setattr(tuner, "pictures", Noted())
    answer = tuner.tune({"form": tuner.options({})["form"], "region": [20, 30, 100, 80], "page": "one"})
    assert answer["picture"] in tuner.pictures
    assert alone == [True]


def test_other_preparations_of_frames_are_refused(tuner: Tuner) -> None:
    form = [*tuner.options({})["form"], {"name": "rotate", "values": {}}]
    for question in (tuner.tune, tuner.run_whole):
        with pytest.raises(Refusal, match="prepared as they are read"):
            question({"form": form, "region": [0, 0, 9, 9], "result": "x.tif"})


@pytest.mark.parametrize("region", [None, [1, 2, 3], [0, 0, 0, 5], [-1, 0, 5, 5], [0, 0, 9999, 5], ["0", 0, 5, 5]])
def test_a_region_outside_is_refused(tuner: Tuner, region: object) -> None:
    with pytest.raises(Refusal, match="region"):
        tuner.tune({"form": [], "region": region})


@pytest.mark.parametrize("word", ["--maskcmd=marker:run", "--scheduler=marker:run", "--scheduler=tcp://127.0.0.1:9",
                                  "--scheduler=./marker.toml", "--allow-code"])  # fmt: skip
@pytest.mark.parametrize("place", ["command", "options"])
def test_what_a_store_notes_runs_no_code_unasked(
    folder: Path, place: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "marker.py").write_text("raise SystemExit('it ran')\n")
    monkeypatch.syspath_prepend(tmp_path)
    store = Store.at(folder / "store")
    note = store.numbers.load("runs")
    assert note is not None
    changed = [*note["command"], word] if place == "command" else f"{note['options']} {word}"
    store.numbers.save("runs", {**note, place: changed})
    try:
        with pytest.raises(Refusal, match="could run code"):
            reopen_run(store)
    finally:
        store.numbers.save("runs", note)


def test_a_store_whose_images_changed_is_not_tuned(tmp_path: Path) -> None:
    files = stack_files(tmp_path / "stack")
    store = Store.at(tmp_path / "store")
    words = [*OPTIONS, "--align=no", "--store", str(store.root), *map(str, files), "-o", str(tmp_path / "result.tif")]
    assert main(["fuse", *words]) == 0
    reopen_run(store)
    files[0].write_bytes(files[0].read_bytes() + b" ")
    with pytest.raises(Refusal, match="have changed"):
        reopen_run(store)
    files[0].unlink()
    with pytest.raises(Refusal):
        reopen_run(store)


def test_frames_that_are_read_in_place_are_tuned_as_stored_ones_are(tmp_path: Path) -> None:
    files = [str(file) for file in stack_files(tmp_path / "stack")]
    found = []
    for ingest in ("never", "always"):
        words = [*OPTIONS, "--align=no", f"--ingest={ingest}", "--store", str(tmp_path / ingest), *files]
        assert main(["fuse", *words, "-o", str(tmp_path / f"{ingest}.tif")]) == 0
        run = reopen_run(Store.at(tmp_path / ingest))
        plan = make_plan(Recipe.from_options((*OPTIONS[:-1], "--bg=max")), run.stack)
        found.append(region_values(plan, run.store, run.resources, Region(20, 90, 30, 140))[0])
    assert np.array_equal(*found)


def test_memory_of_remembered_masks_is_given_back_where_a_stage_needs_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = reopen_run(Store.at(folder / "store"))
    least = replace(run.resources, memory=1 << 20)
    tuner = Tuner(lambda: replace(run, resources=least, reserved=run.resources.memory - least.memory))
    monkeypatch.setattr(memory, "most", 1 << 20)
    form = form_of(Recipe.from_options([*OPTIONS, "--maskblur=s3"]))
    answer = tuner.tune({"form": form, "region": [10, 20, 80, 60]})
    assert answer["exact"]
    assert memory.most == 1 << 20
