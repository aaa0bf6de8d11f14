"""Stores in napari: its plugin manager finds this reader by ``imfuse_tiles/napari.yaml``; napari is not imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imfuse_tiles.execution.stored_results import StoredResult
    from imfuse_tiles.storage.store import Store

#: A layer as napari takes it: its levels, how it is shown, and its kind.
LayerData = tuple[list[Any], dict[str, Any], str]


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerData]] | None:
    """A function that reads the store at ``path``; None where there is none, or no finished result in it."""
    from imfuse_tiles.errors import ImfuseError
    from imfuse_tiles.execution.stored_results import stored_results
    from imfuse_tiles.storage.store import Store

    if not isinstance(path, str):
        return None
    try:
        store = Store.at(path)
        return read_store if store.exists() and stored_results(store) else None
    except (OSError, ImfuseError):
        return None


def read_store(path: str) -> list[LayerData]:
    """The latest result of a store as layers: the picture, and with ``-X`` mask and depth, in levels of dask arrays."""
    from imfuse_tiles.execution.stored_results import find_result
    from imfuse_tiles.storage.store import Store

    store = Store.at(path)
    result = find_result(store)
    layers = [_picture(store, result)]
    if result.maps:
        layers += [_plane(store, result, "mask", "gray"), _plane(store, result, "depth", "turbo")]
    return layers


def _levels(store: Store, result: StoredResult) -> list[Any]:
    """The levels of a result, (planes, y, x), as dask arrays."""
    from dask.array import from_zarr

    from imfuse_tiles.execution.overviews import level_paths
    from imfuse_tiles.storage.zarr_arrays import open_array

    return [from_zarr(open_array(store.root, path)) for path in level_paths(store, result)]


def _picture(store: Store, result: StoredResult) -> LayerData:
    """Colours, and opacity where there is any."""
    planes = result.colours + (result.colours == 3 and not result.opaque)
    levels = [level[:planes].transpose(1, 2, 0) if planes > 1 else level[0] for level in _levels(store, result)]
    shown = _shown(result, "result") | {"rgb": planes > 1}
    return levels, shown if planes > 1 else shown | {"contrast_limits": (0, 65535)}, "image"


def _plane(store: Store, result: StoredResult, name: str, colours: str) -> LayerData:
    """One plane, in the colours of a colour map, not shown at first."""
    from imfuse_tiles.execution.overviews import plane_names

    number = plane_names(result).index(name)
    levels = [level[number] for level in _levels(store, result)]
    return (
        levels,
        _shown(result, name) | {"colormap": colours, "contrast_limits": (0, 65535), "visible": False},
        "image",
    )


def _shown(result: StoredResult, name: str) -> dict[str, Any]:
    """Name, scale in micrometres where that is known, and options."""
    size = result.size
    scale = {"scale": (size.y, size.x), "units": ("um", "um")} if size.x and size.y else {}
    return {"name": name, "multiscale": True, "metadata": {"options": result.options, "key": result.key}, **scale}
