"""The run of a store that is tuned: opened when it is first asked for, and again once the store is of another one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Run = TypeVar("Run")


class OpenedRun(Generic[Run]):
    """``open_run`` opens it; ``last_run`` tells which run the store is of now."""

    def __init__(self, open_run: Callable[[], Run], last_run: Callable[[], object]) -> None:
        self.open_run, self.last_run, self.opening = open_run, last_run, threading.Lock()
        self.opened: Run | None = None
        self.opened_from: object = None

    def get(self) -> Run:
        """The run, its stack opened when first asked for. Refusal when its images are gone."""
        with self.opening:
            if self.opened is None:
                self.opened = self.open_run()
            return self.opened

    def renew(self) -> None:
        """Forget the opened run if the store is of another one by now. Refusal where there is no store any more."""
        last = self.last_run()
        with self.opening:
            if last != self.opened_from:
                self.opened, self.opened_from = None, last
