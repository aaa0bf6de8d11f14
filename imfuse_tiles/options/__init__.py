"""The declarations of every option. Importing this package registers them all: a module put here is found."""

import os
from importlib import import_module


def _module_names() -> list[str]:
    """The modules of this package by name, in a folder or, more slowly, wherever else it was installed."""
    try:
        names = [name.removesuffix(".py") for name in os.listdir(__path__[0]) if name.endswith(".py")]
    except OSError:
        names = []
    if len(names) < 2:
        from pkgutil import iter_modules  # takes long to load

        names = [module.name for module in iter_modules(__path__)]
    return sorted(set(names) - {"__init__"})


for _name in _module_names():
    import_module(f"{__name__}.{_name}")
