"""Numba, loaded when a kernel is first called, and without the libraries that it only tries.

Declaring and planning need halos and names from the modules of kernels, which must not cost the second that
Numba takes to load. ``njit`` here stands for Numba's in all kernels.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, update_wrapper
from typing import Any

from imfuse_tiles.kernels.kernel_cache import cached
from imfuse_tiles.kernels.lazy_numba import defer_imports

#: What Numba imports if it can, for features that no kernel uses: linear algebra, C declarations, a settings file.
OPTIONAL = ("scipy", "cffi", "yaml")
_LOCK = threading.RLock()


def njit(counted: bool = True, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit`` for a function of a module, done when it, or one that calls it, is first called.

    ``counted``: whether Numba counts who uses an array, by an atomic addition for every row that is cut out of one
    and a subtraction afterwards: a fifth of the time of kernels that go row by row. Those that are not ``counted``
    can neither make arrays nor return them, nor assign one to a part of another. No kernel gets the wrapper for
    callers in C, which nobody uses and which is a twelfth of the time of compiling.
    """
    return lambda function: LazyKernel(function, {"_nrt": counted, "no_cfunc_wrapper": True, **options})


class LazyKernel:
    """A kernel that is not compiled yet. It gives its place in the module to the compiled one."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        update_wrapper(self, function)
        self._function, self._options = function, options
        self._dispatcher: Any = None
        self._complete: Any = None

    def __call__(self, *args: Any) -> Any:
        return (self._complete or self._load())(*args)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._load(), name)

    def _load(self) -> Any:
        """Numba's dispatcher, with those of all kernels that it can see by name in its module."""
        with _LOCK:
            if self._dispatcher is None:
                ready()
                import numba

                self._dispatcher = cached(numba.njit(**self._options)(self._function), _load_compiler)
                module = self._function.__globals__
                for name, other in list(module.items()):
                    if isinstance(other, LazyKernel):
                        module[name] = other._load()
                self._complete = self._dispatcher
            return self._dispatcher


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
        _load_runtime()


@cache
def _load_runtime() -> None:
    with _without(OPTIONAL):
        from numba.core.registry import cpu_target
        from numba.core.runtime import rtsys

        rtsys.initialize(cpu_target.target_context)
        defer_imports()


@cache
def _load_compiler() -> None:
    """Load what Numba needs to compile: all it knows of types and functions, half as much again."""
    with _without(OPTIONAL):
        from numba.core.registry import cpu_target

        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()
