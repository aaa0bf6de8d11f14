"""Parts of Numba and NumPy that it loads for kernels from disk, and that these do not need: 4 % of a small run.

What compiles them loads everything by itself. Both are private places of Numba's: where a version has them in another
form, it loads what it wants.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

#: What is raised where Numba's insides are not what they were.
OTHER_INSIDES = (ImportError, AttributeError, TypeError, ValueError)


def defer_imports() -> None:
    """Have Numba tell types of arrays without ``numpy.ma``, and load kernels without the modules they are from."""
    with suppress(*OTHER_INSIDES):
        _tell_arrays_early()
    with suppress(*OTHER_INSIDES):
        _load_constants_alone()


def _tell_arrays_early() -> None:
    from numba.core.typing.typeof import typeof_impl
    from numpy import ndarray

    typeof_impl.register(ndarray)(partial(_array_type, typeof_impl.dispatch(ndarray)))


def _array_type(type_of: Callable[[Any, Any], Any], array: Any, context: Any) -> Any:
    """Numba's type of an array. Numba asks whether it is masked, which loads ``numpy.ma``: none is before that."""
    if "numpy.ma" in sys.modules:
        return type_of(array, context)
    try:
        from numba.core import types
        from numba.np import numpy_support

        kind, layout = numpy_support.from_dtype(array.dtype), numpy_support.map_layout(array)
        return types.Array(kind, array.ndim, layout, readonly=not array.flags.writeable)
    except Exception:  # a type that Numba does not know, which it says best itself
        return type_of(array, context)


def _load_constants_alone() -> None:
    from numba.core import environment

    rebuild = environment._rebuild_env

    def _rebuild_env(*what: Any) -> Any:
        """What ``rebuild`` gives, or less of it; ``what``: module, constants and name of a function of a kernel."""
        with suppress(*OTHER_INSIDES):
            if (found := _constants_of(environment, *what)) is not None:
                return found
        return rebuild(*what)

    _rebuild_env.__module__, _rebuild_env.__qualname__ = rebuild.__module__, rebuild.__qualname__  # as files name it
    environment._rebuild_env = _rebuild_env


def _constants_of(environment: Any, module: str, constants: Any, name: str) -> Any:
    """The constants of a function that a kernel has in it, without its module; None where that is to be loaded.

    Those of Numba's own for arrays are in a large module, and only compiling asks for more of it than its name. Other
    programs' functions are left alone.
    """
    known = module in sys.modules or environment.lookup_environment(name) is not None
    if known or not module.startswith("numba."):
        return None
    found = environment.Environment({"__name__": module})
    found.consts[:] = constants
    found.env_name = name
    environment.Environment._memo[name] = found
    return found
