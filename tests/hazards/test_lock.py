"""A store has one writer; the second is told who it is, and a killed one leaves it free."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from program import begin, finished, kill, pressed, run, soon, until


def held(store):
    return lambda: (store / "holder").is_file() and list((store / "journal").glob("*"))


def test_a_second_run_names_the_first_within_a_second_and_writes_nothing(undisturbed, place):
    store, result = place / "store", place / "r.tif"
    first = begin(*undisturbed.words(store, result, "--statistic=r9"))
    assert until(held(store))
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second = soon(*undisturbed.words(store, place / "second.tif"), seconds=2)
        assert second.code == 3
        assert f"process {first.pid} on {socket.gethostname()}" in second.line
        assert not (place / "second.tif").exists()
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert finished(first).code == 0


def test_the_refusal_takes_less_than_a_second(undisturbed, called, place):
    from imfuse_tiles.storage.store import Store

    store = Store(str(undisturbed.copy(place / "store")))
    with store.locked():
        began = time.perf_counter()
        ended = called(*undisturbed.words(store.folder, place / "r.tif"))
        assert (ended.code, time.perf_counter() - began < pressed(1)) == (3, True)


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_a_killed_holder_leaves_the_store_free_even_if_its_workers_live_on(scheduler, undisturbed, place):
    store, result = place / "store", place / "r.tif"
    first = begin(*undisturbed.words(store, result, "--scheduler", scheduler, "--memory", "2G", "--statistic=r9"))
    assert until(held(store))
    first.kill()  # the process alone, not its group
    first.wait()
    assert run(*undisturbed.words(store, result)).code == 0
    assert undisturbed.same(result)
    assert until(lambda: not running(first.pid)), "the workers of a killed run end too"


def running(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("seed", range(2))
def test_many_started_at_once_do_the_work_once_and_right(seed, undisturbed, place):
    store, result, chance = place / "store", place / "r.tif", random.Random(seed)

    def one(number: int) -> int:
        time.sleep(chance.random() * 0.2)
        process = begin(*undisturbed.words(store, result))
        if number == 0:
            time.sleep(0.5 + chance.random())
            kill(process)
        return finished(process).code

    with ThreadPoolExecutor(5) as starters:
        codes = list(starters.map(one, range(5)))
    assert set(codes) <= {0, 3, -signal.SIGKILL}
    assert run(*undisturbed.words(store, result)).code == 0
    assert undisturbed.same(result)
    assert run("verify", store).code == 0
