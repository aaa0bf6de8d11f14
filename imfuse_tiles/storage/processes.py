"""Processes that write to stores: how they are named to people, and whether they live."""

from __future__ import annotations

import os
import socket

from imfuse_tiles.errors import AlreadyExists


def describe_process() -> str:
    """This process, for people."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def is_alive(process: int) -> bool:
    """Whether a process of this number is at work on this machine, and not only waits for its parent to see it end."""
    import psutil

    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def store_in_use(root: str, holder: str) -> AlreadyExists:
    """The error of a store that ``holder``, empty when not known, writes to."""
    return AlreadyExists(
        f"the store {root} is in use by {holder or 'another run'}; wait for it or name another --store"
    )
