"""Worker processes: deaf to the signals that their parent decides on, ended by it, replaced when they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import until

from imfuse_tiles.execution.process_pool import ProcessPool, WorkerKilled
from imfuse_tiles.storage.processes import is_alive

#: A program that says which signals its workers and their fork server block, as bits.
MASKS = """
import time
from pathlib import Path
import psutil
from imfuse_tiles.execution.process_pool import ProcessPool

def blocked(process):
    said = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(said["SigBlk"], 16)

if __name__ == "__main__":
    pool = ProcessPool(2)
    pool.submit(time.sleep, 0).result(240)
    found = [each for each in psutil.Process().children(recursive=True) if "forkserver" in each.cmdline()[-1]]
    print(*(blocked(each.pid) for each in found))
    pool.shutdown()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system's own tables of processes are those of Linux")
def test_processes_are_deaf_to_signals_from_their_first_moment(tmp_path: Path) -> None:
    (tmp_path / "masks.py").write_text(MASKS)
    said = subprocess.run([sys.executable, tmp_path / "masks.py"], capture_output=True, text=True, timeout=480)
    masks = [int(word) for word in said.stdout.split()]
    assert len(masks) >= 2, said.stderr
    for number in (signal.SIGINT, signal.SIGTERM):
        assert all(mask >> number - 1 & 1 for mask in masks), f"the fork server and its workers block {number}"


#: A program that refuses its input as soon as the fork server has begun to load.
REFUSED = """
from multiprocessing import forkserver
from imfuse_tiles.execution.pools import prestart_workers
prestart_workers("local:2")
print(forkserver._forkserver._forkserver_pid)
raise SystemExit(2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server elsewhere, or it is not the default")
def test_a_refused_run_leaves_no_server_that_still_loads(tmp_path: Path) -> None:
    (tmp_path / "distributed.py").write_text("import time; time.sleep(3600)")  # what the server loads, slowly
    said = subprocess.run(
        [sys.executable, "-c", REFUSED], capture_output=True, text=True, timeout=480,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )  # fmt: skip
    server = int(said.stdout)
    assert said.returncode == 2
    assert until(lambda: not is_alive(server))


def test_a_worker_that_somebody_else_tells_to_end_goes_on() -> None:
    pool = ProcessPool(1)
    try:
        worker = pool.submit(os.getpid).result(240)
        subprocess.run(["kill", "-TERM", str(worker)], check=True)
        subprocess.run(["kill", "-INT", str(worker)], check=True)
        time.sleep(0.2)
        assert pool.submit(os.getpid).result(240) == worker
    finally:
        pool.shutdown()


def stricken(folder: str, times: int) -> str:
    """Kills its process so many times, counted by files in a folder."""
    if len(os.listdir(folder)) < times:
        Path(folder, str(time.monotonic_ns())).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def test_what_a_killed_worker_was_at_is_tried_again_and_given_up_after_three_times(tmp_path: Path) -> None:
    pool = ProcessPool(1)
    try:
        for name, times in (("once", 1), ("ever", 100)):
            (tmp_path / name).mkdir()
            future = pool.submit(stricken, str(tmp_path / name), times)
            if times == 1:
                assert future.result(240) == "alive"
                continue
            with pytest.raises(WorkerKilled, match="killed its worker 3 times"):
                future.result(240)
        assert pool.submit(os.getpid).result(240) > 0
    finally:
        pool.shutdown()


def test_a_pool_that_ends_while_a_block_is_tried_again_closes_nothing_twice(tmp_path: Path) -> None:
    """A second closing would hit whatever file has got the number of the first meanwhile."""
    for number in range(5):
        pool, folder = ProcessPool(1), tmp_path / str(number)
        folder.mkdir()
        future = pool.submit(stricken, str(folder), 1)
        assert until(lambda pool=pool: pool.alone is not None)
        pool.shutdown()
        assert future.result(240) == "alive"
        assert pool.alone is None


def test_what_waits_to_be_tried_again_can_be_withdrawn() -> None:
    """Else a run that is asked to end would start a process for each."""
    pool = ProcessPool(1)
    try:
        with pool.guard:  # nobody is tried again meanwhile
            worker = pool.submit(os.getpid).result(240)
            futures = [pool.submit(time.sleep, 30) for _ in range(6)]
            assert futures[-1].cancel(), "it has not been begun, nor does it wait in the worker"
            os.kill(worker, signal.SIGKILL)
            assert until(lambda: all(future.cancelled() or future.cancel() for future in futures))
        assert pool.submit(os.getpid).result(240) > 0
    finally:
        pool.shutdown()
