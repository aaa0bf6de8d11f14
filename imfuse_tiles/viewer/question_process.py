"""Questions of the page answered by a process of its own: what computes does not take the server's memory or time.

Both talk through a pipe that no other process can open and that leaves nothing on the disk, however they end.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol

from imfuse_tiles.errors import Refusal

#: Seconds without a question after which a process gives back what it remembers, and that its end is waited for.
IDLE, PATIENCE = 900.0, 10.0
Answer = Callable[[dict[str, Any]], Any]


class Answers(Protocol):
    """What answers questions by their names, and can forget what it only remembers to be faster."""

    @property
    def questions(self) -> dict[str, Answer]: ...

    def forget(self) -> None: ...


class AnswersHere:
    """The answers in the process of their own, made when first asked for. ``pipe``: to who asks."""

    def __init__(self, make: Callable[[], Answers], pipe: Connection) -> None:
        self.make, self.pipe = make, pipe
        self.guard, self.sending = threading.Lock(), threading.Lock()
        self.answers: Answers | None = None

    def serve(self) -> None:
        """Answer, each question in a thread, until who asks has ended; forget when nobody asks."""
        while True:
            if self.pipe.poll(IDLE):
                threading.Thread(target=self.answer, args=self.pipe.recv(), daemon=True).start()
            elif self.answers:
                self.answers.forget()

    def answer(self, number: int, name: str, about: dict[str, Any]) -> None:
        """Send the answer to a question, or what it raises, which is raised where it was asked."""
        try:
            with self.guard:
                self.answers = self.answers or self.make()
            message = pickle.dumps((number, self.answers.questions[name](about), None))
        except Exception as error:
            message = _pickled_error(number, error)
        with self.sending:
            self.pipe.send_bytes(message)


def _pickled_error(number: int, error: Exception) -> bytes:
    """The message of an error; of one that does not get through as it is, only what it says."""
    try:
        message = pickle.dumps((number, None, error))
        pickle.loads(message)
    except Exception:
        return pickle.dumps((number, None, RuntimeError(repr(error))))
    return message


def _answer_questions(make: Callable[[], Answers], pipe: Connection) -> None:
    """The process. Ctrl-C ends the server, and this with it; programs that it starts get the signal as others do."""
    signal.signal(signal.SIGINT, lambda number, frame: None)
    from imfuse_tiles.execution import allocator

    allocator.keep_freed_memory()
    try:
        AnswersHere(make, pipe).serve()
    finally:  # whatever is being computed
        os._exit(0)


class QuestionProcess:
    """A process that answers questions. It is started by the first one; if it was killed, by the next.

    ``make``: what answers, made in that process; a picklable function.
    """

    def __init__(self, make: Callable[[], Answers]) -> None:
        self.make, self.guard, self.numbers = make, threading.Lock(), count()
        self.process: SpawnProcess | None = None
        self.waiting: dict[int, Future[Any]] = {}

    def questions(self, names: Iterable[str]) -> dict[str, Answer]:
        """Questions by their names, as the session has them."""
        return {name: partial(self.ask, name) for name in names}

    def ask(self, name: str, about: dict[str, Any]) -> Any:
        """The answer to a question. Refusal as it refuses, and when its process was killed meanwhile."""
        answer: Future[Any] = Future()
        with self.guard:
            if self.process is None:
                self._start()
            number = next(self.numbers)
            self.waiting[number] = answer
            try:
                self.pipe.send((number, name, about))
            except OSError:  # the thread that receives notes it, too
                self._ended(self.pipe)
        return answer.result()

    def _start(self) -> None:
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=_answer_questions, args=(self.make, other))
        self.process.start()
        other.close()
        threading.Thread(target=self._receive, args=(self.pipe,), daemon=True).start()

    def _receive(self, pipe: Connection) -> None:
        """Hand out answers until the process has ended."""
        try:
            while True:
                number, value, error = pipe.recv()
                answer = self.waiting.pop(number)
                answer.set_exception(error) if error else answer.set_result(value)
        except (EOFError, OSError):
            with self.guard:
                self._ended(pipe)

    def _ended(self, pipe: Connection) -> None:
        """Refuse what the process has not answered, once; another one is started by the next question."""
        if pipe is not self.pipe or self.process is None:
            return
        self.process = None
        for number in list(self.waiting):
            refusal = Refusal("the process that computes was killed, perhaps for its memory; ask again")
            self.waiting.pop(number).set_exception(refusal)

    def end(self) -> None:
        """End the process, whatever it computes."""
        with self.guard:
            process = self.process
            if process is None:
                return
            self._ended(self.pipe)
        process.terminate()
        process.join(PATIENCE)
        process.kill()
