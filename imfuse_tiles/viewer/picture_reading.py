"""Large image files are read into their stores by a process of its own, while what is there is looked at already."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from imfuse_tiles.errors import ImfuseError, Incomplete
from imfuse_tiles.execution.signals import end_with_parent


class PictureReading:
    """Reads image files one after the other; of none there is no process. ``paths``: of the files."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.goes_on = bool(paths)
        self.pipe, other = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.get_context("spawn").Process(target=_read_pictures, args=(paths, other))
        if self.goes_on:
            self.process.start()
        other.close()

    def check(self) -> None:
        """Raise what has stopped the reading."""
        if not (self.goes_on and self.pipe.poll()):
            return
        self.goes_on = False
        try:
            raise self.pipe.recv()
        except EOFError:
            self.process.join()
        if self.process.exitcode:
            raise Incomplete("the process that reads the picture was killed, perhaps for its memory")

    def end(self) -> None:
        """End the process; what it has read is not read again."""
        if self.process.pid:
            self.process.terminate()
            self.process.join()


def _read_pictures(paths: Sequence[Path], pipe: Connection) -> None:
    """The process. Ctrl-C ends the server, which ends this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    from imfuse_tiles.execution.picture_stores import picture_store

    try:
        for path in paths:
            picture_store(path)
    except (ImfuseError, OSError, MemoryError) as error:
        pipe.send(error)
