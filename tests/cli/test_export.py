"""``export``: results of a store as files, without the images."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from stacks import frames, written

from imfuse_tiles.cli.export import WriteProgress
from imfuse_tiles.cli.main import main
from imfuse_tiles.execution.stored_results import find_result, stored_results
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "cli.status_line",
    "execution.export_stored", "execution.stored_results", "execution.read_pages", "execution.export_request",
    "execution.stored_frames", "execution.stored_layers",
)  # fmt: skip


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two results; the images are gone. ``r.tif`` and its maps are of the later one."""
    folder = tmp_path_factory.mktemp("fused")
    images = [str(path) for path in written(folder / "in", frames(3, shape=(300, 700)))]
    for extra, name in (([], "old.tif"), (["--sobel", "-X", "--z-step=2um", "--pixel-size=0.5um"], "r.tif")):
        options = ["--wavelet", "--cutwave", "--align=no", "--store", str(folder / "store"), *extra]
        assert main(["fuse", *options, "-o", str(folder / name), *images]) == 0
    shutil.copytree(folder / "in", folder / "frames")
    shutil.rmtree(folder / "in")
    return folder


def export(fused: Path, place: Path, *words: str) -> int:
    return main(["export", str(fused / "store"), "-o", str(place), *words])


@pytest.mark.parametrize(
    ("what", "file"), [("result", "r"), ("mask", "r.mask"), ("depthmap", "r.depthmap"), ("depth", "r.depth")]
)
def test_the_same_bytes_as_fuse_writes(what, file, fused, tmp_path):
    assert export(fused, tmp_path / "a.tif", "--what", what) == 0
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), tifffile.imread(fused / f"{file}.tif"))
    assert export(fused, tmp_path / "a.zarr", "--what", what) == 0
    if what in ("result", "mask"):
        samples = zarr.open_group(tmp_path / "a.zarr", mode="r")["0"][:]
        assert np.array_equal(np.moveaxis(samples, 0, -1).squeeze(), tifffile.imread(fused / f"{file}.tif"))


def test_the_picture_is_byte_for_byte_that_of_fuse(fused, tmp_path):
    assert export(fused, tmp_path / "r.tif") == 0
    assert (tmp_path / "r.tif").read_bytes() == (fused / "r.tif").read_bytes()


def test_a_result_whose_key_is_known_is_found_without_looking_for_others(
    fused: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.at(fused / "store")
    results = stored_results(store)
    monkeypatch.setattr("imfuse_tiles.execution.stored_results.stored_results", None)
    assert [find_result(store, result.key) for result in results] == results


def test_an_earlier_result_by_the_beginning_of_its_key(fused, tmp_path, capsys):
    latest, earlier = stored_results(Store.at(fused / "store"))
    assert export(fused, tmp_path / "a.tif", "--result", earlier.key[:8]) == 0
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), tifffile.imread(fused / "old.tif"))
    assert "--sobel" in latest.options
    assert "--sobel" not in earlier.options
    assert export(fused, tmp_path / "b.tif", "--result", "0x") == 2
    assert latest.key[:12] in capsys.readouterr().err
    assert export(fused, tmp_path / "b.tif", "--result", earlier.key, "--what=mask") == 2
    assert "fuse -X makes them" in capsys.readouterr().err
    assert main(["export", str(fused / "store")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:12] for line in lines] == [latest.key[:12], earlier.key[:12]]


def test_depth_in_micrometres(fused, tmp_path):
    assert export(fused, tmp_path / "a.ome.tif", "--what=depth") == 0
    depth = tifffile.imread(tmp_path / "a.ome.tif")
    codes = tifffile.imread(fused / "r.depth.tif")
    codes, known = (codes[..., 0], codes[..., 1] > 0) if codes.ndim == 3 else (codes, codes >= 0)
    assert depth.dtype == np.float32
    assert np.allclose(depth[known], codes[known] / 65535 * 3 * 2, atol=1e-4)
    assert np.isnan(depth[~known]).all()


@pytest.mark.parametrize("number", [1, 3])
def test_frames_as_they_were_read(number, fused, tmp_path):
    assert export(fused, tmp_path / "a.tif", f"--what=slice:{number}") == 0
    frame = sorted((fused / "frames").iterdir())[number - 1]
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), tifffile.imread(frame))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--what=slice:4"], "N from 1 to 3"),
        (["--what=slice:x"], "N from 1 to 3"),
        (["--what=sharpness"], "allowed are result, mask, depth, depthmap and slice:N"),
        (["--pixel-size=2"], "no length"),
        (["--ome-version=1"], "allowed is 0.5 or 0.4"),
    ],
)
def test_refusals_in_one_line(words, message, fused, tmp_path, capsys):
    assert export(fused, tmp_path / "a.tif", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_places_are_respected(fused, tmp_path, capsys, monkeypatch):
    (tmp_path / "a.tif").write_text("a letter")
    assert export(fused, tmp_path / "a.tif") == 3
    assert (tmp_path / "a.tif").read_text() == "a letter"
    assert export(fused, tmp_path / "a.tif", "--force") == 0
    assert export(fused, fused / "store" / "final" / "a.tif") == 2
    assert "lies in the store" in capsys.readouterr().err
    monkeypatch.setattr("imfuse_tiles.planning.disk.free_bytes", lambda folder: 1000)
    assert export(fused, tmp_path / "b.ome.tif") == 2
    assert "the export needs" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "nothing"), "-o", "a.tif"]) == 2


def test_a_note_that_is_lost_or_hostile_costs_no_pixel(fused, tmp_path):
    shutil.copytree(fused / "store", tmp_path / "store")
    store = Store.at(tmp_path / "store")
    for about in (None, {"exif": 7}, {"exif": "!", "profile": "", "size": ["a"], "options": 1, "slices": "x"}):
        store.numbers.delete(f"about-{find_result(store).key}")
        if about is not None:
            store.numbers.save(f"about-{find_result(store).key}", about)
        assert find_result(store).slices == 0
        assert main(["export", store.root, "-f", "-o", str(tmp_path / "a.tif")]) == 0
        assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), tifffile.imread(fused / "r.tif"))
        assert main(["export", store.root, "-o", str(tmp_path / "b.tif"), "--what=slice:1"]) == 2


def test_a_damaged_chunk_is_noticed(fused, tmp_path):
    shutil.copytree(fused / "store", tmp_path / "store")
    folder = tmp_path / "store/final" / find_result(Store.at(fused / "store")).key / "c"
    chunk = next(path for path in folder.rglob("*") if path.is_file())
    chunk.write_bytes(bytes(chunk.stat().st_size))
    assert main(["export", str(tmp_path / "store"), "-o", str(tmp_path / "a.ome.tif")]) == 5
    assert not (tmp_path / "a.ome.tif").exists()


def test_frames_that_lie_in_place(tmp_path, capsys):
    images = [str(path) for path in written(tmp_path / "in", frames(3, shape=(90, 130)))]
    words = ["fuse", "--wavelet", "--align=no", "--ingest=never", "--store", str(tmp_path / "store")]
    assert main([*words, "-o", str(tmp_path / "r.tif"), *images]) == 0
    assert export(tmp_path, tmp_path / "a.tif", "--what=slice:2") == 0
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), tifffile.imread(images[1]))
    Path(images[1]).write_bytes(Path(images[1]).read_bytes())
    assert export(tmp_path, tmp_path / "b.tif", "--what=slice:2") == 2
    assert "was changed while in use" in capsys.readouterr().err
    Path(images[2]).unlink()
    assert export(tmp_path, tmp_path / "b.tif", "--what=slice:3") == 2
    assert Path(images[2]).name in capsys.readouterr().err
    store = Store.at(tmp_path / "store")
    about = store.numbers.load(f"about-{find_result(store).key}")
    for frame in (7, {**about["frames"][0], "channels": 9}, {**about["frames"][0], "profiles": ["AA=="]}):
        store.numbers.save(f"about-{find_result(store).key}", {**about, "frames": [frame]})
        assert export(tmp_path, tmp_path / "b.tif", "--what=slice:1") == 2
        assert "not in the store" in capsys.readouterr().err
    assert not (tmp_path / "b.tif").exists()


def test_a_frame_of_the_stack_is_not_overwritten(tmp_path, capsys):
    images = written(tmp_path / "in", frames(2, shape=(40, 50)))
    words = ["fuse", "--bg=mean", "--align=no", "--quiet", "--store", str(tmp_path / "store")]
    assert main([*words, "-o", str(tmp_path / "r.tif"), *map(str, images)]) == 0
    before = images[1].read_bytes()
    assert main(["export", str(tmp_path / "store"), "--force", "-o", str(images[1])]) == 2
    assert "is an image of the stack; not even --force overwrites it" in capsys.readouterr().err
    assert images[1].read_bytes() == before
    assert main(["export", str(tmp_path / "store"), "--force", "-o", str(tmp_path / "r.tif")]) == 0


def test_layers_as_fuse_writes_them(tmp_path, capsys):
    images = [str(path) for path in written(tmp_path / "in", frames(3, shape=(90, 130)))]
    options = ["--wavelet", "--cutless=p20", "--substacks=n2", "--finalgamma=1.2", "--bg=mean", "--bg=#10203040",
               f"--bg={images[0]}", "--align=no", "--store", str(tmp_path / "store")]  # fmt: skip
    assert main(["fuse", "--layered", *options, "-o", str(tmp_path / "r.tif"), *images]) == 0
    shutil.rmtree(tmp_path / "in")
    assert export(tmp_path, tmp_path / "a.tif", "--layered") == 0
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "r.tif").read_bytes()
    assert export(tmp_path, tmp_path / "a.png", "--layered") == 2
    assert "PNG holds no layers; use .tif" in capsys.readouterr().err
    assert export(tmp_path, tmp_path / "b.tif", "--layered", "--what=mask") == 2
    store = Store.at(tmp_path / "store")
    about = store.numbers.load(f"about-{find_result(store).key}")
    for layers in ([], [7], [{**about["layers"][-1], "full": "x"}], [{**about["layers"][-1], "path": "picture/none"}]):
        store.numbers.save(f"about-{find_result(store).key}", {**about, "layers": layers})
        assert export(tmp_path, tmp_path / "b.tif", "--layered") == 2
        assert "fuse --layered keeps them" in capsys.readouterr().err
    assert not (tmp_path / "b.tif").exists()


def test_the_progress_of_a_large_file(capsys):
    now = iter([0.0, 1.0, 4.0, 5.0, 7.0])
    progress = WriteProgress("a.tif", clock=lambda: next(now))
    for part in (0.1, 0.25, 0.3, 0.5):
        progress(part)
    assert capsys.readouterr().err.splitlines() == ["a.tif: 25 %, 12 s left", "a.tif: 50 %, 7 s left"]


def test_every_pixel_is_counted(fused, tmp_path, monkeypatch):
    parts = []
    monkeypatch.setattr("imfuse_tiles.cli.export.WriteProgress", lambda name: parts.append)
    for name in ("a.tif", "a.ome.zarr"):
        parts.clear()
        assert export(fused, tmp_path / name) == 0
        assert parts == sorted(parts)
        assert parts[-1] == 1
