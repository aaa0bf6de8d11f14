"""A folder on a disk that the kernel holds to a rate: a loop device with limits of its own.

Every transfer counts, those of the page cache that no program waits for included, because the limit is one of the
root group. It needs root and Linux with the controllers ``blkio`` and ``memory`` of cgroups v1; throttled.py, which
imagines a disk, needs neither. What waits to be written is held to ``DIRTY`` bytes, and program and page cache
together to what the runner is told: else a small stack would lie in memory as a whole.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fusion import Usage, used

CGROUPS = Path("/sys/fs/cgroup")
#: Bytes of the device that may wait in memory to be written.
DIRTY = 100_000_000
#: Where the memory of measured runs is counted.
GROUP = CGROUPS / "memory" / "imfuse-benchmark"


def missing() -> str:
    """In words what this machine lacks; empty: nothing."""
    if os.geteuid() != 0:
        return "only root may make loop devices"
    needed = (CGROUPS / "blkio" / "blkio.throttle.write_bps_device", CGROUPS / "memory" / "memory.limit_in_bytes")
    return next((f"there is no {path}" for path in needed if not path.exists()), "")


@contextmanager
def slow_folder(place: Path, size: int, rate: float) -> Iterator[Path]:
    """An empty file system of ``size`` bytes in a file at ``place``, read and written with ``rate`` bytes a second."""
    image, mount = place / "disk.img", place / "disk"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    device = _run("losetup", "--find", "--show", "--direct-io=on", image)
    number = Path("/sys/class/block", Path(device).name, "dev").read_text().strip()
    try:
        _run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", device)
        _run("mount", "-o", "discard", device, mount)
        _limit(number, rate)
        yield mount
    finally:
        _limit(number, 0)
        subprocess.run(["umount", mount], check=False)
        _run("losetup", "--detach", device)
        image.unlink()


def _limit(number: str, rate: float) -> None:
    """Hold a device to so many bytes a second; 0: no longer."""
    for way in ("read", "write"):
        (CGROUPS / "blkio" / f"blkio.throttle.{way}_bps_device").write_text(f"{number} {rate:.0f}")
    waiting = Path("/sys/class/bdi", number)
    (waiting / "strict_limit").write_text("1" if rate else "0")
    if rate:
        (waiting / "max_bytes").write_text(str(DIRTY))


def runner(memory: int) -> Callable[[Sequence[str | Path]], Usage]:
    """Runs a command whose program and page cache take so many bytes together; files it names are not cached."""
    GROUP.mkdir(exist_ok=True)
    (GROUP / "memory.limit_in_bytes").write_text(str(memory))

    def run(command: Sequence[str | Path]) -> Usage:
        for path in filter(os.path.isfile, map(str, command)):
            forget(Path(path))
        return used(["sh", "-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', GROUP, *command])

    return run


def forget(path: Path) -> None:
    """Have a file read from its disk when it is read again."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
