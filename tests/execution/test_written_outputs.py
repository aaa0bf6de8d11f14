"""A result is known by its content: a damaged one is never taken for made before, and a whole one always."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from stacks import frames, written

from imfuse_tiles.cli.main import main
from imfuse_tiles.stages.focus_depth import FillDepthJob
from imfuse_tiles.storage.store import Store

WORDS = ("fuse", "--quiet", "--wavelet", "--tile", "100", "--store", "store")


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return [str(path) for path in written(tmp_path / "in", frames(3, shape=(120, 110)))]


def spoil(path: Path) -> None:
    """Other bytes, but the size and the times that it had."""
    state, raw = path.stat(), bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 50] = bytes(50)
    path.write_bytes(raw)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_a_result_that_was_damaged_is_not_taken_for_made_before(
    images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*WORDS, "-o", "r.tif", *images)
    assert main([*words]) == 0
    right = Path("r.tif").read_bytes()
    spoil(Path("r.tif"))
    assert main([*words]) == 3
    assert "r.tif: is no longer as it was written; --force writes it again" in capsys.readouterr().err
    assert main([*words[: -len(images)], "--force", *images]) == 0
    assert Path("r.tif").read_bytes() == right


@pytest.mark.parametrize("options", [("-o", "r.tif"), ()])
def test_an_emptied_result_is_written_again(
    images: list[str], options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, *options, *images]) == 0
    name = Path(capsys.readouterr().out.strip())
    right = name.read_bytes()
    name.write_bytes(b"")
    assert main([*WORDS, *options, *images]) == 0
    assert name.read_bytes() == right


def test_what_is_no_picture_any_more_is_not_found_by_its_name(
    images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, *images]) == 0
    name = Path(capsys.readouterr().out.strip())
    name.write_text("not a picture")
    assert main([*WORDS, *images]) == 3
    shutil.rmtree("store")
    assert main([*WORDS, *images]) == 3
    assert name.read_text() == "not a picture"


def test_a_result_that_went_elsewhere_is_found_by_its_content(
    images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, *images]) == 0
    name = capsys.readouterr().out.strip()
    Path("keep").mkdir()
    kept = Path(name).rename(Path("keep", name))
    assert main([*WORDS, *images]) == 0
    assert capsys.readouterr().out.strip() == str(kept)
    spoil(kept)
    assert main([*WORDS, *images]) == 0
    assert capsys.readouterr().out.strip() == name


def lose_notes() -> None:
    for note in Path("store/numbers").glob("output-*"):
        note.unlink()


def test_a_lost_note_of_a_result_lets_the_run_go_on(images: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = [*WORDS, "--extra", "-o", "r.tif", *images]
    assert main(words) == 0
    right = {path: path.read_bytes() for path in Path().glob("r*.tif")}
    assert len(right) > 2
    lose_notes()
    assert main(words) == 0
    assert {path: path.read_bytes() for path in Path().glob("r*.tif")} == right
    assert len(list(Path("store/numbers").glob("output-*"))) == len(right)
    assert list(Path().glob(".*")) == []


def test_another_result_without_a_note_is_not_written_over(
    images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    others = [str(path) for path in written(Path("others"), frames(3, shape=(120, 110))[::-1])]
    assert main([*WORDS[:-1], "another", "-o", "r.tif", *others]) == 0
    other = Path("r.tif").read_bytes()
    assert main([*WORDS, "-o", "r.tif", *images]) == 3
    assert "is not what this run makes; --force" in capsys.readouterr().err
    assert Path("r.tif").read_bytes() == other
    assert list(Path().glob(".*")) == []


def test_a_result_of_other_options_is_refused_before_anything_is_computed(
    images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, "--finalblur", "-o", "r.tif", *images]) == 0
    other = Path("r.tif").read_bytes()
    assert main([*WORDS[:-1], "fresh", "-o", "r.tif", *images]) == 3
    assert "r.tif: exists already; --force overwrites it" in capsys.readouterr().err
    assert not Path("fresh").exists()
    assert Path("r.tif").read_bytes() == other


def test_a_note_of_an_earlier_version_counts_by_size_and_time(images: list[str]) -> None:
    words = [*WORDS, "-o", "r.tif", *images]
    assert main(words) == 0
    store = Store(str(Path("store").absolute()))
    (key,) = (path.stem for path in Path("store/numbers").glob("output-*"))
    note = store.numbers.load(key)
    assert note is not None
    store.numbers.save(key, {name: note[name] for name in ("size", "mtime_ns")})
    before = Path("r.tif").stat().st_mtime_ns
    assert main(words) == 0
    assert Path("r.tif").stat().st_mtime_ns == before


def test_a_depth_map_is_written_again_when_its_own_arithmetic_has_changed(
    images: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["fuse", "--quiet", "--align=no", "--bg=pyramid", "--tile", "100", "--store", "store", "-X", "-o", "r.tif"]
    assert main([*words, *images]) == 0
    before = {name: Path(name).stat().st_ino for name in ("r.tif", "r.depth.tif")}
    monkeypatch.setattr(FillDepthJob, "version", FillDepthJob.version + 1)
    assert main([*words, "--force", *images]) == 0
    after = {name: Path(name).stat().st_ino for name in before}
    assert after["r.tif"] == before["r.tif"], "the picture is the same and stays"
    assert after["r.depth.tif"] != before["r.depth.tif"]
