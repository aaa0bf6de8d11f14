"""Ending on a signal: blocks in flight are finished and kept, and the program is gone within ten seconds.

A kill at any moment loses no more than the blocks in flight, so what is still at work when the time is up (a
long block, a slow disk) may be given up without harm.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

from imfuse_tiles.errors import ImfuseError, Incomplete, Interrupted

#: Seconds that blocks in flight are given.
GRACE = 8.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Sent by a job queue some time before it ends a job. Blocks in flight have that time.
WALL_CLOCK = getattr(signal, "SIGUSR1", None)


def error_of_signal(number: int) -> ImfuseError:
    """What a signal ends a run with."""
    if number == WALL_CLOCK:
        return Incomplete("the time of this job is over; everything finished so far is kept")
    return Interrupted(number)


def end_with_parent() -> int | None:
    """End this process as soon as the one that started it has ended, however that came. The number of that one."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
    return parent.pid


def heed_wall_clock() -> None:
    """Let the signal of a job queue end the program as resumable at once while no blocks are computed."""

    def stop(number: int, frame: Any) -> None:
        raise error_of_signal(number)

    if WALL_CLOCK and threading.current_thread() is threading.main_thread():
        signal.signal(WALL_CLOCK, stop)


class Halt:
    """Whether a signal asked the run to end. ``number``: which one, 0 while none did."""

    def __init__(self) -> None:
        self.number = 0

    def check(self) -> None:
        """Interrupted or Incomplete when the run was asked to end."""
        if self.number:
            raise error_of_signal(self.number)

    @contextmanager
    def on_signals(self, give_up: Callable[[int], None] | None = None) -> Iterator[None]:
        """Let SIGINT, SIGTERM and the wall clock ask for the end; a second signal acts as it would without us.

        Interrupted or Incomplete at the end if nobody checked: what runs after this block must end too.
        ``give_up``: called with the signal's number in a thread of its own when the block has not ended after
        GRACE seconds. Does nothing outside the main thread, where no signals arrive.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [*SIGNALS, *([WALL_CLOCK] if WALL_CLOCK else [])]
        before: dict[int, Any] = {number: signal.getsignal(number) for number in numbers}
        timers = []

        def stop(number: int, frame: Any) -> None:
            self.number = number
            if number == WALL_CLOCK:
                return
            signal.signal(number, before[number])
            if give_up:
                timers.append(threading.Timer(GRACE, give_up, (number,)))
                timers[-1].daemon = True
                timers[-1].start()

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            for timer in timers:
                timer.cancel()
        self.check()
