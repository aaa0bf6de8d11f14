"""A command that writes frames goes on where it was stopped, and overwrites nothing unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.cli.main import main
from imfuse_tiles.execution import write_frames
from imfuse_tiles.execution.written_frames import NOTES


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(4)
    for number in range(4):
        tifffile.imwrite(tmp_path / f"{number}.tif", rng.integers(0, 255, (40, 60, 3), np.uint8))
    return [str(tmp_path / f"{number}.tif") for number in range(4)]


def prepare(images: list[str], place: Path, *words: str) -> int:
    return main(["prepare", "--quiet", "--workers=1", "--gamma=auto", *words, "-o", str(place), *images])


def contents(place: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_ino) for path in sorted(place.glob("*.tif"))}


def test_a_stopped_command_goes_on(images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, write, written = tmp_path / "out", write_frames.write_picture, []

    def stopped(path, *args, **options):  # type: ignore[no-untyped-def]
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(path, *args, **options)

    monkeypatch.setattr(write_frames, "write_picture", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_stopped(images, place)
    monkeypatch.undo()
    before = contents(place)
    assert sorted(before) == ["0.tif", "1.tif"]
    assert prepare(images, place) == 0
    after = contents(place)
    assert sorted(after) == ["0.tif", "1.tif", "2.tif", "3.tif"]
    assert {name: after[name] for name in before} == before, "what was complete stays"
    assert prepare(images, tmp_path / "whole") == 0
    assert [data for data, _ in after.values()] == [data for data, _ in contents(tmp_path / "whole").values()]
    assert prepare(images, place) == 0
    assert contents(place) == after, "nothing is left to be done"
    assert prepare(images, place, "--force") == 0
    assert all(contents(place)[name][1] != inode for name, (_, inode) in after.items())


def write_stopped(images: list[str], place: Path) -> None:
    """As the command does, without its catching of interrupts."""
    from imfuse_tiles.cli.align import frame_recipe, parser, write_from_args
    from imfuse_tiles.options.alignment import Align, Balance
    from imfuse_tiles.options.option_parser import parse_option

    args = parser("prepare", "prepared", "").parse_args(["--quiet", "--workers=1", "-o", str(place), *images])
    defaults = (Align(word1="no"), Balance(word1="no"))
    write_from_args(args, frame_recipe("prepare", [parse_option("--gamma=auto")], defaults), "prepare")


def test_what_is_not_of_this_command_is_not_overwritten(images: list[str], tmp_path: Path) -> None:
    place = tmp_path / "out"
    assert prepare(images, place) == 0
    assert prepare(images, place, "--shave=5x5") != 0, "by other options"
    tifffile.imwrite(place / "2.tif", np.zeros((3, 3), np.uint8))
    assert prepare(images, place) != 0, "changed since"
    assert tifffile.imread(place / "2.tif").shape == (3, 3)
    (place / "2.tif").unlink()
    (place / NOTES).write_text((place / NOTES).read_text() + '\n{"file": 3}\n[]\n{"fi')
    assert prepare(images, place) == 0
    (place / NOTES).unlink()
    assert prepare(images, place) != 0, "nothing tells whose they are"
