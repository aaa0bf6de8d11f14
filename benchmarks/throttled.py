"""The program on a store that lies on a slow disk, which is only imagined: reads and writes wait their time.

    python -m benchmarks.throttled BYTES_PER_SECOND CACHE_BYTES fuse ...

Every byte that is written to the store takes its time, and so does every byte that is read from it and is not among
the last ``CACHE_BYTES`` that were written or read: a page cache that writes through. The images and the result's files
are read and written as fast as they are. It needs no rights and is the same on every machine, unlike a cgroup's limit
(which does not see writes into the page cache) and a loop device.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from benchmarks.fusion import Usage, used
from imfuse_tiles.cli.main import main
from imfuse_tiles.planning import machine_rates
from imfuse_tiles.storage.files import Bytes, FilePart
from imfuse_tiles.storage.folder_files import FolderFiles


class SlowDisk:
    """Time that transfers take, one after the other, and what is cached."""

    def __init__(self, rate: float, cache_bytes: int) -> None:
        self.rate, self.cache_bytes = rate, cache_bytes
        self.cached: OrderedDict[str, int] = OrderedDict()
        self.total, self.ready, self.lock = 0, 0.0, threading.Lock()

    def wait(self, name: str, size: int, is_read: bool) -> None:
        """Wait until the disk has moved so many bytes of a file, unless they are read and cached."""
        with self.lock:
            hit = self.cached.pop(name, None)
            self.cached[name] = size
            self.total += size - (hit or 0)
            while self.total > self.cache_bytes and len(self.cached) > 1:
                self.total -= self.cached.popitem(last=False)[1]
            if is_read and hit is not None:
                return
            self.ready = max(self.ready, time.monotonic()) + size / self.rate
            until = self.ready
        time.sleep(max(0.0, until - time.monotonic()))


def install(disk: SlowDisk) -> None:
    """Have all stores in folders lie on a disk, which has rates of its own among those that the machine remembers."""
    write, read_parts = FolderFiles.write, FolderFiles.read_parts

    def slow_write(files: FolderFiles, name: str, *parts: Bytes) -> None:
        write(files, name, *parts)
        disk.wait(name, sum(map(len, parts)), is_read=False)

    def slow_read_parts(files: FolderFiles, parts: Sequence[FilePart], fresh: bool = False) -> Iterator[Bytes | None]:
        for part, raw in zip(parts, read_parts(files, parts, fresh), strict=True):
            if raw is not None:  # what was written or read as a whole is cached as a whole
                name = part.name if part.name in disk.cached else f"{part.name} {part.start}"
                disk.wait(name, len(raw), is_read=True)
            yield raw

    FolderFiles.write, FolderFiles.read_parts = slow_write, slow_read_parts  # type: ignore[method-assign]
    machine_rates.disk_of = lambda folder: f"imagined, {disk.rate:g} bytes a second"


def runner(rate: float, cache_bytes: int) -> Callable[[Sequence[object]], Usage]:
    """Runs a command of the program, ``python -m imfuse_tiles ...``, on such a disk."""
    return lambda command: used(
        [str(command[0]), "-m", "benchmarks.throttled", str(rate), str(cache_bytes), *map(str, command[3:])]
    )


if __name__ == "__main__":
    install(SlowDisk(float(sys.argv[1]), int(sys.argv[2])))
    sys.exit(main(sys.argv[3:]))
