"""Memory that a block frees is kept for the next one.

By default glibc gives large blocks back to the system at once, which then clears every page again before it
hands it out: a fifth of a run's time. Elsewhere than in glibc nothing is changed.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
#: What glibc allows at most.
_LARGEST = 32 << 20


@cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "gnu_get_libc_version") else None
    except (OSError, TypeError):
        return None


@cache
def keep_freed_memory() -> None:
    """Keep what is freed, in one heap for all threads. Called once for each process, before it computes."""
    if library := _glibc():
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST)
        library.mallopt(_TRIM_THRESHOLD, -1)  # never
