"""Compiled kernels on disk: compiled once per machine, by one process at a time, and announced beforehand.

Numba keeps machine code in ``NUMBA_CACHE_DIR`` or in ``__pycache__`` beside the source. It neither tells anyone when
it compiles nor keeps two processes from compiling the same kernel at the same time; both are added here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

#: Seconds to wait for another process that compiles the same kernel, before compiling it a second time.
LOCK_TIMEOUT = 120


class _ThreadState(threading.local):
    """Of one thread: the seconds it spent in Numba's compiler, how deep it is in it, and the locks that it holds."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.depth = 0
        self.locks: list[Any] = []


_THREAD = _ThreadState()
_compiles_here = False
_folder = ""
_announce: Callable[[], None] | None = None


def before_compiling(announce: Callable[[], None] | None) -> None:
    """Have ``announce`` called once, before this process compiles its first kernel; None: no longer."""
    global _announce
    _announce = announce


def compile_seconds() -> float:
    """Seconds that this thread has compiled kernels or waited for them; 0 as long as all were found on disk."""
    return _THREAD.seconds if _compiles_here else 0.0


def folder() -> str:
    """The folder of the code on disk, as of the kernel that was loaded last; empty before any."""
    return _folder


def cached(kernel: Any, load_compiler: Callable[[], None]) -> Any:
    """The Numba dispatcher ``kernel``, changed to announce and time compiling and to lock the files of its code.

    ``load_compiler`` loads what only compiling needs; a kernel found on disk is loaded without.
    """
    cache = kernel._cache
    if hasattr(cache, "_load_overload"):  # not with cache=False
        cache.save_overload = partial(_save, cache.save_overload)
        cache.load_overload = partial(_load, cache, load_compiler)
    kernel.compile = partial(_compile, kernel.compile)
    return kernel


def _compile(compile_signature: Callable[[Any], Any], signature: Any) -> Any:
    """Numba's ``Dispatcher.compile``; the outermost call is timed, and each gives back the lock taken by it."""
    start, locks = time.perf_counter(), len(_THREAD.locks)
    _THREAD.depth += 1
    try:
        return compile_signature(signature)
    finally:
        _THREAD.depth -= 1
        for lock in _THREAD.locks[locks:]:
            lock.release()
        del _THREAD.locks[locks:]
        if not _THREAD.depth:
            _THREAD.seconds += time.perf_counter() - start


def _save(save_overload: Callable[..., None], *overload: Any) -> None:
    """Keep the code on disk, unless the disk is full or read only."""
    with suppress(OSError):
        save_overload(*overload)


def _load(cache: Any, load_compiler: Callable[[], None], *overload: Any) -> Any:
    """The code of a signature from disk; None when it is to be compiled, by this process alone."""
    global _folder
    _folder = cache.cache_path
    code = _read(cache, *overload)
    if code is None:
        _tell()
        load_compiler()
        if _lock(cache):
            code = _read(cache, *overload)
    return code


def _read(cache: Any, *overload: Any) -> Any:
    with cache._guard_against_spurious_io_errors():
        return cache._load_overload(*overload)
    return None


def _tell() -> None:
    """Announce compiling, once."""
    global _compiles_here, _announce
    _compiles_here = True
    announce, _announce = _announce, None
    if announce:
        announce()


def _lock(cache: Any) -> bool:
    """Lock the files of a kernel; False where that is not possible. A killed process leaves no lock behind.

    Kernels that call each other are locked from the caller down, which is an order: nobody waits in a circle.
    """
    from filelock import FileLock, Timeout

    try:
        cache._impl.locator.ensure_cache_path()
        lock = FileLock(f"{cache._cache_file._index_path}.lock", timeout=LOCK_TIMEOUT)
        lock.acquire()
    except (OSError, Timeout, NotImplementedError):
        return False
    _THREAD.locks.append(lock)
    return True
