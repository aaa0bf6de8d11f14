"""The peak of memory is that of this program and its children, not of what started it."""

from __future__ import annotations

import subprocess
import sys
import time

from program import until

from imfuse_tiles.cli.peak_memory import PeakMemory, own_peak

HUNGRY = "held = bytearray(150 << 20); held[::4096] = b'x' * len(held[::4096]); input()"


def test_memory_that_was_given_back_counts() -> None:
    with PeakMemory() as peak:
        held = bytearray(b"x") * (100 << 20)
        time.sleep(0.2)
        del held
    assert peak.bytes > 100 << 20


def test_memory_of_children_counts() -> None:
    before = own_peak()
    with PeakMemory() as peak:
        child = subprocess.Popen([sys.executable, "-c", HUNGRY], stdin=subprocess.PIPE)
        until(lambda: peak.bytes > 150 << 20, pause=0.05)
        child.communicate(b"\n")
    assert peak.bytes > 150 << 20
    assert own_peak() < before + (100 << 20)


def test_memory_of_the_program_that_started_this_one_does_not_count() -> None:
    held = bytearray(b"x") * (300 << 20)
    code = "from imfuse_tiles.cli.peak_memory import own_peak; print(own_peak())"
    small = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert small < 100 << 20
    assert len(held) == 300 << 20
