"""``status`` and ``cache`` as a person uses them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from stacks import frames, written

from imfuse_tiles.cli.cache import age_text
from imfuse_tiles.cli.main import main
from imfuse_tiles.execution.pipeline import cache_folder
from imfuse_tiles.storage.store import Store


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The name of the one store in the cache folder, after a run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    images = [str(path) for path in written(tmp_path / "in", frames(3, shape=(80, 70)))]
    assert main(["fuse", "--quiet", "--wavelet", "-o", str(tmp_path / "r.tif"), *images]) == 0
    capsys.readouterr()
    (place,) = cache_folder().iterdir()
    return place.name


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints."""
    capsys.readouterr()
    assert main(words) == code
    both = capsys.readouterr()
    return both.err if code else both.out


def test_status_shows_the_stages_of_the_last_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "status", name)
    assert "--wavelet=p5 --masklevel=t5" in text
    assert "not in use" in text
    lines = [line.split() for line in text.splitlines()[5:]]
    assert [line[0] for line in lines] == ["read", "mask", "normalise", "merge", "montage", "write"]
    assert all(line[-1] == "complete" for line in lines)
    assert lines[0][2:5] == ["3", "of", "3"]


def test_status_tells_what_a_lean_run_has_deleted_and_the_stage_at_work(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = str(tmp_path / "lean")
    words = ["--lean", "--blur", "--store", place, *map(str, sorted((tmp_path / "in").iterdir()))]
    assert main(["fuse", "--quiet", "-o", str(tmp_path / "l.tif"), *words]) == 0
    store = Store(place)

    def states() -> list[str]:
        return [line[52:] for line in said(capsys, "status", place).splitlines()[5:]]

    gone = "not needed any more"
    assert states() == ["complete", gone, "complete", gone, gone, "complete"]
    notes = store.numbers.load("runs")
    assert notes is not None
    store.journal(notes["order"][-1]).forget()
    store.journal(notes["order"][-2]).begin({"chunk": 64, "edge": 64, "run": 1})
    with store.locked():
        assert states() == ["complete", gone, "complete", gone, "running", "not begun"]


def test_status_of_a_run_at_work_tells_its_rate(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A stage of 100 blocks, of which one was recorded every ten seconds until five seconds ago."""
    store = Store(str(cache_folder() / name))
    said_before = store.numbers.load("runs")
    assert said_before is not None
    key = said_before["order"][-1]
    said_before["stages"][key]["blocks"] = 100
    store.numbers.save("runs", said_before)
    now = time.time()
    said_before["began"] = now - 1000
    store.numbers.save("runs", said_before)
    with store.journal(key).appending() as record:
        record({"block": "0/0/0", "at": now - 5000})  # of an earlier run
        for block in range(1, 21):
            record({"block": f"0/{block}/0", "at": now - 205 + 10 * block})
    done = len(store.journal(key).completed_blocks())
    with store.locked():
        store.numbers.delete(key)
        text = said(capsys, "status", name)
    assert "in use by process" in text
    found = re.search(r"running: (.*) blocks/s, about (.*) s left", text.splitlines()[-1])
    assert found
    assert float(found[1]) == pytest.approx(19 / 195, rel=0.05)
    assert float(found[2]) == pytest.approx((100 - done) * 195 / 19, rel=0.05)


def test_stores_are_listed_and_removed(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    listed = said(capsys, "cache", "ls")
    assert listed.startswith(name)
    assert str(tmp_path / "in") in listed
    assert "removed" in said(capsys, "cache", "rm", name)
    assert said(capsys, "cache", "ls") == ""
    assert "nor is there one of this name" in said(capsys, "cache", "rm", name, code=2)


@pytest.mark.parametrize("words", [("cache", "rm", "--all"), ("fuse", "--rmcache")])
def test_the_whole_cache_is_removed_but_for_what_is_in_use(
    name: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with Store(str(cache_folder() / name)).locked():
        assert "1 stores in use are left" in said(capsys, *words)
    assert (cache_folder() / name / "zarr.json").is_file()
    assert "removed" in said(capsys, *words)
    assert list(cache_folder().iterdir()) == []


def test_collecting_keeps_to_its_limits(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = cache_folder() / name
    for words in ([], ["--keep", "1G"], ["--keep=1G", "--older", "1"], ["--older=0.5", name]):
        assert "0 B removed" in said(capsys, "cache", "gc", *words)
    with Store(str(place)).locked():
        assert "0 B removed" in said(capsys, "cache", "gc", "--keep=0")
    assert "removed" in said(capsys, "cache", "gc", "--keep=0")
    assert not place.exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["cache", "empty"], "ls, rm and gc"),
        (["cache", "ls", "x"], "takes no argument"),
        (["cache", "rm"], "names of stores"),
        (["cache", "rm", "-x"], "names of stores"),
        (["cache", "gc", "--keep", "much"], "much"),
        (["cache", "gc", "--older", "x"], "number of days"),
        (["cache", "gc", "--bigger"], "--keep SIZE and --older DAYS"),
        (["status", "nowhere"], "nowhere is not a store"),
        (["status", "a", "b"], "one store"),
    ],
)
def test_wrong_words_are_refused(name: str, capsys: pytest.CaptureFixture[str], words: list[str], part: str) -> None:
    assert part in said(capsys, *words, code=2)


def test_help() -> None:
    assert main(["cache", "--help"]) == main(["status", "--help"]) == 0
    assert main(["cache"]) == main(["status"]) == 2


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 seconds ago"), (1, "1 second ago"), (119, "119 seconds ago"),
                                               (120, "2 minutes ago"), (3 * 3600, "3 hours ago")])  # fmt: skip
def test_an_age_is_told_in_the_largest_unit_of_which_there_are_two(
    seconds: float, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imfuse_tiles.cli.cache.time.time", lambda: 1e9)
    assert age_text(1e9 - seconds) == text
