"""The presets that come with the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from stacks import frames, ran, stack_of

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options import config_files
from imfuse_tiles.options.grammar import parse
from imfuse_tiles.options.recipe import Recipe

NAMES = sorted(config_files.presets())


def recipe(name: str) -> Recipe:
    return Recipe(tuple(parse(*option) for option in config_files.preset(name))).checked()


def test_there_are_those_that_were_promised() -> None:
    assert {
        "default", "workflow-fft", "workflow-blur", "soft", "macro-insect", "microscope-brightfield", "mineral",
        "electronics",
    } <= set(NAMES)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_what_it_is_for_and_makes_a_picture(name: str, tmp_path: Path) -> None:
    assert config_files.about(config_files.presets()[name]).endswith(".")
    stack = stack_of(tmp_path / "in", frames(3, shape=(120, 110)))
    made = ran(stack, recipe(name), tmp_path / "store", tile=256)
    assert made[:3].std() > 1000
    assert (made[3] > 0).mean() > 0.95


def test_the_sets_of_the_workflow_are_word_for_word() -> None:
    assert str(recipe("workflow-fft")) == (
        "--fft=r75 --darkness=w10 --maskfft=r25,log1000 --masklevel=t5 --cutwave=p25 --cutbg --cutalpha=p-25,P150"
    )
    assert str(recipe("workflow-blur")) == (
        "--blur=s0.3,S0.6 --blur=s1,S2 --blur=s2,S3 --saturation=w25,level --maskwave=p5 --maskstat=r6,Mean "
        "--masklevel=t5 --cutless=p20 --cutwave=p75 --cutmorph=r3,R1,Erode"
    )


def test_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    text = capsys.readouterr().out
    assert all(f"{name}: " in text for name in NAMES)


def test_a_broken_file_is_named_when_it_is_used_and_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config_files, "folders", lambda: [tmp_path])
    (tmp_path / "broken.toml").write_text("options = [")
    (tmp_path / "good.toml").write_text('about = "Waves."\noptions = ["--wavelet"]')
    (tmp_path / "not-text.toml").write_bytes(b"\xff\xfe")
    assert str(recipe("good")) == "--wavelet=p5 --masklevel=t5"
    for name in ("broken", "not-text"):
        with pytest.raises(Refusal, match=rf"{name}\.toml: no readable TOML"):
            recipe(name)
    assert main(["presets"]) == 0
    shown = capsys.readouterr().out
    assert "good: Waves." in shown
    assert "broken: " in shown
    assert "no readable TOML" in shown
    with pytest.raises(Refusal, match="no such preset or file; there are broken, good, not-text"):
        recipe("none")
