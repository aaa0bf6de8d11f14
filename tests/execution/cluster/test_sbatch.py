"""The example of a job array: it is valid, is told before its time is over, and goes on when it is queued again."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from program import Ended, finished, until
from program import run as program
from stacks import frames, written

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.options.resources import Part, parse_part
from imfuse_tiles.storage.store import Store

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "configs" / "slurm-parts.sbatch"
TEXT = SCRIPT.read_text()


def test_it_is_valid_shell_and_asks_to_be_told_of_its_end() -> None:
    subprocess.run(["bash", "-n", SCRIPT], check=True)
    asked = re.findall(r"^#SBATCH --([a-z-]+)=?(.*)$", TEXT, re.MULTILINE)
    assert dict(asked)["signal"] == "B:USR1@180"
    assert {"array", "requeue", "time", "mem", "cpus-per-task"} <= dict(asked).keys()
    assert TEXT.index("\nSTACK=") > TEXT.rindex("#SBATCH"), "Slurm reads no further than the first command"


def test_its_command_is_understood() -> None:
    (command,) = re.findall(r"^imfuse-tiles (.*) &$", TEXT.replace("\\\n", " "), re.MULTILINE)
    known = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "8", "SLURM_CPUS_PER_TASK": "4"}
    words = shlex.split(re.sub(r"\$(\w+)", lambda name: known.get(name[1], name[1].lower()), command))
    assert words[0] == "fuse"
    said, recipe = parse_fuse_args(fuse_parser("fuse"), words[1:])
    assert parse_part(said.part, said.wait) == Part(2, 8)
    assert (said.workers, said.memory, said.store, bool(recipe.generators)) == (4, "14G", "store", True)


@pytest.fixture
def job(tmp_path: Path) -> Callable[[int], subprocess.Popen[str]]:
    """Starts one of two jobs of the array as Slurm would."""
    for name, does in (("scontrol", f'echo "$@" >> {tmp_path}/requeued'),
                       ("imfuse-tiles", f'exec {shlex.quote(sys.executable)} -m imfuse_tiles "$@"')):  # fmt: skip
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    written(tmp_path / "stack", frames(2, shape=(90, 80)))
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    told = {"SLURM_ARRAY_JOB_ID": "77", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_CPUS_PER_TASK": "1", "PATH": path,
            "PYTHONPATH": str(ROOT)}  # fmt: skip

    def start(number: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
            start_new_session=True, env={**os.environ, **told, "SLURM_ARRAY_TASK_ID": str(number)},
        )  # fmt: skip

    return start


def test_a_job_whose_time_is_over_is_queued_again_and_goes_on(
    tmp_path: Path, job: Callable[[int], subprocess.Popen[str]]
) -> None:
    first, store = job(1), Store(str(tmp_path / "store"))
    # It has done its part of the first stage and waits for the other job.
    assert until(lambda: len(list(store.files.list_files("journal"))) > 1, pause=0.05)
    first.send_signal(signal.SIGUSR1)
    ended = finished(first)
    assert (ended.code, (tmp_path / "requeued").read_text()) == (4, "requeue 77_1\n"), ended.err
    assert "the time of this job is over" in ended.err
    both: list[Ended] = [finished(each) for each in [job(1), job(2)]]
    assert [each.code for each in both] == [0, 0], [each.err for each in both]
    images = sorted((tmp_path / "stack").glob("*.tif"))
    alone = program("fuse", "--preset", "default", "-o", tmp_path / "alone.tif", "--store", tmp_path / "other", *images)
    assert alone.code == 0
    assert (tmp_path / "alone.tif").read_bytes() == (tmp_path / "result.tif").read_bytes()
