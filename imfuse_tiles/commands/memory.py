"""The largest resident memory of this process and all its children together, sampled while a run goes on."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

PAUSE = 0.05


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
        self.bytes = max(self.bytes, _own_peak())

    def _watch(self) -> None:
        import psutil

        me = psutil.Process()
        while not self._end.wait(PAUSE):
            total = 0
            with suppress(psutil.Error):
                for process in (me, *me.children(recursive=True)):
                    with suppress(psutil.Error):
                        total += process.memory_info().rss
            self.bytes = max(self.bytes, total)


def _own_peak() -> int:
    """This process alone, as the system measured it."""
    try:
        import resource
        import sys
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
