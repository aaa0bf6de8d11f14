"""Nothing old is taken for new: images, options, stores that changed between two runs or during one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tifffile
from program import reported

from imfuse_tiles.execution import pipeline
from imfuse_tiles.storage.store import Store


class Copied:
    """The undisturbed stack in a folder of its own, with the words to fuse it and a report."""

    def __init__(self, undisturbed, place: Path) -> None:
        self.undisturbed = undisturbed
        self.files = [Path(shutil.copy2(file, place)) for file in undisturbed.files]
        self.store, self.result, self.report = place / "store", place / "r.tif", place / "report.json"

    def words(self, *more: object) -> list[str]:
        own = dict(zip(map(str, self.undisturbed.files), map(str, self.files), strict=True))
        said = self.undisturbed.words(self.store, self.result, "--report", self.report, "--force", *more)
        return [own.get(word, word) for word in said]

    def ingested(self) -> int:
        return reported(self.report)["read frames"]["computed"]


@pytest.fixture
def copied(undisturbed, place) -> Copied:
    return Copied(undisturbed, place)


def touched(path: Path) -> None:
    os.utime(path)


def other_content(path: Path) -> None:
    image = tifffile.imread(path)
    tifffile.imwrite(path, 255 - image, photometric="rgb")


def other_content_at_the_same_time(path: Path) -> None:
    state = path.stat()
    other_content(path)
    assert path.stat().st_size == state.st_size
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_mtime_ns == state.st_mtime_ns


def another_file_in_its_place(path: Path) -> None:
    state = path.stat()
    other = path.with_name("other")
    tifffile.imwrite(other, 255 - tifffile.imread(path), photometric="rgb")
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    os.replace(other, path)


@pytest.mark.parametrize("number", [0, 4, 8])
@pytest.mark.parametrize("change", [touched, other_content, other_content_at_the_same_time, another_file_in_its_place])
def test_an_image_that_changed_is_read_again(change, number, copied, called):
    assert called(*copied.words()).code == 0
    before = copied.result.read_bytes()
    change(copied.files[number])
    assert called(*copied.words()).code == 0
    assert copied.ingested() > 0
    assert (copied.result.read_bytes() == before) == (change is touched)


def test_images_that_did_not_change_are_not_read_again(copied, called):
    assert called(*copied.words()).code == 0
    before = copied.result.read_bytes()
    assert called(*copied.words("--cutsoft=s2")).code == 0
    assert copied.ingested() == 0
    assert copied.result.read_bytes() != before


def test_the_same_names_sizes_and_times_elsewhere_are_another_stack(copied, called, place):
    assert called(*copied.words()).code == 0
    (place / "elsewhere").mkdir()
    others = [Path(shutil.copy2(file, place / "elsewhere")) for file in copied.files]
    words = [str(place / "elsewhere" / Path(word).name) if word in map(str, copied.files) else word
             for word in copied.words()]  # fmt: skip
    assert others[0].stat().st_mtime_ns == copied.files[0].stat().st_mtime_ns
    assert called(*words).code == 0
    assert copied.ingested() > 0


def test_another_order_is_another_stack(copied, called):
    assert called(*copied.words()).code == 0
    before = copied.result.read_bytes()
    assert called(*copied.words("--revert")).code == 0
    assert copied.ingested() > 0
    assert copied.result.read_bytes() != before


@contextmanager
def once_looked_at(act: Callable[[], object]) -> Iterator[None]:
    """Do something to the images between the look at their headers and the reading of their pixels."""
    looked = pipeline.check_disk

    def then(*said: Any) -> int:
        need = looked(*said)
        act()
        return need

    pipeline.check_disk = then
    try:
        yield
    finally:
        pipeline.check_disk = looked


def test_an_image_that_changes_during_the_run_is_refused(copied, called):
    with once_looked_at(lambda: other_content(copied.files[4])):
        ended = called(*copied.words())
    assert (ended.code, f"{copied.files[4]}: was changed while in use" in ended.line) == (2, True)
    assert not copied.result.exists()


def test_an_image_that_vanishes_during_the_run_is_named(copied, called):
    with once_looked_at(copied.files[-1].unlink):
        ended = called(*copied.words())
    assert (ended.code, f"{copied.files[-1]}: no such file" in ended.line) == (2, True)


@pytest.mark.parametrize(
    "more", ["--blur=s1.1", "--maskmorph=close,r3", "--cutblur=s1.5", "--finalblur=s2", "--bg=min"]
)
def test_another_argument_makes_another_result(more, undisturbed, called, place):
    name = more.split("=")[0]
    words = [more if word.startswith(name + "=") else word
             for word in undisturbed.words(undisturbed.copy(place / "store"), place / "r.tif")]  # fmt: skip
    assert more in words
    assert called(*words).code == 0
    alone = [str(place / "alone") if word == str(place / "store") else word for word in words]
    alone[alone.index(str(place / "r.tif"))] = str(place / "alone.tif")
    assert called(*alone).code == 0
    made = (place / "r.tif").read_bytes()
    assert made != undisturbed.result
    assert made == (place / "alone.tif").read_bytes()


@pytest.mark.parametrize("format", [0, 2, 99, "1", None, [1]])
def test_a_store_of_another_version_is_refused_and_left_as_it_is(format, undisturbed, called, place):
    store = undisturbed.copy(place / "store")
    said = json.loads((store / "zarr.json").read_text())
    said["attributes"]["imfuse_tiles"]["format"] = format
    (store / "zarr.json").write_text(json.dumps(said))
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    for words in (undisturbed.words(store, place / "r.tif"), ["verify", store], ["status", store]):
        ended = called(*words)
        assert (ended.code, "store" in ended.line) == (2, True)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before


def test_a_foreign_zarr_store_is_refused_and_left_as_it_is(undisturbed, called, place):
    import zarr

    zarr.create_array(str(place / "store"), name="mask/a", shape=(4, 4), chunks=(2, 2), dtype="float32")
    before = sorted(path for path in (place / "store").rglob("*"))
    ended = called(*undisturbed.words(place / "store", place / "r.tif"))
    assert (ended.code, "is not a store of imfuse-tiles" in ended.line) == (2, True)
    assert sorted(path for path in (place / "store").rglob("*")) == before


def test_a_store_from_others_cannot_run_code(undisturbed, called, place):
    """Whatever codecs an array asks for and whatever its chunks hold: it is made anew."""
    import pickle

    class Harm:
        def __reduce__(self):
            return Path.touch, (place / "harmed",)

    store = undisturbed.copy(place / "store")
    for path in store.glob("*/*/zarr.json"):
        said = json.loads(path.read_text())
        said["codecs"] = [{"name": "numcodecs.pickle"}, {"name": "bytes"}]
        path.write_text(json.dumps(said))
        for chunk in path.parent.glob("c/0/0/*"):
            if chunk.is_file():
                chunk.write_bytes(pickle.dumps(Harm()))
    for key in (path.stem for path in (store / "numbers").glob("*.json")):
        Store(str(store)).numbers.delete(key)
    assert called(*undisturbed.words(store, place / "r.tif")).code == 0
    assert undisturbed.same(place / "r.tif")
    assert not (place / "harmed").exists()
