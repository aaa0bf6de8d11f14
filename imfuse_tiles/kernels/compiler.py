"""Numba, loaded when a kernel is first called, and without the libraries that it only tries.

Declaring and planning need halos and names from the modules of kernels, which must not cost the second that
Numba takes to load. ``njit`` here stands for Numba's in all kernels.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial, update_wrapper
from typing import Any

#: What Numba imports if it can, for features that no kernel uses: linear algebra, C declarations, a settings file.
TRIED = ("scipy", "cffi", "yaml")
_LOCK = threading.RLock()


def njit(counted: bool = True, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit`` for a function of a module, done when it, or one that calls it, is first called.

    ``counted``: whether Numba counts who uses an array, by an atomic addition for every row that is cut out of one
    and a subtraction afterwards: a fifth of the time of kernels that go row by row. Those that are not ``counted``
    can neither make arrays nor return them, nor assign one to a part of another.
    """
    return lambda function: _Later(function, {"_nrt": counted, **options})


class _Later:
    """A kernel that is not compiled yet. It gives its place in the module to the compiled one."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        update_wrapper(self, function)
        self._function, self._options = function, options
        self._begun: Any = None
        self._made: Any = None

    def __call__(self, *args: Any) -> Any:
        return (self._made or self._make())(*args)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._make(), name)

    def _make(self) -> Any:
        """Numba's object, with those of all kernels that it can see by name in its module."""
        with _LOCK:
            if self._begun is None:
                ready()
                import numba

                self._begun = _kept(numba.njit(**self._options)(self._function))
                place = self._function.__globals__
                for name, other in list(place.items()):
                    if isinstance(other, _Later):
                        place[name] = other._make()
                self._made = self._begun
            return self._begun


def _kept(kernel: Any) -> Any:
    """A kernel whose code is kept for the next time: found without what only compiling needs, lost on a full disk."""
    cache = kernel._cache
    cache.save_overload = partial(_tried, cache.save_overload)
    if hasattr(cache, "_load_overload"):  # not where nothing is kept
        cache.load_overload = partial(_found, cache)
    return kernel


def _tried(keep: Callable[..., None], *what: Any) -> None:
    with suppress(OSError):
        keep(*what)


def _found(cache: Any, *what: Any) -> Any:
    code = None
    with cache._guard_against_spurious_io_errors():
        code = cache._load_overload(*what)
    if code is None:
        _prepared()
    return code


class _Hidden:
    """Libraries that this thread is not to find; one that is loaded already stays."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.thread = names, threading.get_ident()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if threading.get_ident() == self.thread and name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} is not needed", name=name)


@contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    hidden = _Hidden(names)
    sys.meta_path.insert(0, hidden)
    try:
        yield
    finally:
        sys.meta_path.remove(hidden)


def ready() -> None:
    """Load Numba and all that compiled kernels need to be loaded; only the first call takes time."""
    with _LOCK:
        _load()


@cache
def _load() -> None:
    with _without(TRIED):
        from numba.core.registry import cpu_target
        from numba.core.runtime import rtsys

        rtsys.initialize(cpu_target.target_context)


@cache
def _prepared() -> None:
    """Load what Numba needs to compile: all it knows of types and functions, half as much again."""
    with _without(TRIED):
        from numba.core.registry import cpu_target

        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()
