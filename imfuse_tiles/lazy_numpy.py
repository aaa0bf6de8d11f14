"""NumPy, loaded when first used: ``from imfuse_tiles.lazy_numpy import np``.

The declarations of the options compute with arrays, but the help and the refusal of a wrong word only read
the declarations, and must not wait for NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["np"]


class _Later:
    """A module by its name; every attribute is looked up once and kept."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)
        return value


if TYPE_CHECKING:
    import numpy as np
else:
    np = _Later("numpy")
