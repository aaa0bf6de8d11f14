"""Parts of Numba and NumPy that it loads for kernels from disk, and that these do not need: a tenth of its start.

What compiles them loads everything by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any


def defer_imports() -> None:
    """Have Numba tell types of arrays without ``numpy.ma``, and load kernels without the modules they are from."""
    from numba.core import environment
    from numba.core.typing.typeof import typeof_impl
    from numpy import ndarray

    typeof_impl.register(ndarray)(partial(_array_type, typeof_impl.dispatch(ndarray)))
    rebuild = getattr(environment, "_rebuild_env", None)
    if rebuild is None:
        return

    def _rebuild_env(module: str, constants: Any, name: str) -> Any:
        """The constants of a function that a kernel has in it; those of Numba's own for arrays are in a large module.

        Only compiling asks for more of that module than its name. Other programs' functions are left alone.
        """
        known = module in sys.modules or environment.lookup_environment(name) is not None
        if known or not module.startswith("numba."):
            return rebuild(module, constants, name)
        found = environment.Environment({"__name__": module})
        found.consts[:] = constants
        found.env_name = name
        environment.Environment._memo[name] = found
        return found

    _rebuild_env.__module__, _rebuild_env.__qualname__ = rebuild.__module__, rebuild.__qualname__  # as files name it
    environment._rebuild_env = _rebuild_env


def _array_type(type_of: Callable[[Any, Any], Any], array: Any, context: Any) -> Any:
    """Numba's type of an array. Numba asks whether it is masked, which loads ``numpy.ma``: none is before that."""
    if "numpy.ma" in sys.modules:
        return type_of(array, context)
    from numba.core import types
    from numba.np import numpy_support

    kind, layout = numpy_support.from_dtype(array.dtype), numpy_support.map_layout(array)
    return types.Array(kind, array.ndim, layout, readonly=not array.flags.writeable)
