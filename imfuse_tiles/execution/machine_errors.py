"""What the machine's troubles mean to a run: a full disk, no memory, a killed worker. The same command goes on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path

from imfuse_tiles.errors import BlockFailed, Incomplete
from imfuse_tiles.planning.disk import free_bytes
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.storage.chunked_array import Damaged

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
#: Troubles of the place, not of the program; anything else that the system says is a bug of ours.
PLACE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN,
    errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG, errno.ENOLCK,
}  # fmt: skip


@contextmanager
def translate_os_errors(where: str, folder: Path, need: int) -> Iterator[None]:
    """Turn troubles of the machine into Incomplete: ``where`` it struck, writing ``need`` bytes into ``folder``."""
    try:
        yield
    except (OSError, MemoryError, BrokenExecutor) as error:
        said = message_for(error, where, folder, need)
        if said is None:
            raise
        raise Incomplete(said) from error


@contextmanager
def translate_damage(place: str = "") -> Iterator[None]:
    """Turn a damaged chunk of a finished result into BlockFailed. ``place``: what is read, where that is to be said."""
    try:
        yield
    except Damaged as damage:
        start = f"{place}: " if place else ""
        raise BlockFailed(f"{start}{damage}; fuse with the same options computes it again") from None


def message_for(error: Exception, where: str, folder: Path | None, need: int) -> str | None:
    """What a trouble of the machine is called; None for an error of the program. ``folder``: None if not known."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return f"no memory left in {where}; run the same command with a smaller --memory or fewer --workers"
    if isinstance(error, BrokenExecutor):
        return f"a worker process was killed in {where}, perhaps for want of memory; a smaller --memory may help"
    if not isinstance(error, OSError):
        return None
    if error.errno in FULL:
        return f"the disk is full{_written(where, folder, need)}; make room and run the same command again"
    if error.errno in PLACE:
        return f"{where}: {os.strerror(error.errno or 0).lower()} ({error.filename or folder or 'a file'})"
    return None


def _written(where: str, folder: Path | None, need: int) -> str:
    """What is written where, and how much is free there."""
    if folder is None:
        return ""
    wanted = f"{where} has {format_size(need)} to write into" if need else f"{where} writes to"
    return f": {wanted} {folder}, {format_size(free_bytes(folder))} are free"
