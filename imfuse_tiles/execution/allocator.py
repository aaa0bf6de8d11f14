"""Memory that a block frees is kept for the next one, and lies in large pages.

By default glibc gives large blocks back to the system at once, which then clears every page again before it
hands it out: a fifth of a run's time. Pages of 4 KiB, which are handed out one by one and looked up one by one, are
another seventh: NumPy asks for larger ones for arrays of 4 MiB and more only, and most are a little smaller. Elsewhere
than in glibc nothing is changed.

What only looks at results does the contrary: left alone, glibc keeps what was freed for every thread that ever ran.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
#: Bytes of an array that is large for who gives memory back.
_LARGE = 1 << 20
#: What glibc allows at most.
_LARGEST = 32 << 20
#: Addresses, not memory, that the heap gets at once, so that it can be told to use large pages there; what it grows by
#: otherwise; and the bytes of such a page.
_RESERVED, _GROWTH, _LARGE_PAGE = 1 << 30, 128 << 10, 2 << 20
#: Linux's word for large pages, and where it says how it counts addresses that hold nothing: 2 is as if they did.
_MADV_HUGEPAGE, _COUNTING = 14, "/proc/sys/vm/overcommit_memory"


@cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    if not hasattr(library, "gnu_get_libc_version"):
        return None
    for name in ("sbrk", "malloc"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


@cache
def keep_freed_memory() -> None:
    """Keep what is freed, in one heap for all threads. Called once for each process, before it computes."""
    if library := _glibc():
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST)
        library.mallopt(_TRIM_THRESHOLD, -1)  # never
        if _has_addresses():
            _use_large_pages(library)


@cache
def return_freed_memory() -> None:
    """Give back at once what any thread frees of large arrays: for a process that lives long and rests mostly."""
    if library := _glibc():
        library.mallopt(_ARENA_MAX, 2)
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_TRIM_THRESHOLD, 4 * _LARGE)


def _use_large_pages(library: Any) -> None:
    """Grow the heap by addresses that nothing lies at yet, and have them filled with large pages."""
    before = library.sbrk(0)
    library.mallopt(_TOP_PAD, _RESERVED)
    library.free(ctypes.c_void_p(library.malloc(ctypes.c_size_t(_LARGEST // 2))))
    library.mallopt(_TOP_PAD, _GROWTH)
    start, stop = -(-before // _LARGE_PAGE) * _LARGE_PAGE, library.sbrk(0)
    if stop - start >= _RESERVED // 2:  # otherwise there was no room behind the heap, which then lies elsewhere, too
        library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(stop - start), _MADV_HUGEPAGE)


def _has_addresses() -> bool:
    """Whether addresses without memory are free: nobody limits or counts them."""
    import resource

    try:
        with open(_COUNTING) as file:
            counted = file.read().strip() == "2"
    except OSError:
        return False
    limits = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
    return not counted and all(resource.getrlimit(limit)[0] == resource.RLIM_INFINITY for limit in limits)
