"""Arrays in, arrays out: the arithmetic of every option, knowing nothing of options, stores or tiles.

A kernel takes windows that the caller has padded by the halo and returns the part without it. Modules
load on first use (``kernels.wavelet``), so that declaring an option costs no import of a compiler.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
