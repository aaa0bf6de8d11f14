"""Kernels are compiled once, by one process, and not before that was announced."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, time
import numpy as np
from imfuse_tiles.kernels import gaussian, kernel_cache
kernel_cache.before_compiling(lambda: print("announced"))
taps = np.ones(3, np.float32)
gaussian.separable(np.ones((20, 20), np.float32), taps, taps)
gaussian.separable(np.ones((30, 20), np.float32), taps, taps)
print(kernel_cache.compile_seconds() > 0)
print(kernel_cache.folder())
"""


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, text=True)


def output(process: subprocess.Popen[str]) -> list[str]:
    text, _ = process.communicate(timeout=480)
    assert process.returncode == 0
    return text.splitlines()


def test_compiling_is_announced_once_and_loading_is_not(tmp_path: Path) -> None:
    first, second = output(start(tmp_path)), output(start(tmp_path))
    assert first[:2] == ["announced", "True"]
    assert second[0] == "False"
    assert Path(first[2]).is_relative_to(tmp_path)
    assert first[2] == second[1]


def test_processes_that_need_the_same_kernel_keep_it_once(tmp_path: Path) -> None:
    """Without the lock each would compile it and write its code over the other's."""
    processes = [start(tmp_path) for _ in range(3)]
    for process in processes:
        output(process)
    code = [path.name for path in tmp_path.rglob("*.nbc")]
    assert len(code) == len({name.partition("-")[0] for name in code})


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_does_not_matter(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert output(start(tmp_path))[:2] == ["announced", "True"]
