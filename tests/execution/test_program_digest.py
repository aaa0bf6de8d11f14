"""A worker computes only with the program of the run that it computes for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blocks import FillJob, plan_of
from stacks import run

import imfuse_tiles
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution import program_digest as digests
from imfuse_tiles.execution import schedule_blocks
from imfuse_tiles.execution.program_digest import check_program, program_digest
from imfuse_tiles.storage.store import Store

PACKAGE = Path(imfuse_tiles.__file__).parent


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another installation of the program."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def digest_in(folder: Path) -> str:
    """The digest of the program that is installed in a folder."""
    words = [sys.executable, "-c", "from imfuse_tiles.execution.program_digest import *; print(program_digest())"]
    return subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(folder)}, cwd=folder, check=True, text=True, capture_output=True
    ).stdout.strip()


def test_the_same_program_at_another_place_has_the_same_digest(copied: Path) -> None:
    assert digest_in(copied) == program_digest()


@pytest.mark.parametrize("module", ["kernels/gaussian.py", "geometry.py", "options/cuts.py", "imageio/reading/png.py"])
def test_other_arithmetic_is_another_program(copied: Path, module: str) -> None:
    source = copied / PACKAGE.name / module
    before = source.read_bytes()
    source.write_bytes(before + b"\n# another version\n")
    try:
        assert digest_in(copied) != program_digest()
    finally:
        source.write_bytes(before)


def test_a_stranger_refuses_and_says_what_it_is() -> None:
    with pytest.raises(
        Refusal, match=rf"process {os.getpid()} on .* {imfuse_tiles.__version__}.* run with 0.0 \(old\)"
    ):
        check_program("0.0 (old)")


def test_a_worker_whose_program_was_changed_since_it_began_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    check_program(program_digest())
    monkeypatch.setattr(digests, "LOADED", 0.0)
    with pytest.raises(Refusal, match="began before its imfuse-tiles was changed"):
        check_program(program_digest())


@pytest.mark.parametrize("scheduler", ["processes:2", "local:2"])
def test_blocks_for_others_carry_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "store"))
    with monkeypatch.context() as patch:
        patch.setattr(schedule_blocks, "program_digest", lambda: "0.0 (old)")
        with pytest.raises(Refusal, match="computes with imfuse-tiles"):
            run(plan, store, scheduler=scheduler)
    assert sum(report.computed for report in run(plan, store, scheduler=scheduler)) == 24


def test_this_process_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> Any:
        raise AssertionError

    monkeypatch.setattr(schedule_blocks, "program_digest", never)
    run(plan_of(FillJob("first/x")), Store(str(tmp_path / "store")))
