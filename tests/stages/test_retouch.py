"""Strokes change what they touch and nothing else, by tiles as on the whole; the depth follows; files bring them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from program import run
from viewed_stores import OPTIONS, fused_store, stack_files

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.picture_stores import picture_contents, retouched_result
from imfuse_tiles.geometry import Region
from imfuse_tiles.stages import retouch
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.retouch import RetouchedResult, retouched
from imfuse_tiles.stages.strokes import (
    MARK,
    Stroke,
    Strokes,
    keep_strokes,
    load_strokes,
    parse_strokes,
    stored_strokes,
    strokes_text,
)
from imfuse_tiles.storage.run_note import NOTE
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layers import layers_of

#: Modules without a test file of their own name.
TESTED_MODULES = ("stages.strokes",)

FRAME = Region(0, 190, 0, 260)
STROKES = (
    Stroke(((30.0, 40.0), (90.0, 60.5), (60.0, 120.0)), 12.5, 0.5, 1.0, 4),
    Stroke(((200.5, 30.0),), 20.0, 0.0, 0.7, 1),
    Stroke(((80.0, 55.0), (100.0, 55.0)), 8.0, 1.0, 1.0),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.at(fused_store(tmp_path_factory.mktemp("painted")))


def over(store: Store, strokes: Strokes) -> RetouchedResult:
    paths = [path for entry in (store.numbers.load(NOTE) or {})["stages"].values() for path in entry["paths"]]
    (final,), (source,) = ([p for p in paths if p.startswith(kind)] for kind in ("final/", "source/"))
    return retouched(store, final, source, strokes)


def values(made: RetouchedResult, store: Store, region: Region) -> np.ndarray:
    return made.values(Access(store), made.path, [(0, 7)], region)


@pytest.mark.parametrize("edge", [37, 64, 250])
def test_tiles_are_the_whole(store: Store, edge: int) -> None:
    made = over(store, STROKES)
    whole = values(made, store, FRAME)
    for part in FRAME.split(edge):
        rows, columns = part.slices_in(FRAME)
        assert np.array_equal(values(made, store, part), whole[:, rows, columns])


def test_only_what_is_under_the_brush_changes_and_becomes_the_slice(store: Store) -> None:
    made = over(store, (Stroke(((100.0, 90.0),), 20.0, 0.0, 1.0, 3),))
    plain, painted = values(replace(made, strokes=()), store, FRAME), values(made, store, FRAME)
    y, x = np.mgrid[:190, :260] + 0.5
    under = (x - 100) ** 2 + (y - 90) ** 2 < 400
    assert np.array_equal(painted[:, ~under], plain[:, ~under])
    frame = Access(store).read(made.source, [(0, 3), (2, 3)], FRAME)[:, 0]
    assert np.array_equal(painted[:3, under], frame[:, under].astype(np.uint16) * 257)
    assert set(painted[5, under]) == {round(65535 / 4)}
    assert set(painted[6, under]) == {65535}
    assert np.array_equal(painted[4], plain[4])


def test_erasing_gives_the_result_back_and_other_results_are_taken_whole(store: Store) -> None:
    line = ((20.0, 20.0), (200.0, 150.0))
    made = over(store, (Stroke(line, 30.0, 0.5, 1.0, 2), Stroke(line, 40.0, 0.0)))
    plain = values(replace(made, strokes=()), store, FRAME)
    assert np.array_equal(values(made, store, FRAME), plain)
    itself = replace(made, strokes=(Stroke(line, 30.0, 0.5, 1.0, 2), Stroke(line, 40.0, 0.0, result=made.path)))
    assert np.array_equal(values(itself, store, FRAME), plain)


def test_only_strokes_that_touch_a_region_are_computed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    coverage = kernels.brush.coverage
    monkeypatch.setattr(kernels.brush, "coverage", lambda *about: computed.append(about) or coverage(*about))
    made = over(store, STROKES)
    values(made, store, Region(150, 190, 180, 260))
    assert computed == []
    values(made, store, Region(0, 50, 190, 210))
    assert [about[1] for about in computed] == [20.0]


def test_strokes_are_kept_in_the_store_and_in_files(store: Store, tmp_path: Path) -> None:
    assert stored_strokes(store) == ()
    keep_strokes(store, STROKES)
    assert stored_strokes(store) == STROKES
    keep_strokes(store, ())
    (tmp_path / "s.json").write_text(strokes_text(STROKES))
    assert load_strokes(tmp_path / "s.json") == STROKES


def test_a_picture_file_is_taken_and_the_depth_stays(store: Store, tmp_path: Path) -> None:
    picture = np.random.default_rng(2).integers(0, 65535, (190, 260, 3), np.uint16)
    tifffile.imwrite(tmp_path / "other.tif", picture, photometric="rgb")
    strokes = (Stroke(((100.0, 90.0),), 20.0, 0.0, picture=str(tmp_path / "other.tif")),)
    assert parse_strokes([stroke.record() for stroke in strokes], "here") == strokes
    path, source = over(store, ()).path, over(store, ()).source
    made = retouched_result(store, path, source, strokes)
    plain, painted = values(replace(made, strokes=()), store, FRAME), values(made, store, FRAME)
    changed = (painted != plain).any(axis=0)
    y, x = np.mgrid[:190, :260] + 0.5
    assert np.array_equal(changed, (x - 100) ** 2 + (y - 90) ** 2 < 400)
    assert np.array_equal(painted[:3, changed], picture[changed].T)
    assert np.array_equal(painted[4:], plain[4:])


def test_a_picture_that_changed_since_it_was_painted_with_is_named(store: Store, tmp_path: Path) -> None:
    path, source, place = over(store, ()).path, over(store, ()).source, tmp_path / "other.tif"
    picture = np.zeros((190, 260, 3), np.uint16)
    tifffile.imwrite(place, picture, photometric="rgb")
    strokes = (Stroke(((9.0, 9.0),), 2.0, slice=1),
               Stroke(((100.0, 90.0),), 20.0, picture=str(place), contents=picture_contents(str(place))))  # fmt: skip
    assert parse_strokes([stroke.record() for stroke in strokes], "here") == strokes
    retouched_result(store, path, source, strokes)
    content = place.read_bytes()
    tifffile.imwrite(place, picture + 1, photometric="rgb")
    with pytest.raises(Refusal, match=r"other.tif has changed since stroke 2 took it"):
        retouched_result(store, path, source, strokes)
    place.write_bytes(content)  # the same bytes of a later time are the same picture
    retouched_result(store, path, source, strokes)


def test_a_picture_of_another_size_or_none_is_refused(store: Store, tmp_path: Path) -> None:
    path, source = over(store, ()).path, over(store, ()).source
    tifffile.imwrite(tmp_path / "small.tif", np.zeros((9, 8, 3), np.uint8), photometric="rgb")
    for name, words in (("small.tif", "8 x 9 pixels, the result 260 x 190"), ("none.tif", "No such file")):
        with pytest.raises(Refusal, match=words):
            retouched_result(store, path, source, (Stroke(((1.0, 1.0),), 3.0, picture=str(tmp_path / name)),))


def test_of_a_wide_band_only_what_is_under_the_brush_is_computed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made, cells = over(store, STROKES), []
    whole = values(made, store, FRAME)
    monkeypatch.setattr(retouch, "CELL", 32)
    painted = RetouchedResult.painted
    monkeypatch.setattr(RetouchedResult, "painted", lambda *about: cells.append(about[3]) or painted(*about))
    assert np.array_equal(values(made, store, FRAME), whole)
    assert 0 < len(cells) < len(list(FRAME.split(32))) / 2
    assert all(any(stroke.touches(cell) for stroke in STROKES) for cell in cells)


WRONG: list[Any] = [
    None, {}, [1], [{}], [{"points": [], "radius": 3}], [{"points": [[1, "x"]], "radius": 3}],
    [{"points": [[1, 2]], "radius": 0}], [{"points": [[1, 2]], "radius": True}],
    [{"points": [[1, 2]], "radius": 3, "softness": 2}], [{"points": [[1, 2]], "radius": 3, "slice": -1}],
    [{"points": [[1, 2]], "radius": 3, "slice": 1.5}], [{"points": [[1, 2]], "radius": 3, "result": "../x"}],
    [{"points": [[1, float("inf")]], "radius": 3}], [{"points": [[1, 2]], "radius": 3, "picture": 1}],
    [{"points": [[1, 2]], "radius": 3, "picture": "a.tif", "slice": 1}],
]  # fmt: skip


@pytest.mark.parametrize("records", WRONG)
def test_what_is_no_stroke_is_refused_in_a_line(records: Any) -> None:
    with pytest.raises(Refusal) as refused:
        parse_strokes(records, "here")
    assert str(refused.value).startswith("here: ")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "other", "strokes": []}'])
def test_a_file_without_strokes_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(Refusal, match="no file of strokes"):
        load_strokes(tmp_path / "s.json")
    with pytest.raises(Refusal, match="No such file"):
        load_strokes(tmp_path / "none.json")


def test_a_slice_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(Refusal, match="stroke 1 takes slice 9; there are 4"):
        over(store, (Stroke(((1.0, 1.0),), 3.0, slice=9),))


def test_a_run_with_other_options_takes_the_strokes_of_a_file(tmp_path: Path) -> None:
    files, place = stack_files(tmp_path / "stack"), tmp_path / "painted.tif"
    (tmp_path / "s.json").write_text(strokes_text((Stroke(((130.0, 95.0),), 400.0, 0.0, 1.0, 2),)))
    words = [
        *OPTIONS,
        "--cutblur=s3",
        "--strokes",
        tmp_path / "s.json",
        "--store",
        tmp_path / "store",
        "-X",
        "-o",
        place,
    ]
    ended = run("fuse", *words, *files)
    assert ended.code == 0, ended.err
    assert np.array_equal(tifffile.imread(place), tifffile.imread(files[1]).astype(np.uint16) * 257)
    assert set(tifffile.imread(tmp_path / "painted.depth.tif").ravel()) == {round(65535 * 2 / 4), 65535}
    assert run("fuse", *words[:-1], tmp_path / "plain.tif", *files).code == 0
    assert json.loads((tmp_path / "s.json").read_text())["kind"] == MARK


def test_a_stroke_takes_nothing_where_its_slice_has_no_picture(tmp_path: Path) -> None:
    frames = np.random.default_rng(4).integers(1, 60000, (2, 90, 80, 4), np.uint16)
    frames[..., 3] = 65535
    frames[0, :, :30, 3] = 0
    for number, frame in enumerate(frames):
        tifffile.imwrite(tmp_path / f"{number}.tif", frame, photometric="rgb", extrasamples=["unassalpha"])
    stroke = Stroke(((5.0, 45.0), (75.0, 45.0)), 10.0, 0.0, 1.0, 1)
    (tmp_path / "strokes.json").write_text(strokes_text((stroke,)))
    words = ("fuse", "--bg=mean", "--align=no", "--store", tmp_path / "store", "-o", tmp_path / "r.tif")
    ended = run(*words, "--strokes", tmp_path / "strokes.json", tmp_path / "0.tif", tmp_path / "1.tif")
    assert ended.code == 0, ended.err
    result = tifffile.imread(tmp_path / "r.tif")
    assert np.array_equal(result[40:50, :30, :3], frames[1, 40:50, :30, :3])  # slice 2 alone has a picture there
    assert np.array_equal(result[40:50, 30:70, :3], frames[0, 40:50, 30:70, :3])
    entries = layers_of(Store.at(str(tmp_path / "store")), 0)
    assert [(layer.slices, layer.planes) for layer in entries if layer.label == "Slice"] == [(2, (0, 3))]
