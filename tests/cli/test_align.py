"""``align`` writes the frames that ``fuse`` would fuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.cli.main import main
from imfuse_tiles.simulation import render
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = ("execution.write_frames",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("moved"), 480, 320, 5, 3, bits=8, misalign=True)


def aligned(folder: Path, place: Path, *words: str) -> list[np.ndarray]:
    images = [str(path) for path in sorted(folder.glob("slice_*.tif"))]
    assert main(["align", "--quiet", *words, "-o", str(place), *images]) == 0
    return [tifffile.imread(place / Path(image).name) for image in images]


@pytest.mark.parametrize(("word", "name"), [("--resize=0%", "--resize"), ("--frameresize=0%", "--frameresize")])
def test_prepare_refuses_options_under_the_names_that_were_typed(
    folder: Path, capsys: pytest.CaptureFixture[str], word: str, name: str
) -> None:
    assert main(["prepare", word, str(folder)]) == 2
    assert capsys.readouterr().err.startswith(f"imfuse-tiles: {name}")


def test_aligned_frames_lie_over_each_other(folder: Path, tmp_path: Path) -> None:
    frames = aligned(folder, tmp_path / "out", "--balance=no")
    assert len({frame.shape for frame in frames}) == 1
    assert frames[0].dtype == np.uint8
    before = [tifffile.imread(path).astype(float) for path in sorted(folder.glob("slice_*.tif"))]
    after = [frame.astype(float) for frame in frames]
    assert np.abs(after[0] - after[2]).mean() < 0.9 * np.abs(before[0] - before[2]).mean()
    again = aligned_plan(tmp_path / "out", tmp_path)
    assert again["resampled"] is False


def test_frames_keep_their_names(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    names = ["it's 1.tif", "it's 2.tif"]
    for name, image in zip(names, sorted(folder.glob("slice_*.tif")), strict=False):
        (tmp_path / "in" / name).write_bytes(image.read_bytes())
    assert main(["align", "--quiet", "--align=no", "-o", str(tmp_path / "out"), str(tmp_path / "in")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.tif")) == names


def aligned_plan(place: Path, tmp_path: Path) -> dict[str, object]:
    """What a run says of frames that are aligned already."""
    saved = tmp_path / "again.json"
    images = [str(path) for path in sorted(place.glob("*.tif"))]
    words = ["align", "--quiet", "--save-transforms", str(saved), "-o", str(tmp_path / "again"), *images]
    assert main(words) == 0
    matrices = [frame["matrix"] for frame in json.loads(saved.read_text())["frames"]]
    same = all(np.array_equal(tifffile.imread(tmp_path / "again" / Path(i).name), tifffile.imread(i)) for i in images)
    return {"resampled": not same, "matrices": matrices}


def test_where_a_frame_has_nothing_it_is_transparent(folder: Path, tmp_path: Path) -> None:
    frames = aligned(folder, tmp_path / "out", "--align-keep-size")
    assert all(frame.shape == (320, 480, 4) for frame in frames)
    assert (frames[2][..., 3] == 255).all(), "the reference shows all"
    shown = [float((frame[..., 3] == 255).mean()) for frame in frames]
    assert 0.9 < min(shown) < 1


def test_saved_transforms_give_the_same_frames(folder: Path, tmp_path: Path) -> None:
    first = aligned(folder, tmp_path / "a", "--save-transforms", str(tmp_path / "t.json"))
    second = aligned(folder, tmp_path / "b", "--transforms", str(tmp_path / "t.json"))
    assert all(map(np.array_equal, first, second))


def test_saved_transforms_are_taken_with_another_reference_and_without_gains(folder: Path, tmp_path: Path) -> None:
    record = json.loads((folder / "transforms.json").read_text())
    for number, frame in enumerate(record["frames"]):
        frame["gains"] = [1 + number / 10] * 3
    (tmp_path / "t.json").write_text(json.dumps(record))
    words = ["--transforms", str(tmp_path / "t.json"), "--save-transforms", str(tmp_path / "u.json")]
    truth = [np.array(frame["matrix"]).reshape(3, 3) for frame in record["frames"]]
    aligned(folder, tmp_path / "a", *words, "--reference", "1")
    found = json.loads((tmp_path / "u.json").read_text())
    assert found["reference"] == record["frames"][0]["file"]
    for frame, matrix, gain in zip(found["frames"], truth, (1, 1.1, 1.2, 1.3), strict=False):
        assert np.allclose(np.array(frame["matrix"]).reshape(3, 3), matrix @ np.linalg.inv(truth[0]), atol=1e-5)
        assert np.allclose(frame["gains"], gain)
    aligned(folder, tmp_path / "b", *words, "--balance=no")
    assert all(frame["gains"] == [] for frame in json.loads((tmp_path / "u.json").read_text())["frames"])


def test_saved_transforms_say_which_frames_are_bad_and_where_they_are_sharp(folder: Path, tmp_path: Path) -> None:
    record = json.loads((folder / "transforms.json").read_text())
    names = [frame["file"] for frame in record["frames"]]
    for frame, focus in zip(record["frames"], (3, 1, 0, 4, 2), strict=True):
        frame["focus"] = focus
    record["frames"][3]["bad"] = "is blurred"
    (tmp_path / "t.json").write_text(json.dumps(record))
    images = [str(folder / name) for name in names]
    words = ["--quiet", "--transforms", str(tmp_path / "t.json"), "--save-transforms", str(tmp_path / "u.json")]
    place = tmp_path / "out"
    assert main(["align", *words, "--skip-bad", "--order=focus", "-o", str(place), *images]) == 0
    left = [names[n] for n in (2, 1, 4, 0)]
    assert [frame["file"] for frame in json.loads((tmp_path / "u.json").read_text())["frames"]] == left
    assert sorted(path.name for path in place.glob("*.tif")) == sorted(left)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--wavelet"], "align does not take --wavelet=p5; it is for fuse"),
        (["--align=bent"], "--align: bent: unknown argument"),
        (["--format", "jpg"], "jpg"),
    ],
)
def test_what_it_cannot_do_is_refused(
    words: list[str], line: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [str(path) for path in sorted(folder.glob("slice_*.tif"))]
    assert main(["align", *words, "-o", str(tmp_path / "out"), *images]) == 2
    assert line in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["align", "prepare"])
def test_frames_are_never_written_over_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for number in (1, 2):
        tifffile.imwrite(tmp_path / f"{number}.tif", np.full((20, 30, 3), 9 * number, np.uint8), photometric="rgb")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "2.tif").symlink_to("../2.tif")
    before = [(tmp_path / f"{number}.tif").read_bytes() for number in (1, 2)]
    for place in (tmp_path, tmp_path / "links"):
        assert main([command, "--quiet", "--force", "-o", str(place), str(tmp_path)]) == 2
        assert "is an image of the stack; not even --force overwrites it" in capsys.readouterr().err
    assert [(tmp_path / f"{number}.tif").read_bytes() for number in (1, 2)] == before


def test_transforms_are_written_over_transforms_only(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [str(path) for path in sorted(folder.glob("slice_*.tif"))]
    words = ["align", "--quiet", "--middle", "-o", str(tmp_path / "out"), "--save-transforms"]
    copy = tmp_path / "slice_copy.tif"
    copy.write_bytes(Path(images[0]).read_bytes())
    assert main([*words, str(copy), *images]) == 3  # as the first of a pattern, its own name forgotten
    assert "slice_copy.tif: exists already and holds no transforms" in capsys.readouterr().err
    assert main([*words, images[2], "--force", *images]) == 2
    assert "is an image of the stack" in capsys.readouterr().err
    assert copy.read_bytes() == Path(images[0]).read_bytes()
    saved = str(tmp_path / "t.json")
    assert main([*words, saved, *images]) == 0
    (tmp_path / "out" / "slice_0002.tif").unlink()
    assert main([*words, saved, *images]) == 0
    assert main([*words, str(copy), "--force", *images]) == 0
    assert json.loads(copy.read_text()) == json.loads((tmp_path / "t.json").read_text())


def test_frames_read_into_a_store_serve_a_fusion_and_note_no_other_options(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, store = [str(path) for path in sorted(folder.glob("slice_*.tif"))], str(tmp_path / "store")
    assert main(["align", "--quiet", "--store", store, *images]) == 0
    assert capsys.readouterr().out == f"{store}\n"
    assert main(["status", store]) == 0
    status = capsys.readouterr().out
    assert f"5 images of {folder}: no options" in status
    assert "read frames" in status
    report = tmp_path / "report.json"
    words = ["--bg=mean", "--quiet", "--report", str(report), "--store", store, "-o", str(tmp_path / "r.tif")]
    assert main(["fuse", *words, *images]) == 0
    stages = {stage["name"]: stage for stage in json.loads(report.read_text())["stages"]}
    assert stages["read frames"]["computed"] == 0 < stages["read frames"]["reused"]


@pytest.mark.parametrize("there", [False, True])
def test_a_store_may_be_named_in_place_of_a_folder(there: bool, folder: Path, tmp_path: Path) -> None:
    images, store = [str(path) for path in sorted(folder.glob("slice_*.tif"))], tmp_path / "a.zarr"
    if there:
        store = tmp_path / "a"
        assert Store.at(store).create()
    assert main(["align", "--quiet", "-o", str(store), *images]) == 0
    assert Store.at(store).exists()
    assert not list(store.glob("*.tif"))


def test_aligned_frames_are_fused_without_a_word_of_the_notes_beside_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aligned(folder, tmp_path / "out")
    assert list((tmp_path / "out").glob(".imfuse-tiles*"))
    capsys.readouterr()
    assert main(["plan", "--bg=mean", "--align=no", "--store", str(tmp_path / "store"), str(tmp_path / "out")]) == 0
    assert "left out" not in capsys.readouterr().err


def test_nothing_is_overwritten_unasked(folder: Path, tmp_path: Path) -> None:
    aligned(folder, tmp_path / "out")
    images = [str(path) for path in sorted(folder.glob("slice_*.tif"))]
    assert main(["align", "--quiet", "--shave=10%", "-o", str(tmp_path / "out"), *images]) == 3
    aligned(folder, tmp_path / "out", "--force")


def test_what_was_found_is_not_looked_for_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = aligned(folder, tmp_path / "out", "--reference=front")
    monkeypatch.setattr("imfuse_tiles.execution.align_stack.estimate", None)
    again = aligned(folder, tmp_path / "again", "--reference=front")
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    images = [str(path) for path in sorted(folder.glob("slice_*.tif"))]
    assert main(["plan", "--quiet", "--reference=front", "--wavelet", *images]) == 0, "fuse knows it too"


def test_frames_without_room_are_refused_before_the_first_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("imfuse_tiles.planning.disk.free_bytes", lambda folder: 1000)
    images = [str(path) for path in sorted(folder.glob("slice_*.tif"))]
    assert main(["align", "--quiet", "-o", str(tmp_path / "out"), *images]) == 2
    assert "the run needs" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [], "not even an empty folder"
