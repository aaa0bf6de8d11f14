"""Places: folders that cannot be written, files that must not be written over, names that fall on each other."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from program import run


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder in which nothing can be made: by its mode, and for root by a mount that allows no writing."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    for words in (["--bind", folder, folder], ["-o", "remount,bind,ro", folder]):
        made = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True)
        if made.returncode:
            pytest.fail(f"root can write everywhere unless it may mount: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def listing(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*"))


@pytest.fixture
def shut(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "shut"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with read_only(folder):
        yield folder


@pytest.mark.parametrize("which", ["store", "result", "report"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_computed(
    which, shut, undisturbed, called, place
):
    places = {"store": place / "store", "result": place / "r.tif", "report": place / "report.json"}
    places[which] = shut / places[which].name
    ended = called(*undisturbed.words(places["store"], places["result"], "--report", places["report"]))
    assert (ended.code, "shut" in ended.line) == (2, True), ended.err
    assert not (place / "store").exists()
    assert [path.name for path in shut.iterdir()] == ["letter.txt"]


def test_a_store_that_has_become_read_only_is_refused_when_there_is_work_and_read_when_there_is_none(
    undisturbed, called, place
):
    store = undisturbed.copy(place / "store")
    with read_only(store):
        ended = called(*undisturbed.words(store, place / "r.tif"))
        assert (ended.code, "cannot write the store" in ended.line) == (2, True), ended.err
        assert called("verify", store).code == 0


def test_without_any_place_for_compiled_code_the_program_runs_all_the_same(undisturbed, place):
    """As in a container whose user has no home: neither the package's folder nor a cache can be written."""
    import imfuse_tiles

    library, home = place / "library", place / "home"
    shutil.copytree(
        Path(imfuse_tiles.__file__).parent, library / "imfuse_tiles", ignore=shutil.ignore_patterns("__pycache__")
    )
    home.mkdir()
    env = {"PYTHONPATH": str(library), "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    with read_only(home), read_only(library):
        ended = run("fuse", "--bg=max", "--store", place / "store", "-o", place / "r.tif", *undisturbed.files, env=env)
    assert ended.code == 0, ended.err
    assert (place / "r.tif").is_file()


MISSING = {
    "store": (["--store", "{}/file/store"], "store"),
    "result": (["-o", "{}/nowhere/r.tif"], "no such directory"),
    "result in a file": (["-o", "{}/file/r.tif"], "no such directory"),
    "result is a folder": (["-o", "{}/folder.tif"], "is a directory"),
    "report": (["--report", "{}/nowhere/report.json"], "no such directory"),
    "report is a folder": (["--report", "{}/folder.tif"], "is a directory"),
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_place_that_is_not_there_is_refused_at_once(kind, undisturbed, called, place):
    (place / "file").touch()
    (place / "folder.tif").mkdir()
    before = listing(place)
    more, said = MISSING[kind]
    ended = called(*undisturbed.words(place / "store", place / "r.tif", *(each.format(place) for each in more)))
    assert (ended.code, said in ended.line) == (2, True), ended.err
    assert listing(place) == before


# One thing in the place of another


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("name", ["itself", "symbolic link", "hard link", "roundabout"])
def test_an_image_of_the_stack_is_never_written_over(name, force, undisturbed, called, place):
    (place / "stack").mkdir()  # its own, as another link is another time of change
    stack = replace(undisturbed, files=[Path(shutil.copy2(file, place / "stack")) for file in undisturbed.files])
    image = stack.files[4]
    target = {"itself": image, "roundabout": image.parent / ".." / image.parent.name / image.name}.get(
        name, place / "link.tif"
    )
    if name == "symbolic link":
        target.symlink_to(image)
    elif name == "hard link":
        target.hardlink_to(image)
    before = image.read_bytes()
    ended = called(*stack.words(place / "store", target, *force))
    assert (ended.code, "is an image of the stack" in ended.line) == (2, True), ended.err
    assert image.read_bytes() == before


def test_neither_beside_files_nor_reports_fall_on_an_image(undisturbed, called, place):
    image = undisturbed.files[0]
    for more in (["--report", image], ["--report", image, "--force"]):
        ended = called(*undisturbed.words(place / "store", place / "r.tif", *more))
        assert (ended.code, "is an image of the stack" in ended.line) == (2, True)
    (place / "r.mask.tif").symlink_to(image)
    ended = called(*undisturbed.words(place / "store", place / "r.tif", "--force"))
    assert (ended.code, "is an image of the stack" in ended.line) == (2, True)


def test_results_and_reports_keep_out_of_the_store(undisturbed, called, place):
    store = place / "store.tif"
    for result, report in ((store, "x.json"), (store / "r.tif", "x.json"), (place / "r.tif", "store.tif/x.json")):
        ended = called(*undisturbed.words(store, result, "--report", place / report))
        assert ended.code == 2, ended.err
        assert not store.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("r.tif", "is also the file of -o"),
        *((f"r.{kind}.tif", "is also a result") for kind in ("mask", "depth", "depthmap")),
    ],
)
def test_a_report_is_no_result(name, reason, undisturbed, called, place):
    ended = called(*undisturbed.words(place / "store", place / "r.tif", "--report", place / name))
    assert (ended.code, reason in ended.line) == (2, True)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("name", ["r.tif", "r.mask.tif", "r.depth.tif", "r.depthmap.tif"])
def test_a_file_that_is_there_is_kept_unless_force_is_given(name, undisturbed, called, place):
    (place / name).write_text("mine")
    ended = called(*undisturbed.words(place / "store", place / "r.tif"))
    assert (ended.code, "--force overwrites it" in ended.line) == (3, True)
    assert [path.name for path in place.iterdir()] == [name]
    assert called(*undisturbed.words(place / "store", place / "r.tif", "--force")).code == 0
    assert undisturbed.same(place / "r.tif")


def test_a_report_replaces_a_report_and_nothing_else(undisturbed, called, place):
    report = place / "report.json"
    words = undisturbed.words(undisturbed.copy(place / "store"), place / "r.tif", "--report", report)
    report.write_text('{"mine": 1}')
    ended = called(*words)
    assert (ended.code, "is no report" in ended.line) == (3, True)
    assert report.read_text() == '{"mine": 1}'
    assert called(*words, "--force").code == 0
    assert called(*words).code == 0
    assert "peak_rss_bytes" in report.read_text()


def test_a_folder_of_other_things_is_no_store(undisturbed, called, place):
    ended = called(*undisturbed.words(undisturbed.files[0].parent, place / "r.tif"))
    assert (ended.code, "not a store" in ended.line) == (2, True)
    assert {path.suffix for path in undisturbed.files[0].parent.iterdir()} == {".tif"}
