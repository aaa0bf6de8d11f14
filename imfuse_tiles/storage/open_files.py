"""Opening the files of a store, wherever it lies."""

from __future__ import annotations

from functools import lru_cache

from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.folder_files import Folder


@lru_cache(maxsize=16)
def files_of(root: str) -> Files:
    """The files of a store, by its folder or URL."""
    if "://" not in root:
        return Folder(root)
    from imfuse_tiles.storage.object_files import Remote

    return Remote(root)
