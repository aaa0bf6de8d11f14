"""The line that announces the compiling of kernels, which takes the first run on a machine half a minute."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from imfuse_tiles import kernels


@cache
def announce_compiling() -> None:
    """Say, once per process, why the first blocks take so long."""
    print("preparing kernels, once per machine (imfuse-tiles help kernels) ...", file=sys.stderr, flush=True)


@contextmanager
def compiling_announced(announce: Callable[[], None] = announce_compiling) -> Iterator[None]:
    """Call ``announce`` when this process begins to compile kernels, if it does."""
    kernels.kernel_cache.before_compiling(announce)
    try:
        yield
    finally:
        kernels.kernel_cache.before_compiling(None)
