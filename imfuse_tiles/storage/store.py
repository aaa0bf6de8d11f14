"""A zarr group that holds everything a run knows: arrays, journals, numbers and the lock.

It lies in a folder or behind the URL of an object store. A stage is named by its key: ``journal/KEY`` lists its
completed blocks, ``numbers/KEY.json`` appears when all are done.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.arrays import Arrays
from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.journal import Journal
from imfuse_tiles.storage.numbers import Numbers
from imfuse_tiles.storage.open_files import files_of, locks_of
from imfuse_tiles.storage.store_metadata import FORMAT, has_lost_metadata, store_format, write_store_metadata


@frozen
class Store:
    """A store by its folder or URL. Cheap to make and to send to another process; nothing is opened before use."""

    root: str

    @classmethod
    def at(cls, place: str | Path) -> Store:
        """The store in a folder, named as such or by a file:// URL, or behind another URL."""
        text = str(place)
        if text.startswith("file://"):
            from urllib.request import url2pathname  # takes long to load

            text = url2pathname(urlsplit(text).path)
        return cls(text.rstrip("/") if "://" in text else str(Path(text).absolute()))

    @property
    def folder(self) -> Path:
        """The folder of a local store."""
        return Path(self.root)

    @property
    def is_local(self) -> bool:
        """Whether it lies in a folder."""
        return "://" not in self.root

    @property
    def files(self) -> Files:
        """Its files by name."""
        return files_of(self.root)

    @property
    def arrays(self) -> Arrays:
        """Its arrays by path."""
        return Arrays(self.files)

    @property
    def numbers(self) -> Numbers:
        """What finished stages measured, and notes, by key."""
        return Numbers(self.files)

    def journal(self, key: str) -> Journal:
        """Layout and completed blocks of a stage."""
        return Journal(self.files, key)

    def exists(self) -> bool:
        """Whether it has been created, even if its own metadata were lost since."""
        return self.files.exists("zarr.json") or has_lost_metadata(self.files)

    def check(self) -> None:
        """Refusal when something is there that this version cannot take for a store; nothing at all will do."""
        version = store_format(self.files)
        if version is None and not self.files.is_vacant() and not has_lost_metadata(self.files):
            # Another part of the run may have made it a store between the two looks.
            version = store_format(self.files)
            if version is None:
                raise Refusal(f"{self.root} is not a store of imfuse-tiles; name an empty or a new folder")
        if version not in (None, FORMAT):
            raise Refusal(f"{self.root} is not a store of this version (format {version}, known is {FORMAT})")

    def create(self) -> bool:
        """Make the place a store if there is none yet; whether there was none. Refusal when it is something else.

        Metadata that a power cut left short, empty or gone are written again: all that a run needs is elsewhere.
        """
        with self.files.refuse_if_unwritable():
            self.check()
            if store_format(self.files) is not None:
                return False
            existed = has_lost_metadata(self.files)
            write_store_metadata(self.files)
            return not existed

    def locked(self, writer: str = "") -> AbstractContextManager[None]:
        """Be its only writer, or the only one of a name. AlreadyExists naming the holder; a kill frees it."""
        return locks_of(self.root).locked(f"-{writer}" if writer else "")

    def is_locked(self, writer: str = "") -> bool:
        """Whether the store has such a writer now. Writes nothing."""
        return locks_of(self.root).is_locked(f"-{writer}" if writer else "")


def delete_stage(store: Store, key: str, paths: Iterable[str]) -> None:
    """Forget a stage and remove its arrays, in this order: a kill never leaves one that looks complete."""
    store.journal(key).forget()
    for path in paths:
        store.arrays.delete(path)
