"""Half-written files in a store's folder: a file is written under a temporary name and then moved.

The temporary name is that of the file, its writer (host-process-thread) and ``.partial``. A killed writer leaves it.
"""

from __future__ import annotations

import glob
import os
import re
import socket
import threading
import time
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from imfuse_tiles.storage.inside import refuse_links
from imfuse_tiles.storage.processes import is_alive

PARTIAL = ".partial"
#: The writer of a half-written file, from its name.
WRITER = re.compile(r"\.(?P<host>[^/]*)-(?P<process>\d+)-\d+\.partial$")
#: Seconds after which what another machine has half written is taken for abandoned.
ABANDONED = 86400
#: The same where others write only to repair, which takes no longer than a chunk.
ABANDONED_REPAIR = 60
HOST = socket.gethostname()


def partial_name(target: str) -> str:
    """The path under which this thread writes what is to become the file ``target``."""
    return f"{target}.{HOST}-{os.getpid()}-{threading.get_ident()}{PARTIAL}"


def remove_partial_files(root: str, places: Iterable[str], only: Container[str] | None = None) -> None:
    """Remove what killed writers left half written, of files or in folders of these names in the folder ``root``.

    ``only``: names of the files that nobody else writes now but to repair them; others are left alone.
    """
    seconds = ABANDONED if only is None else ABANDONED_REPAIR
    for place in places:
        refuse_links(root, place)
        for path in _partial_files(os.path.join(root, place)):
            if (only is None or _target_name(root, path) in only) and _is_abandoned(Path(path), seconds):
                Path(path).unlink(missing_ok=True)


def _partial_files(place: str) -> Iterator[str]:
    """The half-written files beside a file or in a folder."""
    yield from glob.glob(f"{glob.escape(place)}.*{PARTIAL}")
    for folder, _, names in os.walk(place):
        yield from (os.path.join(folder, name) for name in names if name.endswith(PARTIAL))


def _target_name(root: str, partial: str) -> str:
    """The name of the chunk, which has no dot, that a half-written file was to become."""
    folder, _, name = os.path.relpath(partial, root).replace(os.sep, "/").rpartition("/")
    return f"{folder}/{name.partition('.')[0]}"


def _is_abandoned(partial: Path, seconds: float) -> bool:
    """Whether the writer of a half-written file is dead; one on another machine is so many seconds later."""
    writer = WRITER.search(partial.name)
    if writer is None:
        return True
    if f".{writer['host']}".endswith(f".{HOST}"):
        return int(writer["process"]) == os.getpid() or not is_alive(int(writer["process"]))
    try:
        return time.time() - partial.stat().st_mtime > seconds
    except FileNotFoundError:
        return False
