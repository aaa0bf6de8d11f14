"""A line on standard error now and then, of work that has no bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

#: Seconds between two lines at least.
PAUSE = 2.0


class StatusLine:
    """Prints at most every two seconds, for the first time after two."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.began = self.last = clock()

    def show(self, text: Callable[[float], str]) -> None:
        """Print what ``text`` gives for the seconds gone by, if it is time to."""
        now = self.clock()
        if now - self.last > PAUSE:
            self.last = now
            print(text(now - self.began), file=sys.stderr, flush=True)
