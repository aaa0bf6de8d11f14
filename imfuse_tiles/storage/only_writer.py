"""A folder that one program at a time writes into, held by a lock of the folder itself: nothing is left there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imfuse_tiles.errors import AlreadyExists

try:
    import fcntl
except ImportError:  # not on Windows: two programs at once are not told apart there
    fcntl = None  # type: ignore[assignment]


@contextmanager
def only_writer(folder: Path, refusal: str) -> Iterator[None]:
    """Be the only one who writes into a folder; AlreadyExists, which says ``refusal``, if another program does."""
    if not fcntl:
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyExists(refusal) from None
        except OSError:  # some network file systems have no locks
            pass
        yield
    finally:
        with suppress(OSError):
            os.close(number)
