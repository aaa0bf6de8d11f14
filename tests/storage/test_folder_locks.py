"""A store has one writer, and a lock that its end frees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import pressed

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.storage.store import Store

HOLDER = """
import sys, time
from imfuse_tiles.storage.store import Store
with Store(sys.argv[1]).locked():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(store: Store) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the store."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, store.root], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_sent_away_with_the_name_of_the_first(store: Store, holder: subprocess.Popen[str]) -> None:
    began = time.perf_counter()
    with pytest.raises(AlreadyExists) as caught, store.locked():
        pass
    assert time.perf_counter() - began < pressed(0.5)
    assert caught.value.code == 3
    assert f"process {holder.pid} on {os.uname().nodename}" in str(caught.value)
    assert store.root in str(caught.value)


def test_killing_the_writer_frees_the_store(store: Store, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with store.locked():
        assert f"process {os.getpid()} " in (store.folder / "holder").read_text()
    assert not (store.folder / "holder").exists()


def test_the_lock_is_given_back_after_an_error(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.locked():
        raise ZeroDivisionError
    with store.locked():
        pass


def test_the_lock_of_a_store_that_went_away_is_a_refusal(store: Store, tmp_path: Path) -> None:
    gone = Store(str(tmp_path / "zarr.json" / "deeper"))
    (tmp_path / "zarr.json").write_text("")
    with pytest.raises(Refusal, match="cannot write"), gone.locked():
        pass
