"""A store for everyone else: its arrays as ``zarr.Array`` and as dask arrays, read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.inventory import contents
from imfuse_tiles.storage.store import Store
from imfuse_tiles.storage.zarr_arrays import open_array

if TYPE_CHECKING:
    import dask.array
    import zarr


def open_store(place: str | Path) -> StoreArrays:
    """The arrays of a store, by its folder or URL. Refusal when there is no store.

    >>> open_store("no/such/folder")
    Traceback (most recent call last):
    imfuse_tiles.errors.Refusal: ...no/such/folder is not a store of imfuse-tiles
    """
    store = Store.at(place)
    if not store.exists():
        raise Refusal(f"{store.root} is not a store of imfuse-tiles")
    return StoreArrays(store)


class StoreArrays(Mapping[str, "zarr.Array"]):
    """The complete arrays of the last run on a store, by name.

    A name is the array's kind (``source``, ``mask``, ``merge``, ``montage``, ``final`` ...), or its path ``KIND/KEY``
    where several are of one kind. Arrays of stages that are not finished are left out: what is missing of them would
    read as zeros. The axes are described in the manual (``imfuse-tiles help python``).
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        found = contents(store)
        paths = [path for stage in found.stages if stage.finished and stage.key in found.last for path in stage.paths]
        kinds = [path.partition("/")[0] for path in paths]
        self._paths = {kind if kinds.count(kind) == 1 else path: path for kind, path in zip(kinds, paths, strict=True)}

    def __getitem__(self, name: str) -> zarr.Array:
        """An array as zarr-python reads it. KeyError for a name that is not listed."""
        return open_array(self._store.root, self._paths[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def dask(self, name: str) -> dask.array.Array:
        """An array as a dask array with the store's chunks; nothing is read before it is computed."""
        from dask.array import from_zarr

        return from_zarr(self[name])
