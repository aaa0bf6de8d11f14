"""kill -9 at any moment, then the same command: the same bytes, and only what was not finished is computed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from imfuse_tiles.cli import main
from imfuse_tiles.simulate import render
from imfuse_tiles.store import Store

OPTIONS = ["--wavelet", "--darkness=w10", "--maskwave=p100", "--cutless=p15", "--cutwave", "--bg=mean"]
MOMENTS = 10


def words(images: list[Path], place: Path) -> list[str]:
    """The command of a run whose files all lie in one folder."""
    return ["fuse", *OPTIONS, "-X", "--tile", "40", "--workers", "2", "--quiet", "--store", str(place / "store"),
            "-o", str(place / "r.tif"), "--report", str(place / "report.json"), *map(str, images)]  # fmt: skip


@dataclass(frozen=True)
class Calm:
    """A run that nothing disturbs."""

    images: list[Path]
    pictures: dict[str, bytes]
    stages: dict[str, int]
    seconds: float


def pictures(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.glob("r*.tif")}


def begun(images: list[Path], place: Path) -> subprocess.Popen[bytes]:
    """A run in a process group of its own that has just made its store."""
    process = subprocess.Popen([sys.executable, "-m", "imfuse_tiles", *words(images, place)], start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    while not (place / "store" / "zarr.json").exists():
        assert process.poll() is None, "the run ended before it made its store"
        time.sleep(0.002)
    return process


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    folder = tmp_path_factory.mktemp("calm")
    render(folder / "in", 320, 220, 5, seed=3, workers=2)
    images = sorted((folder / "in").glob("slice_*.tif"))
    # Once to compile, once to measure.
    for name in ("first", "second"):
        (folder / name).mkdir()
        process, began = begun(images, folder / name), time.perf_counter()
        assert process.wait(120) == 0
        seconds = time.perf_counter() - began
    report = json.loads((folder / "second" / "report.json").read_text())
    stages = {stage["key"]: stage["blocks"] for stage in report["stages"]}
    assert sum(stages.values()) > 100
    return Calm(images, pictures(folder / "second"), stages, seconds)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_killed_run_goes_on_to_the_same_bytes(calm: Calm, tmp_path: Path, moment: int) -> None:
    process = begun(calm.images, tmp_path)
    time.sleep(calm.seconds * (moment + random.Random(moment).random()) / MOMENTS)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not pictures(tmp_path) or pictures(tmp_path).items() <= calm.pictures.items()
    store = Store(str(tmp_path / "store"))
    kept = {key: len(store.done(key)) for key in calm.stages}

    assert main(words(calm.images, tmp_path)) == 0
    assert pictures(tmp_path) == calm.pictures
    report = {stage["key"]: stage for stage in json.loads((tmp_path / "report.json").read_text())["stages"]}
    assert {key: stage["reused"] for key, stage in report.items()} == kept
    assert {key: stage["computed"] + kept[key] for key, stage in report.items()} == calm.stages
    assert list(tmp_path.rglob("*.partial")) == []


def test_kills_one_after_the_other_lose_nothing(calm: Calm, tmp_path: Path) -> None:
    """A run that is killed again and again still arrives."""
    store, before = Store(str(tmp_path / "store")), -1
    for _ in range(3):
        process = begun(calm.images, tmp_path)
        time.sleep(calm.seconds / 4 + 1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kept = sum(len(store.done(key)) for key in calm.stages)
        assert kept >= before
        before = kept
    assert main(words(calm.images, tmp_path)) == 0
    assert pictures(tmp_path) == calm.pictures
