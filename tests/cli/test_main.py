"""The commands, their help, which is quick, and what a bug looks like from outside."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from imfuse_tiles import __version__
from imfuse_tiles.cli import main as main_module
from imfuse_tiles.cli.main import COMMANDS, main

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "cli.list_options",
    "cli.verify",
    "errors",
)


def test_the_program_starts_no_threads_for_algebra_and_ends_without_a_search_for_cycles() -> None:
    told = "import gc, os; from imfuse_tiles.cli.main import program; print(program(), gc.get_freeze_count() > 0, "
    told += "os.environ['OPENBLAS_NUM_THREADS'])"
    for said, threads in (({}, 1), ({"OPENBLAS_NUM_THREADS": "3"}, 3)):
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | said
        command = [sys.executable, "-c", told, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        lines = done.stdout.splitlines()
        assert (lines[0], lines[-1]) == (f"imfuse-tiles {__version__}", f"0 True {threads}")


# A run


# Plans


def test_no_command_and_a_wrong_one_tell_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)
    assert main(["fly"]) == 2
    assert capsys.readouterr().err == f"imfuse-tiles: unknown command fly; allowed are {', '.join(COMMANDS)}\n"


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_names_every_command(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main([name, "--help"])
    except SystemExit as end:
        code = end.code  # type: ignore[assignment]
    assert code == 0
    assert len(capsys.readouterr().out) > 40


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--version"], ["fuse", "--version"]):
        assert main(words) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"imfuse-tiles {__version__}"
        assert lines[1].startswith(f"Python {sys.version_info[0]}.")
        assert {line.split()[0] for line in lines[2:]} >= {"numpy", "zarr", "dask", "numba", "tifffile"}
        assert f"numpy {np.__version__}" in lines


def test_a_bug_is_one_line_with_its_place_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(words: object) -> int:
        raise KeyError("oops")

    monkeypatch.setattr(main_module, "_dispatch", broken)
    assert main(["fuse"]) == 1
    assert "KeyError" in capsys.readouterr().err


@pytest.fixture(scope="module")
def outside() -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=480)

    return run


@pytest.mark.parametrize("words", [["--help"], ["fuse", "--help"], ["ops"], ["fuse", "--wavlet"]], ids=" ".join)
def test_help_and_refusals_load_no_heavy_library(
    words: list[str], outside: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    code = f"""
import sys
from imfuse_tiles.cli.main import main
main({words!r})
heavy = {{"numpy", "numba", "zarr", "dask", "scipy", "cv2", "PIL", "tifffile", "imagecodecs", "rich", "pywt", "psutil"}}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    assert outside("-c", code).stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [["--help"], ["fuse", "--help"]], ids=" ".join)
def test_help_answers_in_less_than_three_tenths_of_a_second(
    words: list[str], outside: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Processor time, since other programs run on this machine too; the help waits for nothing."""
    used = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert outside("-m", "imfuse_tiles", *words).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if used[-1] < 0.3:
            return
    pytest.fail(f"{min(used):.2f} s")
