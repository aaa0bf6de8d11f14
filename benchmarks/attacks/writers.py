"""Two and more writers of one store, with processes that are stopped, killed and whose clocks are hours off.

In a folder they are real processes that get SIGSTOP, SIGCONT and SIGKILL. Behind a URL their time is simulated
(``simulated_machines``): every order of requests may come about, and an hour takes no time.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psutil

from benchmarks.attacks.simulated_machines import Machine, Requests, World, simulated
from imfuse_tiles.errors import AlreadyExists
from imfuse_tiles.storage.object_files import ObjectFiles
from imfuse_tiles.storage.object_locks import ObjectLocks
from imfuse_tiles.storage.object_server import LockLost
from imfuse_tiles.storage.store import Store

#: Who writes: the whole run, or parts that only exclude their doubles and the whole run.
NAMES = ("", "", "part-1-of-2", "part-2-of-2")


def conflict(one: str, other: str) -> bool:
    """Whether two writers exclude each other."""
    return one == other or not one or not other


def write_in_turn(store: Store, name: str, place: Path, random: Random) -> int:
    """Take the lock again and again for a moment; 1 when another that is excluded writes at that time."""
    offset, clock = random.uniform(-7200, 7200), time.time
    time.time = lambda: clock() + offset  # type: ignore[assignment]
    own = place / f"{name or 'whole'}.{os.getpid()}"
    for _ in range(6):
        with suppress(AlreadyExists), store.locked(name):
            own.touch()
            for other in list(place.iterdir()):
                whose, _, process = other.name.rpartition(".")
                if other != own and conflict(name, whose.replace("whole", "")) and is_running(int(process)):
                    return 1
            time.sleep(random.uniform(0, 0.003))
            own.unlink()
        time.sleep(random.uniform(0, 0.002))
    return 0


def is_running(process: int) -> bool:
    """Whether a process is neither dead nor about to be."""
    try:
        return psutil.Process(process).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def folder_trial(folder: Path, random: Random) -> tuple[int, int]:
    """Writers of a store in a folder; how many saw another writing, and how many were killed."""
    store, place, children, killed = Store(str(folder / "store")), folder / "writing", list[int](), 0
    place.mkdir()
    for name in random.choices(NAMES, k=random.choice([2, 2, 3])):
        seed = random.random()
        if (child := os.fork()) == 0:
            code = 70
            try:
                code = write_in_turn(store, name, place, Random(seed))
            finally:
                os._exit(code)
        children.append(child)
    for _ in range(random.randrange(8)):
        time.sleep(random.uniform(0, 0.004))
        victim = random.choice(children)
        os.kill(victim, signal.SIGSTOP)
        time.sleep(random.uniform(0, 0.01))
        if random.random() < 0.1:
            os.kill(victim, signal.SIGKILL)
            killed += 1
        os.kill(victim, signal.SIGCONT)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return sum(code not in (0, -signal.SIGKILL) for code in codes), killed


@dataclass
class Session:
    """What one holder of a lock wrote, and when."""

    name: str
    writes: list[float] = field(default_factory=list)


def overlap(one: Session, other: Session) -> bool:
    """Whether two that exclude each other wrote in between each other."""
    if not (conflict(one.name, other.name) and one.writes and other.writes):
        return False
    return one.writes[0] <= other.writes[-1] and other.writes[0] <= one.writes[-1]


def bucket_trial(url: str, random: Random) -> tuple[int, int, int]:
    """Writers of a store behind a URL; pairs that wrote in between each other, sessions, and locks lost in one."""
    world, sessions, lost = World(random, random.choice([0.0, 0.02, 0.1])), list[Session](), Counter[str]()
    dead = list[ExitStack]()

    def write(machine: Machine, name: str) -> None:
        for _ in range(random.choice([1, 2, 3])):
            files = ObjectFiles(url)
            files.system = Requests(world, files.system)
            with suppress(AlreadyExists), ExitStack() as lock:
                try:
                    lock.enter_context(ObjectLocks(files).locked(f"-{name}" if name else ""))
                    sessions.append(session := Session(name))
                    for number in range(random.choice([1, 3, 6])):
                        world.sleep(random.choice([0.1, 1.0, 15.0]))
                        for fence in tuple(files.fences):
                            fence()
                        session.writes.append(world.now)
                        files.system.system.pipe_file(f"{files.base}/data{number}", b"x")
                    if random.random() < 0.2:  # it dies: nobody gives the lock back
                        for lock_file in files.fences:
                            lock_file.__self__.end.set()  # type: ignore[attr-defined]
                        dead.append(lock.pop_all())
                except LockLost:
                    lost["lost"] += 1
            world.sleep(random.uniform(0, 30))

    with simulated(world):
        for number in range(random.choice([2, 3])):
            machine = Machine(number, random.choice([0.0, 3600.0, -3600.0, random.uniform(-1e6, 1e6)]))
            name = random.choice(NAMES)
            world.start(machine, lambda machine=machine, name=name: write(machine, name))  # type: ignore[misc]
        world.run()
    if world.errors:
        raise world.errors[0]
    pairs = [(a, b) for n, a in enumerate(sessions) for b in sessions[:n] if overlap(a, b)]
    return len(pairs), len(sessions), lost["lost"]


def writers(folder: Path, count: int, seed: int, show: Callable[[str], None] = print) -> dict[str, Any]:
    """``count`` trials each in a folder and behind a URL; figures with what is broken."""
    random, tally, broken = Random(seed), Counter[str](), 0
    for number in range(count):
        (place := folder / str(number)).mkdir(parents=True)
        Store(str(place / "store")).create()
        doubles, killed = folder_trial(place, random)
        tally["killed in a folder"] += killed
        double_sessions, sessions, lost = bucket_trial(f"memory://writers/{seed}/{number}", random)
        tally["sessions behind a URL"] += sessions
        tally["locks lost behind a URL"] += lost
        if doubles or double_sessions:
            broken += 1
            show(f"{number}: {doubles} double writers in a folder, {double_sessions} behind a URL")
    return {
        "trials in a folder": count,
        "trials behind a URL": count,
        **tally,
        "broken": broken,
    }
