"""Questions of the page answered by a process of its own: what computes does not take the server's memory or time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.managers import BaseManager
from typing import Any, Protocol

from imfuse_tiles.errors import Refusal

#: Seconds without a question after which a process gives back what it remembers.
IDLE = 900.0
Answer = Callable[[dict[str, Any]], Any]


class Answers(Protocol):
    """What answers questions by their names, and can forget what it only remembers to be faster."""

    @property
    def questions(self) -> dict[str, Answer]: ...

    def forget(self) -> None: ...


class AnswersHere:
    """The answers in the process of their own, made when first asked for."""

    def __init__(self, make: Callable[[], Answers]) -> None:
        self.make, self.guard, self.asked = make, threading.Lock(), time.monotonic()
        self.answers: Answers | None = None
        threading.Thread(target=self._end_with_parent, daemon=True).start()

    def answer(self, name: str, about: dict[str, Any]) -> Any:
        """The answer to a question. What it raises is raised where it was asked."""
        with self.guard:
            self.answers, self.asked = self.answers or self.make(), time.monotonic()
        return self.answers.questions[name](about)

    def _end_with_parent(self) -> None:
        """End when the server has, however that came; forget when nobody asks."""
        parent = multiprocessing.parent_process()
        while parent and parent.is_alive():
            parent.join(60)
            if self.answers and time.monotonic() - self.asked > IDLE:
                self.answers.forget()
        os._exit(0)


class Processes(BaseManager):
    """Starts the process and asks it, from as many threads at once as there are questions."""


Processes.register("AnswersHere", AnswersHere, exposed=["answer"])


class QuestionProcess:
    """A process that answers questions. It is started by the first one; if it was killed, by the next.

    ``make``: what answers, made in that process; a picklable function.
    """

    def __init__(self, make: Callable[[], Answers]) -> None:
        self.make, self.guard = make, threading.Lock()
        self.processes: Processes | None = None
        self.answers: Any = None

    def questions(self, names: Iterable[str]) -> dict[str, Answer]:
        """Questions by their names, as the session has them."""
        return {name: partial(self.ask, name) for name in names}

    def ask(self, name: str, about: dict[str, Any]) -> Any:
        """The answer to a question. Refusal as it refuses, and when its process was killed meanwhile."""
        with self.guard:
            if self.answers is None:
                self.processes = Processes(ctx=multiprocessing.get_context("spawn"))
                self.processes.start(_let_signals_pass)
                self.answers = self.processes.AnswersHere(self.make)  # type: ignore[attr-defined]
        try:
            return self.answers.answer(name, about)
        except (EOFError, ConnectionError) as error:
            with self.guard:
                self.answers = None
            raise Refusal("the process that computes was killed, perhaps for its memory; ask again") from error

    def end(self) -> None:
        """End the process."""
        if self.processes:
            self.processes.shutdown()


def _let_signals_pass() -> None:
    """Ctrl-C ends the server, and this process with it; programs that it starts get the signal as others do."""
    signal.signal(signal.SIGINT, lambda number, frame: None)
    from imfuse_tiles.execution import allocator

    allocator.keep_freed_memory()
