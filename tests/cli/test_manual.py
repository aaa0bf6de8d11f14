"""The manual says what the program does: its tables, its commands, its Python."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from stacks import frames, written

from imfuse_tiles.cli.main import COMMANDS, main
from imfuse_tiles.cli.option_tables import tables

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The code of the manual in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_tables_of_options_are_those_of_the_program() -> None:
    """Otherwise: put the output of ``imfuse-tiles ops --markdown`` between the two marks."""
    said = README.split("<!-- options -->")[1].split("<!-- /options -->")[0].strip()
    assert said == tables()


def test_every_command_is_explained() -> None:
    assert [name for name in COMMANDS if f"`{name}" not in README] == []


def test_two_lines_are_all_a_fresh_machine_needs() -> None:
    demo, test = (block.strip() for block in blocks("sh")[:2])
    assert demo.endswith(".venv/bin/imfuse-tiles demo")
    assert test.endswith(".venv/bin/python -m pytest")
    assert "\n" not in demo + test


def test_the_python_in_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "stack", frames(3, shape=(80, 70)))
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert re.fullmatch(r"result\.mask\.tif \d+ blocks\n", capsys.readouterr().out)
    assert Path("result.tif").is_file()


def test_the_commands_in_it_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "stack", frames(3, shape=(80, 70)))
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("sh")[2:] for line in block.replace("\\\n", " ").splitlines()]
    assert len(lines) >= 2
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "imfuse-tiles"
        images = sorted(str(path) for path in Path("stack").glob("*.tif"))
        words = [each for word in words for each in (images if word == "stack/*.tif" else [word])]
        assert main([*words, "--dry-run"]) == 0
