"""Processes on several machines whose clock, sleep and requests are simulated: hours pass in a moment.

One process runs at a time, chosen at random whenever another might: before each request to the server and while it
sleeps. There it may also be stopped for a while, with all its threads, as by SIGSTOP or a laptop's lid.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any

from imfuse_tiles.storage import object_lock

#: Seconds that a request takes, at most, and seconds for which a process is stopped, at most.
LATENCY, LONGEST_STOP = 0.3, 90.0


@dataclass
class Machine:
    """A process on a machine of its own: its number, and how far its clock is off, in seconds."""

    number: int
    clock: float
    stopped_until: float = 0.0


@dataclass
class Thread:
    """A thread of a machine and the moment until which it sleeps."""

    machine: Machine
    wakes: float = 0.0
    turn: threading.Event = field(default_factory=threading.Event)
    ended: bool = False


class World:
    """Simulated time and the threads that live in it."""

    def __init__(self, random: Random, stops: float) -> None:
        self.random, self.stops, self.now = random, stops, 0.0
        self.threads: list[Thread] = []
        self.current: Thread | None = None
        self.back = threading.Event()
        self.errors: list[BaseException] = []

    def start(self, machine: Machine, action: Callable[[], None]) -> Thread:
        """A new thread of a machine."""
        thread = Thread(machine, self.now)

        def run() -> None:
            thread.turn.wait()
            try:
                action()
            except BaseException as error:
                self.errors.append(error)
            thread.ended = True
            self.back.set()

        self.threads.append(thread)
        threading.Thread(target=run, daemon=True).start()
        return thread

    def sleep(self, seconds: float, may_stop: bool = True) -> None:
        """Let others run until some seconds have passed; now and then the machine is stopped meanwhile."""
        thread = self.current
        if thread is None:  # all have ended, and what they left is tidied up
            return
        thread.wakes = self.now + seconds
        if may_stop and self.random.random() < self.stops:
            thread.machine.stopped_until = self.now + self.random.uniform(0, LONGEST_STOP)
        thread.turn.clear()
        self.back.set()
        thread.turn.wait()

    def run(self) -> None:
        """Until all threads have ended."""
        while alive := [thread for thread in self.threads if not thread.ended]:
            ready = {id(one): max(one.wakes, one.machine.stopped_until) for one in alive}
            self.now = max(self.now, min(ready.values()))
            self.current = self.random.choice([one for one in alive if ready[id(one)] <= self.now])
            self.back.clear()
            self.current.turn.set()
            self.back.wait()
        self.current = None

    @property
    def machine(self) -> Machine:
        """The machine whose thread runs."""
        assert self.current is not None
        return self.current.machine


class Guard:
    """A lock between the threads of a machine."""

    def __init__(self, world: World) -> None:
        self.world, self.taken = world, False

    def __enter__(self) -> None:
        while self.taken:
            self.world.sleep(0.01, may_stop=False)
        self.taken = True

    def __exit__(self, *_: Any) -> None:
        self.taken = False


class Event:
    """As ``threading.Event``."""

    def __init__(self, world: World) -> None:
        self.world, self.is_set = world, False

    def set(self) -> None:
        self.is_set = True

    def wait(self, seconds: float) -> bool:
        end = self.world.now + seconds
        while not self.is_set and self.world.now < end:
            self.world.sleep(min(0.5, end - self.world.now), may_stop=False)
        return self.is_set


class Renewer:
    """As ``threading.Thread``, on the machine that starts it."""

    def __init__(self, world: World, target: Callable[[], None]) -> None:
        self.world, self.target, self.thread = world, target, None

    def start(self) -> None:
        self.thread = self.world.start(self.world.machine, self.target)  # type: ignore[assignment]

    def is_alive(self) -> bool:
        return self.thread is not None and not self.thread.ended

    def join(self) -> None:
        while self.is_alive():
            self.world.sleep(0.1, may_stop=False)


class Requests:
    """A server whose every answer takes a while."""

    def __init__(self, world: World, system: Any) -> None:
        self.world, self.system = world, system

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.system, name)

        def request(*about: Any, **more: Any) -> Any:
            self.world.sleep(self.world.random.uniform(0, LATENCY))
            return method(*about, **more)

        return request if callable(method) else method


@contextmanager
def simulated(world: World) -> Iterator[None]:
    """Have the locks of object stores live in a simulated world while this lasts."""
    shims: dict[str, Any] = {
        "time": SimpleNamespace(
            time=lambda: 1.8e9 + world.now + world.machine.clock, monotonic=lambda: world.now, sleep=world.sleep
        ),
        "threading": SimpleNamespace(
            Event=lambda: Event(world), Lock=lambda: Guard(world),
            Thread=lambda target, daemon: Renewer(world, target),
        ),
        "socket": SimpleNamespace(gethostname=lambda: f"machine{world.machine.number}"),
        "describe_process": lambda: f"process 1 on machine{world.machine.number}",
    }  # fmt: skip
    real = {name: getattr(object_lock, name) for name in shims}
    vars(object_lock).update(shims)
    try:
        yield
    finally:
        vars(object_lock).update(real)
