"""``warmup`` compiles what later runs would, and those that compile say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from program import run
from stacks import frames, written

from imfuse_tiles.cli.main import main
from imfuse_tiles.cli.warmup import DTYPES

#: Modules without a test file of their own name.
TESTED_MODULES = ("cli.compile_notice",)

NOTICE = "preparing kernels"
#: A new process does what ``warmup enfuse`` does in its own; then no run asks for a kernel that was not loaded yet.
NO_KERNEL_IS_NEW = """
import sys
from imfuse_tiles.kernels import kernel_cache
loaded, load = [], kernel_cache._load
kernel_cache._load = lambda cache, *words: (loaded.append((cache._name, words[1])), load(cache, *words))[1]
from imfuse_tiles.cli import warmup
from imfuse_tiles.cli.main import main
warmup.compile_simulation()
warmup.compile_alignment()
warmup.compile_preset("enfuse")
assert len(loaded) > 20, loaded
for folder in sys.argv[1:]:
    words = ["fuse", "--preset", "enfuse", "--scheduler", "sync", "--quiet", "-o", f"{folder}.tif", folder]
    before = len(loaded)
    assert main(words) == 0
    assert not loaded[before:], loaded[before:]
"""


def test_after_a_warmup_nothing_is_compiled(tmp_path: Path) -> None:
    folders = [tmp_path / dtype for dtype in DTYPES]
    for folder in folders:
        written(folder, frames(3, dtype=folder.name, shape=(150, 130)))
    command = [sys.executable, "-c", NO_KERNEL_IS_NEW, *map(str, folders)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_it_says_what_took_how_long_and_where_kernels_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warmup", "enfuse", "--workers", "2"]) == 0
    said = capsys.readouterr()
    assert all(f"{what}: " in said.err for what in ("demo", "alignment", "preset enfuse"))
    folder = said.out.removeprefix("kernels are in ").partition(", after ")[0]
    assert any(Path(folder).glob("*.nbc"))


@pytest.mark.parametrize("scheduler", ["threads:2", "processes:2"])
def test_a_run_that_compiles_says_so_once(tmp_path: Path, scheduler: str) -> None:
    images = written(tmp_path / "in", frames(3, shape=(150, 130)))
    words = ["fuse", "--bg=mean", "--scheduler", scheduler, "-o", tmp_path / "r.tif", *images]
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    first = run(*words, "--store", tmp_path / "a", env=environment)
    assert first.code == 0
    assert first.err.count(NOTICE) == 1
    again = run(*words, "--force", "--store", tmp_path / "b", env=environment)
    assert again.code == 0
    assert NOTICE not in again.err


def test_a_preset_that_is_not_there_is_refused_before_anything_is_compiled(tmp_path: Path) -> None:
    ended = run("warmup", "no-such", env={"NUMBA_CACHE_DIR": str(tmp_path)})
    assert ended.code == 2
    assert "no-such" in ended.line
    assert not list(tmp_path.iterdir())
