"""What may be said about where blocks are computed."""

from __future__ import annotations

import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import QUEUES, worker_count, worker_location


@pytest.mark.parametrize(
    ("spec", "workers"),
    [("sync", 1), ("threads", 7), ("threads:3", 3), ("processes", 7), ("processes:2", 2), ("local", 7), ("local:1", 1),
     ("tcp://host:8786", 7), ("tls://host:8786", 7), ("file:s.json", 7), ("slurm", 7), ("my.module:cluster", 7)],
)  # fmt: skip
def test_a_scheduler_says_how_many_workers_it_has(spec: str, workers: int) -> None:
    assert worker_count(spec, 7) == workers


@pytest.mark.parametrize("spec", ["", "cloud", "threads:0", "threads:x", "threads:-1", "sync:2", "file:", "tcp:host"])
def test_an_unknown_scheduler_is_refused_with_those_there_are(spec: str) -> None:
    with pytest.raises(Refusal, match="allowed is sync, threads") as caught:
        worker_count(spec, 7)
    assert caught.value.code == 2


def test_a_scheduler_is_here_beside_or_elsewhere() -> None:
    assert {spec: worker_location(spec) for spec in ("sync", "threads:3", "processes", "local:2", "tcp://a:1")} == {
        "sync": "in_process", "threads:3": "in_process", "processes": "local",
        "local:2": "local", "tcp://a:1": "remote",
    }  # fmt: skip
    assert {worker_location(queue) for queue in QUEUES} == {"remote"}
