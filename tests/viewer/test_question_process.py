"""What computes for the page lives in a process of its own, which is started when asked and ends with the server."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from program import until
from viewed_stores import fused_store

from imfuse_tiles.cli.reopen_run import reopen_run
from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.question_process import QuestionProcess
from imfuse_tiles.viewer.store_answers import NAMES, PICTURE, StoreAnswers


class Counter:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def questions(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return {"count": self.add, "process": lambda about: os.getpid(), "refuse": self.refuse}

    def add(self, about: dict[str, Any]) -> int:
        self.count += about["by"]
        return self.count

    def refuse(self, about: dict[str, Any]) -> None:
        raise Refusal("not this")

    def forget(self) -> None:
        self.count = 0


class Odd(Exception):
    """Needs two values where it is made, and is taken apart with one."""

    def __init__(self, what: str, more: str) -> None:
        super().__init__(what)


class Strange:
    """Raises what does not get through, and takes long."""

    @property
    def questions(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return {"raise": self.fail, "double": lambda about: 2 * about["by"], "sleep": lambda about: time.sleep(600)}

    def fail(self, about: dict[str, Any]) -> None:
        raise Odd("Odd", "one")

    def forget(self) -> None:
        pass


def gone(process: int) -> bool:
    return not psutil.pid_exists(process) or psutil.Process(process).status() == psutil.STATUS_ZOMBIE


def test_a_killed_process_is_told_and_started_again() -> None:
    asked = QuestionProcess(Counter)
    questions = asked.questions(["count", "process", "refuse"])
    assert asked.process is None
    assert [questions["count"]({"by": by}) for by in (1, 2)] == [1, 3]
    with pytest.raises(Refusal, match="not this"):
        questions["refuse"]({})
    process = questions["process"]({})
    assert process != os.getpid()
    os.kill(process, signal.SIGINT)  # Ctrl-C in a terminal goes to both; the server ends this one
    assert questions["count"]({"by": 1}) == 4
    os.kill(process, signal.SIGKILL)
    with pytest.raises(Refusal, match="killed"):
        questions["count"]({"by": 1})
    assert questions["count"]({"by": 5}) == 5
    process = questions["process"]({})
    asked.end()
    assert until(lambda: gone(process))


def test_no_trace_is_left_of_a_process_that_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    asked = QuestionProcess(Counter)
    process = asked.questions(["process"])["process"]({})
    os.kill(process, signal.SIGKILL)
    assert until(lambda: gone(process))
    assert not list(tmp_path.iterdir())
    asked.end()


def test_what_cannot_be_handed_over_is_told_in_words() -> None:
    asked = QuestionProcess(Strange)
    with pytest.raises(RuntimeError, match="Odd"):
        asked.ask("raise", {})
    assert asked.ask("double", {"by": 4}) == 8
    asked.end()


def test_the_end_waits_for_no_answer() -> None:
    asked, ended = QuestionProcess(Strange), []

    def ask() -> None:
        with pytest.raises(Refusal, match="killed"):
            asked.ask("sleep", {})
        ended.append(True)

    asked.ask("double", {"by": 1})
    thread = threading.Thread(target=ask)
    thread.start()
    assert until(lambda: asked.waiting)
    asked.end()
    thread.join(60)
    assert ended


def test_a_region_of_a_store_is_computed_there(tmp_path: Path) -> None:
    store = Store.at(fused_store(tmp_path))
    asked = QuestionProcess(partial(StoreAnswers, store, partial(reopen_run, store, False)))
    questions = asked.questions(NAMES)
    form = questions["options"]({})["form"]
    answer = questions["tune"]({"form": form, "region": [20, 30, 100, 80]})
    assert answer["exact"]
    picture = asked.ask(PICTURE, {"number": answer["picture"]})
    assert picture.startswith(b"\x89PNG")
    with pytest.raises(Refusal, match="region"):
        questions["tune"]({"form": form, "region": [20, 30, 1000, 80]})
    with pytest.raises(Refusal, match="no strokes"):
        questions["export"]({"result": str(tmp_path / "out.tif")})
    asked.end()
