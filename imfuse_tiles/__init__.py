"""Out-of-core focus stacking: masks, montage and post-processing, tile by tile through a zarr store.

>>> from imfuse_tiles import Recipe
>>> str(Recipe.from_options(["--wavelet", "--cutwave=p50"]))
'--wavelet=p5 --masklevel=t5 --cutwave=p50'

Public names are loaded when they are first used; importing the package loads nothing heavy. ``imfuse-tiles help
python`` describes them.
"""

__version__ = "0.1.0"

#: Where each public name is defined.
_HOMES = {
    "BlockFailed": "imfuse_tiles.errors",
    "AlreadyExists": "imfuse_tiles.errors",
    "Interrupted": "imfuse_tiles.errors",
    "Outcome": "imfuse_tiles.execution.outcome",
    "Recipe": "imfuse_tiles.options.recipe",
    "Refusal": "imfuse_tiles.errors",
    "Incomplete": "imfuse_tiles.errors",
    "ImfuseError": "imfuse_tiles.errors",
    "StoreArrays": "imfuse_tiles.execution.store_arrays",
    "fuse_images": "imfuse_tiles.execution.fuse_stack",
    "fuse_stack": "imfuse_tiles.execution.fuse_stack",
    "open_store": "imfuse_tiles.execution.store_arrays",
}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
