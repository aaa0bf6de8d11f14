"""Workers as jobs of a queue: what the jobs ask for, and a whole run whose jobs a stand-in starts on this machine."""

from __future__ import annotations

import os
import shlex
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import dask
import pytest
from blocks import Tracked, plan_of
from program import names
from program import run as program
from stacks import frames, result, run, written

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.cli.resources_from_args import resources_from_args
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.dask_cluster import open_cluster
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.options.resources import QUEUES, Cluster, Resources
from imfuse_tiles.storage.store import Store

HERE = {"scheduler_options": {"host": "127.0.0.1"}}
SMALL = {"cores": 1, "processes": 1, "memory": "1GB", **HERE}
#: What submits and what cancels, in every queue.
COMMANDS = {"slurm": "sbatch scancel", "pbs": "qsub qdel", "sge": "qsub qdel", "lsf": "bsub bkill",
            "htcondor": "condor_submit condor_rm"}  # fmt: skip
SUBMIT = """#!/bin/sh
for last; do :; done
echo "$last" >> {folder}/submitted
cp "$last" {folder}/job.sh
setsid sh {folder}/job.sh > {folder}/log 2>&1 &
echo $! >> {folder}/jobs
echo "Submitted batch job $!"
"""
CANCEL = """#!/bin/sh
echo $1 >> {folder}/cancelled
kill -9 -- -$1
"""


def program_file(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which sbatch and scancel, which start jobs on this machine, note what they did."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    program_file(folder / "sbatch", SUBMIT.format(folder=folder))
    program_file(folder / "scancel", CANCEL.format(folder=folder))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    root = Path(__file__).parents[3]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), str(root / "tests")]))
    yield folder
    for job in noted(folder / "jobs"):
        with suppress(ProcessLookupError):
            os.killpg(int(job), signal.SIGKILL)


def noted(path: Path) -> list[str]:
    return path.read_text().split() if path.is_file() else []


def said(*words: str) -> Resources:
    """The resources that words of the command line ask for."""
    return resources_from_args(parse_fuse_args(fuse_parser("fuse"), [*words, "a.tif"])[0])


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Resources], str]:
    """The script of a job, from a queue whose programs take it and do nothing."""
    (tmp_path / "bin").mkdir()
    for command in {word for pair in COMMANDS.values() for word in pair.split()}:
        program_file(tmp_path / "bin" / command, "#!/bin/sh\necho 'Job 7 submitted to cluster 7.'\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    store = Store(str(tmp_path / "store"))
    store.create()

    def made(asked: Resources) -> str:
        with open_cluster(asked, store.root) as blocks:
            return str(blocks.client.cluster.job_script())

    return made


# What the jobs ask for


def test_jobs_of_slurm_ask_for_what_the_cluster_file_says(script: Callable[[Resources], str]) -> None:
    asked = said("--scheduler", "slurm")
    assert (asked.scheduler, asked.workers, asked.memory, asked.cluster.threads) == ("slurm", 32, 3_600_000_000, 1)
    text = script(asked)
    for line in ("#SBATCH --cpus-per-task=8", "#SBATCH -t 04:00:00"):
        assert line in text.splitlines()
    command = shlex.split(text.splitlines()[-1] or text.splitlines()[-2])
    for option, value in (("--nworkers", "8"), ("--nthreads", "1"), ("--lifetime", "230m")):
        assert command[command.index(option) + 1] == value
    assert "--no-dashboard" in command


def test_jobs_of_pbs_ask_for_what_the_cluster_file_says(script: Callable[[Resources], str]) -> None:
    text = script(said("--scheduler", "pbs"))
    assert "#PBS -l select=1:ncpus=8:mem=32gb" in text
    assert "#PBS -l walltime=04:00:00" in text


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_dask_s_own_configuration_will_do(queue: str, script: Callable[[Resources], str]) -> None:
    configured = {f"jobqueue.{queue}.{name}": value for name, value in
                  {"cores": 6, "processes": 3, "memory": "24 GB", "disk": "1 GB"}.items()}  # fmt: skip
    with dask.config.set({**configured, f"jobqueue.{queue}.scheduler-options": HERE["scheduler_options"]}):
        asked = said("--scheduler", queue, "--workers", "3")
        assert (asked.cluster.threads, asked.workers) == (2, 3)
        assert asked.memory == 7_200_000_000
        text = script(asked)
    assert "--nthreads 2 --memory-limit 7.45GiB --nworkers 3" in text
    assert "distributed.cli.dask_worker tcp://127.0.0.1:" in text


def test_the_scheduler_of_a_queue_shows_no_dashboard_to_the_network(
    tmp_path: Path, script: Callable[[Resources], str]
) -> None:
    for wanted, shown in ((None, "127.0.0.1:"), ("127.0.0.1:0", "127.0.0.1:")):
        asked = Resources(2 << 30, 1, None, "slurm", Cluster(settings=SMALL, dashboard=wanted))
        with open_cluster(asked, str(tmp_path / "store")) as blocks:
            assert shown in blocks.client.dashboard_link


@pytest.mark.parametrize(
    ("words", "reason"),
    [("echo 'sbatch: error: invalid partition' >&2; exit 1", "sbatch: error: invalid partition"), (None, "sbatch")],
)
def test_a_queue_that_takes_no_job_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str | None, reason: str
) -> None:
    if words:
        program_file(tmp_path / "sbatch", f"#!/bin/sh\n{words}\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    asked = Resources(2 << 30, 2, None, "slurm", Cluster(settings=SMALL))
    with pytest.raises(Refusal, match=f"--scheduler slurm: .*{reason}"), open_cluster(asked, str(tmp_path)):
        pass


def test_settings_that_no_job_has_are_refused(tmp_path: Path) -> None:
    asked = Resources(2 << 30, 2, None, "slurm", Cluster(settings={**SMALL, "colour": "blue"}))
    with pytest.raises(Refusal, match=r"--scheduler slurm: .*colour"), open_cluster(asked, str(tmp_path)):
        pass


# A run


def test_a_run_by_jobs_of_slurm_makes_the_same_bytes(tmp_path: Path, slurm: Path) -> None:
    images = names(written(tmp_path / "in", frames(2, shape=(90, 80))))
    (tmp_path / "mine.toml").write_text(
        'scheduler = "slurm"\nworkers = 2\n[cluster]\ncores = 2\nprocesses = 2\nmemory = "2GB"\nwalltime = "00:10:00"\n'
        'scheduler_options = { host = "127.0.0.1" }\n'
    )
    words = ["fuse", "--blur", "--bg=mean", "--tile", "40", "--quiet"]
    alone = program(*words, "--store", tmp_path / "alone", "-o", tmp_path / "alone.tif", *images)
    jobs = program(*words, "--store", tmp_path / "store", "-o", tmp_path / "r.tif",
                   "--scheduler", tmp_path / "mine.toml", *images)  # fmt: skip
    assert (alone.code, jobs.code) == (0, 0), jobs.err
    assert (tmp_path / "r.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()
    assert len(noted(slurm / "submitted")) == 1
    assert noted(slurm / "cancelled") == noted(slurm / "jobs")


def test_a_job_that_ended_is_followed_by_another(tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imfuse_tiles.execution.job_queues.ENDED", 0.5)
    (tmp_path / "counts").mkdir()
    plan, store = plan_of(Tracked("first/x", seconds=0.3, folder=str(tmp_path / "counts"))), Store(str(tmp_path / "s"))
    ended: list[str] = []

    class Ends(Progress):
        def block(self, stage: object) -> None:
            if not ended:
                ended.extend(noted(slurm / "jobs"))
                os.killpg(int(ended[0]), signal.SIGKILL)

    run(plan, store, Ends(), scheduler="slurm", workers=1, cluster=Cluster(settings=SMALL))
    assert float(result(plan, store)[0, 299, 399]) == 200300 + 200300
    assert len(noted(slurm / "jobs")) == 2
