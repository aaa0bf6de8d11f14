"""Frames prepared as they are read: the same result as of prepared files, whatever the tiles."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.cli.main import main
from imfuse_tiles.geometry import Region
from imfuse_tiles.simulation import render
from imfuse_tiles.stages.prepare import bands, parts
from imfuse_tiles.stages.source_windows import RollingRows

#: Modules without a test file of their own name.
TESTED_MODULES = ("stages.measure_frames", "stages.source_windows", "planning.plan_preparation",
                  "execution.prepare_frames")  # fmt: skip

WORDS = ["--set=stretch1", "--rotate=100", "--frameresize=70%", "--crop=160x150+30+20", "--gamma"]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = render(tmp_path_factory.mktemp("stack"), 330, 260, 3, 3)
    return [str(path) for path in sorted(folder.glob("slice_*.tif"))]


def fused(place: Path, images: list[str], *words: str) -> np.ndarray:
    shutil.rmtree(place, ignore_errors=True)
    result = place.with_suffix(".tif")
    general = ["--quiet", "--align=no", "--balance=no", "--wavelet", "--store", str(place), "-o", str(result)]
    assert main(["fuse", "-f", *general, *words, *images]) == 0
    return tifffile.imread(result)


def test_tiles_workers_and_prepared_files_give_the_same_result(images: list[str], tmp_path: Path) -> None:
    whole = fused(tmp_path / "a", images, *WORDS)
    assert whole.shape[:2] == (150, 160)
    assert np.array_equal(fused(tmp_path / "b", images, *WORDS, "--tile=64", "--workers=1"), whole)
    assert main(["prepare", "--quiet", *WORDS, "-o", str(tmp_path / "files"), *images]) == 0
    files = [str(tmp_path / "files" / Path(image).name) for image in images]
    assert tifffile.imread(files[0]).shape == (150, 160, 4), "turned frames have opacity"
    assert np.array_equal(fused(tmp_path / "c", files, "--ignore-alpha"), whole)


def test_pixels_round_transparent_edges_keep_a_colour_and_are_counted(images: list[str], tmp_path: Path) -> None:
    """ImageMagick's -resize leaves colours to pixels whose opacity is rounded to 0; -contrast-stretch counts them."""
    words = ["--rotate=1.4", "--frameresize=135%"]
    assert main(["prepare", "--quiet", *words, "-o", str(tmp_path), images[0]]) == 0
    frame = tifffile.imread(tmp_path / Path(images[0]).name)
    clear, black = frame[..., 3] == 0, (frame[..., :3] == 0).all(axis=-1)
    assert 300 < np.count_nonzero(clear & ~black) < 2000, "a line round the frame"
    assert clear[:3, :3].all()
    assert black[:3, :3].all()


@pytest.mark.parametrize("words", [["--frameresize=80%", "--sharpen=0x1,gaussian"], ["--rotate=-90", "--level"]])
def test_moved_frames_are_aligned_and_then_prepared(words: list[str], tmp_path: Path) -> None:
    folder = render(tmp_path / "in", 480, 320, 3, 3, misalign=True)
    moved = [str(path) for path in sorted(folder.glob("slice_*.tif"))]
    assert main(["align", "--quiet", "--balance=no", "-o", str(tmp_path / "aligned"), *moved]) == 0
    aligned = [str(tmp_path / "aligned" / Path(image).name) for image in moved]
    level = ["--level=5%x70%"] if "--level" in words else []
    words = [word for word in words if word != "--level"] + level
    assert main(["prepare", "--quiet", *words, "-o", str(tmp_path / "two"), *aligned]) == 0
    assert main(["align", "--quiet", "--balance=no", *words, "-o", str(tmp_path / "one"), *moved]) == 0
    for image in moved:
        one, two = (tifffile.imread(tmp_path / folder / Path(image).name) for folder in ("one", "two"))
        assert one.shape == two.shape
        assert np.abs(one.astype(int) - two).max() <= 8, "but for the rounding of the files between"


def test_a_frame_of_one_number_is_left_in_its_range(tmp_path: Path) -> None:
    for number in range(2):
        tifffile.imwrite(tmp_path / f"s{number}.tif", np.full((40, 50), 77, np.uint8), compression="deflate")
    images = [str(tmp_path / f"s{number}.tif") for number in range(2)]
    assert main(["prepare", "--quiet", "--level", "--contrast-stretch", "-o", str(tmp_path / "o"), *images]) == 0
    made = tifffile.imread(tmp_path / "o" / "s1.tif")
    assert (made.dtype, made.shape) == (np.uint8, (40, 50))


def test_nothing_is_overwritten_unasked_and_only_the_middle_frame_if_asked(
    images: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["prepare", "--quiet", "--resize=10%", "-1", "-o", str(tmp_path / "o")]
    assert main([*words, *images]) == 0
    assert [path.name for path in (tmp_path / "o").glob("[!.]*")] == ["slice_0001.tif"]
    assert main([*words, *images]) == 0  # it is the very picture
    (tmp_path / "o" / "slice_0001.tif").write_bytes(b"mine")
    assert main([*words, *images]) == 3
    assert main([*words, "--force", "--format=png", *images]) == 0
    assert main([*words, "--wavelet", *images]) == 2
    assert "prepare does not take --wavelet" in capsys.readouterr().err


def test_a_changed_option_reads_the_frames_again_and_the_same_ones_do_not(images: list[str], tmp_path: Path) -> None:
    store = ["--quiet", "--align=no", "--balance=no", "--wavelet", "--store", str(tmp_path / "s")]
    for words, arrays in ((["--gamma=2"], 1), (["--gamma=2"], 1), (["--gamma=3"], 2), ([], 3)):
        assert main(["fuse", "-f", *store, *words, "-o", str(tmp_path / "r.tif"), *images]) == 0
        assert len(list((tmp_path / "s" / "source").iterdir())) - 1 in (arrays, arrays - 1)


def test_bands_and_parts_cover_a_region_once() -> None:
    for strips in (False, True):
        seen = np.zeros((700, 2300), int)
        for band in bands(Region(0, 700, 0, 2300), (512, 300), strips):
            for part in parts(band):
                seen[part.y0 : part.y1, part.x0 : part.x1] += 1
        assert (seen == 1).all()


def test_rows_that_follow_each_other_are_read_once() -> None:
    frame, asked = np.arange(100).reshape(1, 100, 1), []

    def read(y0: int, y1: int) -> np.ndarray:
        asked.append((y0, y1))
        return frame[:, y0:y1]

    rows = RollingRows(read)
    for y0, y1 in ((0, 10), (5, 15), (6, 9), (20, 30), (3, 5)):
        assert rows.read(y0, y1).ravel().tolist() == list(range(y0, y1))
    assert asked == [(0, 10), (10, 15), (20, 30), (3, 5)]
