"""The largest resident memory of this process and all its children together, sampled while a run goes on."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Seconds between two looks, and between two searches for processes, which cost more.
PAUSE, SEARCH = 0.05, 0.5


class PeakMemory:
    """``with PeakMemory() as peak: ...`` then ``peak.bytes``."""

    def __init__(self) -> None:
        self.bytes = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._end.set()
        self._thread.join()
        self.bytes = max(self.bytes, own_peak())

    def _watch(self) -> None:
        import psutil

        processes = [me := psutil.Process()]
        searched = 0.0
        while not self._end.wait(PAUSE):
            if time.monotonic() - searched > SEARCH:
                with suppress(psutil.Error, OSError, ValueError):
                    processes = [me, *me.children(recursive=True)]
                searched = time.monotonic()
            total = 0
            for process in processes:
                with suppress(psutil.Error, OSError, ValueError):
                    total += process.memory_info().rss
            self.bytes = max(self.bytes, total)


def own_peak() -> int:
    """Bytes: the largest resident memory of this process alone since it began, as the system measured it."""
    with suppress(OSError, StopIteration, ValueError):
        # Not ru_maxrss: on Linux that begins with the size of the program that started this one.
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
