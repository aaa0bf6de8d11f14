"""The names of the semaphores of process pools: those of killed programs are removed by the next one.

A tracker process removes them when all processes that use them have ended. Where it is killed with them (``kill -9``
of a whole group, a terminal that is closed), they stay in ``/dev/shm`` until the machine is started again.
"""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from pathlib import Path

from imfuse_tiles.storage.processes import is_alive

#: Where Linux has them, and how the names of files there and of ours begin.
FOLDER, NAMED, OURS = Path("/dev/shm"), "sem.", "imfuse"


def tidy_semaphores() -> None:
    """Name the semaphores that this process makes after it, and remove those of processes that have ended."""
    place = _place()
    if not place:
        return
    vars(multiprocessing.current_process())["_config"]["semprefix"] = f"/{place}-{os.getpid()}"
    for path in FOLDER.glob(f"{NAMED}{place}-*-*"):
        process = path.name.removeprefix(f"{NAMED}{place}-").partition("-")[0]
        if process.isdecimal() and not is_alive(int(process)):
            with suppress(OSError):  # somebody else's, or another one did it
                path.unlink()


def _place() -> str:
    """How names begin where numbers of processes mean the same as here; empty where there is no such folder.

    Containers may share the folder and yet number their processes apart.
    """
    with suppress(OSError):
        if FOLDER.is_dir():
            return f"{OURS}-{Path('/proc/self/ns/pid').stat().st_ino}"
    return ""
