"""The first moment of the program: Ctrl-C ends it in one line while its modules are still being loaded."""

from __future__ import annotations

import os
from _signal import (  # type: ignore[import-not-found]  # ``signal`` would load enum and re
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)
from typing import Any

#: What is said where nothing was begun that could be gone on with.
STOPPED = "imfuse-tiles: stopped by signal 2"


class Loading:
    """While modules are loaded, Ctrl-C ends the program at once: an error may get lost or altered in their midst.

    Nothing may have begun yet that needs to be ended well. Who ignores Ctrl-C goes on doing so.
    """

    def __enter__(self) -> None:
        self.guards = getsignal(SIGINT) is default_int_handler and _set_handler(_end_at_once)

    def __exit__(self, *error: object) -> None:
        if self.guards and getsignal(SIGINT) is _end_at_once:
            _set_handler(default_int_handler)


def _set_handler(handler: Any) -> bool:
    """Whether a handler of Ctrl-C could be set, which only a process's main thread can."""
    try:
        signal(SIGINT, handler)
    except ValueError:
        return False
    return True


def _end_at_once(number: int, frame: Any) -> None:
    os.write(2, f"{STOPPED}\n".encode())
    os._exit(128 + number)
