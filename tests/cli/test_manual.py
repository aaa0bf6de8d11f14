"""The manual says what the program does: its commands are understood, its Python runs, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from stacks import frames, written

from benchmarks.__main__ import BENCHMARKS
from imfuse_tiles.cli.main import COMMANDS, main
from imfuse_tiles.cli.manual import page, topics
from imfuse_tiles.options.grammar import REGISTRY

#: Modules without a test file of their own name.
TESTED_MODULES = ("cli.help", "cli.option_tables")

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "imfuse_tiles" / "manual"
README = (ROOT / "README.md").read_text()
PAGES = {"README": README} | {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.md"))}
WORDS = (
    "montage",
    "cut",
    "mask",
    "halo",
    "block",
    "chunk",
    "stage",
    "key",
    "store",
    "slice",
    "frame",
    "substack",
    "level",
)


def code(language: str, text: str) -> list[str]:
    """The blocks of code of a page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands() -> list[str]:
    """Every command line of the manual, without those that install the program or run its tests."""
    blocks = [
        *code("sh", README)[2:],
        *(block for name in PAGES if name != "README" for block in code("sh", PAGES[name])),
    ]
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stack in the folder ``stack`` of the current one."""
    written(tmp_path / "stack", frames(3, shape=(80, 70)))
    monkeypatch.chdir(tmp_path)
    return sorted(str(path) for path in Path("stack").glob("*.tif"))


def test_the_readme_is_short() -> None:
    assert len(README.encode()) <= 8 * 1024
    assert (ROOT / ".github" / "fused.jpg").stat().st_size < 150_000


def test_two_lines_are_all_a_fresh_machine_needs() -> None:
    demo, test = (block.strip() for block in code("sh", README)[:2])
    assert demo.endswith(".venv/bin/imfuse-tiles demo")
    assert test == "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/python -m pytest"
    assert "\n" not in demo


def test_every_page_is_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(topics()) == PAGES.keys() - {"README"}
    assert main(["help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {topic:<9} {about}" in text for topic, about in topics().items())
    assert all(f"[{topic}](imfuse_tiles/manual/{topic}.md)" in README for topic in topics())
    for topic in topics():
        assert main(["help", topic]) == 0
        assert capsys.readouterr().out.startswith("# ")


def test_an_unknown_page_is_refused_and_a_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "nonsense"]) == 2
    assert "help nonsense: no such page; there are alignment, changelog" in capsys.readouterr().err
    assert main(["help", "fuse"]) == 0
    assert "usage: imfuse-tiles fuse" in capsys.readouterr().out


def test_every_option_and_command_is_explained() -> None:
    text = page("options")
    assert [name for name in REGISTRY if f"`--{name}`" not in text] == []
    assert "`--exif[=IMAGE]`" in text
    assert "<!--" not in text
    assert [name for name in COMMANDS if f"`{name}" not in PAGES["using"]] == []


def test_the_glossary_explains_the_words_of_the_manual() -> None:
    assert [word for word in WORDS if f"**{word}** - " not in PAGES["glossary"]] == []


@pytest.mark.parametrize("line", commands())
def test_a_command_in_it_is_understood(line: str, stack: list[str]) -> None:
    program, *words = shlex.split(line)
    assert program == "imfuse-tiles"
    words = [part for word in words for part in (stack if word == "stack/*.tif" else [word])]
    assert main(words if words[0] == "prepare" else [*words, "--dry-run"]) == 0


@pytest.mark.parametrize("name", [name for name in PAGES if code("python", PAGES[name])])
def test_the_python_in_it_runs(name: str, stack: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for block in code("python", PAGES[name]):
        exec(compile(block, f"{name}.md", "exec"), {})
    mask = Path(capsys.readouterr().out.split()[0])
    assert (mask.is_file(), mask.with_name(mask.name.replace(".mask", "")).is_file()) == (True, True)


@pytest.mark.parametrize("name", PAGES)
def test_links_and_paths_in_it_are_there(name: str) -> None:
    base = ROOT if name == "README" else FOLDER
    links = re.findall(r"\]\(([^)]+)\)", PAGES[name])
    assert [link for link in links if "://" not in link and not (base / link).exists()] == []
    paths = re.findall(r"(?:tests|benchmarks|imfuse_tiles|configs)/[\w./-]*\w", PAGES[name])
    assert [path for path in paths if not (ROOT / path).exists()] == []
    modules = [module.replace(".", "/") for module in re.findall(r"python -m (benchmarks\.\w+)", PAGES[name])]
    assert [module for module in modules if not (ROOT / f"{module}.py").exists()] == []
    helps = re.findall(r"`imfuse-tiles help (\w+)`", PAGES[name])
    assert [topic for topic in helps if topic not in (*topics(), "TOPIC")] == []


@pytest.mark.parametrize("name", PAGES)
def test_benchmarks_named_in_it_exist(name: str) -> None:
    named = re.findall(r"python -m benchmarks ([a-z][a-z-]*)", PAGES[name])
    assert [benchmark for benchmark in named if benchmark not in BENCHMARKS] == []


def test_no_command_of_the_readme_refuses_to_write_what_the_one_before_it_wrote() -> None:
    written = re.findall(r"-o (\S+)|\"(\w+\.tif)\"", "".join(code("sh", README) + code("python", README)))
    assert len(written) == len(set(written)) >= 3


@pytest.mark.parametrize("name", PAGES)
def test_options_named_in_it_exist(name: str) -> None:
    from imfuse_tiles.cli.arguments import fuse_parser

    other = {
        "--json",
        "--path",
        "--signal",
        "--size",
        "--port",
        "--no-browser",
        "--pick",
        "--vary",
        "--group",
        "--gap",
        "--watch",
        "--mask-channel",
        "--drift",
        "--misalign",
    }
    known = {text for action in fuse_parser("fuse")._actions for text in action.option_strings}
    named = set(re.findall(r"`(--[a-z][a-z0-9-]*)", PAGES[name]))
    assert {option for option in named if option not in known | other and option[2:] not in REGISTRY} == set()
