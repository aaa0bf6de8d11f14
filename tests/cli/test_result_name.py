"""Who forgets the result's name before a pattern is told so, and no frame is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from stacks import frames, written

from imfuse_tiles.cli.main import main

HOW = ("fuse", "--bg=max", "--align=no", "--quiet", "--workers", "1")


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    return sorted(written(tmp_path / "in", frames(4, shape=(60, 70))))


@pytest.mark.parametrize("force", [[], ["-f"]])
def test_a_pattern_behind_the_option_of_the_result_is_refused(
    force: list[str], images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = images[0].read_bytes()
    words = [*HOW, *force, "--store", str(tmp_path / "store"), "-o", *map(str, images)]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert f"name the result before the frames: -o result.tif {tmp_path}/in/*.tif" in told
    assert images[0].read_bytes() == before
    assert not (tmp_path / "store").exists()


def test_results_and_other_files_in_the_folder_of_the_frames_are_replaced(images: list[Path], tmp_path: Path) -> None:
    words = [*HOW, "-f", "--store", str(tmp_path / "store")]
    first = images[0].with_name("a.tif")
    assert main([*words, "-o", str(first), *map(str, images)]) == 0
    assert main([*words, "--bg=min", "-o", str(first), *map(str, images)]) == 0  # its own
    first.write_bytes(b"no picture")
    assert main([*words, "-o", str(first), *map(str, images)]) == 0
    last = images[0].with_name("z.tif")
    shutil.copy(images[0], last)
    assert main([*words, "-o", str(last), *map(str, images)]) == 0
