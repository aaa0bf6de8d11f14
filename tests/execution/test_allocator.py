"""Freed memory is kept for the next block."""

from __future__ import annotations

import subprocess
import sys

import pytest

from imfuse_tiles.execution import allocator

#: Modules without a test file of their own name.
TESTED_MODULES = ("execution.forkserver_preload",)

FAULTS = """
import resource
import numpy as np
from imfuse_tiles.execution import allocator
allocator.keep_freed_memory()
def block():
    return np.ones((1024, 1024), np.float32).sum()
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(allocator._glibc() is None, reason="only glibc is told")
def test_a_block_after_the_first_gets_no_new_pages() -> None:
    said = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 50


def test_keeping_twice_does_no_harm() -> None:
    allocator.keep_freed_memory()
    allocator.keep_freed_memory()
