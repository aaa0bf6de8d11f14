"""Opening the files and locks of a store, wherever it lies."""

from __future__ import annotations

from functools import lru_cache

from imfuse_tiles.storage.files import Files, Locks
from imfuse_tiles.storage.folder_files import FolderFiles
from imfuse_tiles.storage.folder_locks import FolderLocks


@lru_cache(maxsize=16)
def files_of(root: str) -> Files:
    """The files of a store, by its folder or URL."""
    if "://" not in root:
        return FolderFiles(root)
    from imfuse_tiles.storage.object_files import ObjectFiles

    return ObjectFiles(root)


def locks_of(root: str) -> Locks:
    """The locks of a store, by its folder or URL."""
    if "://" not in root:
        return FolderLocks(files_of(root))
    from imfuse_tiles.storage.object_files import ObjectFiles
    from imfuse_tiles.storage.object_locks import ObjectLocks

    files = files_of(root)
    assert isinstance(files, ObjectFiles)
    return ObjectLocks(files)
