"""``warmup`` compiles what later runs would, and those that compile say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import run
from stacks import frames, written

from imfuse_tiles.cli.warmup import DTYPES

#: Modules without a test file of their own name.
TESTED_MODULES = ("cli.compile_notice",)

NOTICE = "preparing kernels"
OPTIONS = ["--preset", "enfuse", "--scheduler", "processes:2"]


def test_after_a_warmup_nothing_is_compiled(tmp_path: Path) -> None:
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    ended = run("warmup", "enfuse", "--workers", "2", env=environment)
    assert ended.code == 0
    assert f"kernels are in {tmp_path / 'kernels'}" in ended.out
    assert "preset enfuse" in ended.err
    code = sorted((tmp_path / "kernels").rglob("*.nbc"))
    for dtype in DTYPES:
        images = written(tmp_path / dtype, frames(3, dtype=dtype, shape=(150, 130)))
        ended = run("fuse", *OPTIONS, "-o", tmp_path / f"{dtype}.tif", *images, env=environment)
        assert ended.code == 0
        assert NOTICE not in ended.err
    assert sorted((tmp_path / "kernels").rglob("*.nbc")) == code


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
