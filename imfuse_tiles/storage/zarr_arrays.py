"""Arrays of a store as zarr-python reads them, for those who read a store without this program's own reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import zarr


def open_array(root: str, path: str) -> zarr.Array:
    """The array at ``path`` of the store in a folder or behind a URL, read-only; every chunk's checksum is tested."""
    import zarr

    return zarr.open_array(root, path=path, mode="r")
