"""Signals that end a run: none is lost, whenever it arrives."""

from __future__ import annotations

import signal

import pytest

from imfuse_tiles.errors import Incomplete, Interrupted
from imfuse_tiles.execution.signals import WALL_CLOCK, Halt


def test_a_signal_that_nobody_checked_ends_what_comes_after_the_block() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted) as stop, Halt().on_signals():
        signal.raise_signal(signal.SIGINT)
    assert stop.value.code == 130
    assert signal.getsignal(signal.SIGINT) is before


def test_the_signal_of_a_job_queue_is_kept_as_well() -> None:
    assert WALL_CLOCK is not None
    with pytest.raises(Incomplete), Halt().on_signals():
        signal.raise_signal(WALL_CLOCK)


def test_an_error_of_the_block_is_not_hidden_by_a_signal() -> None:
    def break_when_asked_to_end() -> None:
        signal.raise_signal(signal.SIGINT)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), Halt().on_signals():
        break_when_asked_to_end()


def test_without_a_signal_nothing_is_raised() -> None:
    halt = Halt()
    with halt.on_signals():
        pass
    assert halt.number == 0
