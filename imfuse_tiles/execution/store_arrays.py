"""A store for everyone else: its arrays as ``zarr.Array`` and as dask arrays, read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.overviews import RESULT_PLANES, level_paths
from imfuse_tiles.execution.stored_results import COLOURS, find_result
from imfuse_tiles.storage.inventory import read_contents
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
        found = read_contents(store)
        stages = [stage for stage in found.stages if stage.finished and stage.key in found.last]
        paths = [path for stage in stages for path in stage.paths if not path.startswith("overviews/")]
        kinds = [path.partition("/")[0] for path in paths]
        self._paths = {kind if kinds.count(kind) == 1 else path: path for kind, path in zip(kinds, paths, strict=True)}

    def __getitem__(self, name: str) -> zarr.Array:
        """An array as zarr-python reads it. KeyError for a name that is not listed."""
        return open_array(self._store.root, self._paths[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def planes(self, name: str) -> tuple[str, ...]:
        """Names of the first dimension of ``source`` and ``final``; none for other arrays."""
        return plane_names(name.partition("/")[0], self[name].shape)

    def dask(self, name: str, plane: str = "") -> dask.array.Array:
        """An array as a dask array with the store's chunks; nothing is read before it is computed.

        ``plane``: one of :meth:`planes` alone, such as ``depth`` of ``final``; KeyError for another.
        """
        from dask.array import from_zarr

        array = from_zarr(self[name])
        if not plane:
            return array
        if plane not in self.planes(name):
            raise KeyError(f"{name} has no plane {plane}; it has {', '.join(self.planes(name))}")
        return array[self.planes(name).index(plane)]

    def levels(self) -> list[zarr.Array]:
        """The latest result, uint16 (planes, y, x), and its smaller levels where the store has them, the largest first.

        Refusal when there is no result.
        """
        result = find_result(self._store)
        return [open_array(self._store.root, path) for path in level_paths(self._store, result)]


def plane_names(kind: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    """What the planes of an array of a kind are, (planes, y, x) or (planes, z, y, x); none where they are slices."""
    colours = {1: ("grey",), 3: ("red", "green", "blue")}
    if kind == "source":
        return colours.get(shape[0], ())
    if kind == "final" and shape[0] in COLOURS:
        return colours[COLOURS[shape[0]]] + RESULT_PLANES[: 4 if shape[0] > 4 else 1]
    return ()
