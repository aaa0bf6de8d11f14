"""Semaphores in /dev/shm that a killed program left go with the next one; those of living ones stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imfuse_tiles.execution import semaphores

PROGRAM = """
import multiprocessing, time
from imfuse_tiles.execution.semaphores import tidy_semaphores
tidy_semaphores()
held = multiprocessing.get_context("spawn").Lock()
print(held._semlock.name, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="semaphores have no names there")
def test_those_of_a_killed_program_go_and_those_of_a_living_one_stay() -> None:
    command = [sys.executable, "-c", PROGRAM]
    programs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) for _ in range(2)]
    try:
        names = [program.stdout.readline().strip() for program in programs if program.stdout]
        killed, living = (semaphores.FOLDER / f"sem.{name[1:]}" for name in names)
        assert f"-{programs[0].pid}-" in killed.name
        os.killpg(programs[0].pid, signal.SIGKILL)  # the tracker, too
        programs[0].wait()
        assert killed.exists()
        subprocess.run([sys.executable, "-c", "\n".join(PROGRAM.splitlines()[:4])], check=True)
        assert not killed.exists()
        assert living.exists()
    finally:
        for program in programs:
            program.kill()
            program.communicate()
