"""A large picture is looked at while a process of its own reads it; what stops that ends the server in a line."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
from program import begin, finished, until

from imfuse_tiles.errors import Incomplete, Refusal
from imfuse_tiles.execution import picture_stores
from imfuse_tiles.execution.picture_stores import picture_store
from imfuse_tiles.viewer.layers import layers_of
from imfuse_tiles.viewer.picture_reading import PictureReading


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(picture_stores, "SMALL", 100)
    place = tmp_path / "large.tif"
    tifffile.imwrite(place, np.full((300, 400, 3), 77, np.uint8), photometric="rgb")
    return place


def checked(reading: PictureReading) -> bool:
    reading.check()
    return not reading.goes_on


def test_a_large_picture_is_read_beside(picture: Path) -> None:
    later: list[Path] = []
    store = picture_store(picture, later)
    assert later == [picture]
    assert not store.exists()
    reading = PictureReading(later)
    assert until(lambda: checked(reading))
    assert [layer.label for layer in layers_of(store, 0)] == ["Picture"]
    reading.end()
    assert picture_store(picture, later) == store
    assert later == [picture]  # it is read once


def test_what_stops_the_reading_is_raised_where_it_is_asked_for(picture: Path) -> None:
    reading = PictureReading([picture.with_name("gone.tif")])
    with pytest.raises(Refusal, match=r"gone\.tif"):
        until(lambda: checked(reading))
    killed = PictureReading([picture])
    assert killed.process.pid
    os.kill(killed.process.pid, signal.SIGKILL)
    with pytest.raises(Incomplete, match="killed"):
        until(lambda: checked(killed))
    for each in (reading, killed):
        each.end()


def test_of_no_picture_there_is_no_process() -> None:
    reading = PictureReading([])
    reading.check()
    assert reading.process.pid is None
    reading.end()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_outlives_a_server_that_reads(number: signal.Signals, tmp_path: Path) -> None:
    large = tmp_path / "large.tif"
    tifffile.imwrite(large, np.zeros((4100, 4100, 3), np.uint8), photometric="rgb", compression="zlib")
    process = begin("view", "--no-browser", large, env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert process.stdout
    assert process.stdout.readline().startswith("http://")
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    finished(process)
    assert until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
