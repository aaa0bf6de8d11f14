"""Crashes at every moment of a run, with and without lost writes, then the same command: are its bytes right?

The run is recorded once (``recorded_writes``); disks as a crash may leave them (``disk_states``) are laid out, and
the command runs on each in a child process.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.attacks.disk_states import Disk, Loss, crash, disk_of, read_disk
from benchmarks.attacks.recorded_writes import Operation, recorded
from benchmarks.attacks.small_run import OPTIONS, Place, in_child
from imfuse_tiles.cli.main import main
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.array_metadata import array_paths, stage_from_attributes
from imfuse_tiles.stages.integrity import damaged_blocks
from imfuse_tiles.storage.store import Store

LOSSES: tuple[Loss, ...] = ("killed", "journaled", "any")
#: How a child ends that finds recorded blocks lost; states between two lines that tell how far the trial is.
LOST, OFTEN = 99, 500
#: Fewer states than these are of the first two scenarios only.
MANY = 100
OTHER = ("--align=no", "--wavelet=p7", "--maskwave=p100", "--cutwave=p60", "-X")


@dataclass(frozen=True)
class Scenario:
    """A run that crashes: its options beyond those of all, and what was run before it on the same store."""

    name: str
    more: tuple[str, ...] = ()
    options: tuple[str, ...] = OPTIONS
    before: tuple[tuple[str, ...], ...] = ()


SCENARIOS = (
    Scenario("new store"),
    Scenario("new store, --durable", ("--durable",)),
    Scenario("lean", ("--lean",)),
    Scenario("other options", options=OTHER, before=((),)),
    Scenario("anew in other blocks, --durable", ("--durable", "--force=focus"), before=(("--tile", "24", "--force"),)),
    Scenario("a part of one", ("--part", "1/1")),
)


@dataclass(frozen=True)
class Recording:
    """A run of a scenario: the disk that it found, what it did, and the files that are right."""

    scenario: Scenario
    before: Disk
    operations: tuple[Operation, ...]
    right: dict[str, bytes]

    @property
    def durable(self) -> bool:
        return "--durable" in self.scenario.more


def record(place: Place, scenario: Scenario) -> Recording:
    """Run a scenario undisturbed, in a child that records."""
    right = place.expected(*scenario.more, options=scenario.options)
    for more in scenario.before:
        assert place.run(*more, result="before.tif").code == 0
    found = place.folder / "recording"
    words = place.words(*scenario.more, options=scenario.options)

    def run() -> int:
        with recorded(place.work) as recorder:
            before = disk_of(recorder.names, recorder.contents, place.work)
            code = main(words)
        found.write_bytes(pickle.dumps((before, recorder.operations)))
        return code

    ended = in_child(run)
    assert ended.code == 0, ended.err
    before, operations = pickle.loads(found.read_bytes())
    recording = Recording(scenario, before, tuple(operations), right)
    check_complete(recording, place.work)
    return recording


def check_complete(recording: Recording, root: Path) -> None:
    """Replaying all of a recording gives what the run left, to the byte."""
    disk = crash(recording.before, recording.operations, len(recording.operations), "killed", Random(0))
    replayed = {name: disk.contents[number] if number else None for name, number in disk.names.items()}
    now = read_disk(root)
    wrong = {name for name in replayed.keys() | now.keys() if replayed.get(name, 0) != now.get(name, 0)}
    if wrong:
        raise RuntimeError(f"the recording of {recording.scenario.name} is not complete: {sorted(wrong)[:5]}")


def states(recording: Recording, count: int, random: Random) -> Iterator[tuple[int, Loss]]:
    """Moments and kinds of loss: every moment in turn, again and again with other losses."""
    moments = len(recording.operations) + 1
    for number in range(count):
        yield number * moments // count if count < moments else number % moments, LOSSES[number % len(LOSSES)]


def try_state(place: Place, recording: Recording, disk: Disk, loss: Loss) -> str:
    """What the command makes of a disk: "right", or what is wrong.

    No recorded block may have lost a chunk, unless the power was cut without ``--durable``. What a killed run left half
    written goes; a part leaves it alone, as it may be another's, and after a power cut it may be of stages that are not
    needed.
    """
    place.clear()
    disk.write_to(place.work)
    words, kept = place.words(*recording.scenario.more, options=recording.scenario.options), recording.durable

    def run() -> int:
        if (kept or loss == "killed") and (lost := lost_blocks(Store(str(place.store)))):
            print(f"{lost} recorded blocks are lost")
            return LOST
        return main(words)

    ended = in_child(run)
    if ended.code == LOST:
        return ended.out
    if ended.hung:
        return "hangs"
    if ended.code:
        return f"refused: {ended.err}"
    if place.results() != recording.right:
        return "WRONG BYTES"
    if (
        loss == "killed"
        and "--part" not in recording.scenario.more
        and (litter := [str(path.relative_to(place.work)) for path in place.work.rglob("*") if "partial" in path.name])
    ):
        return f"half-written files stay: {litter}"
    return "right"


def lost_blocks(store: Store) -> int:
    """How many recorded blocks have chunks that are missing or not whole."""
    lost = 0
    for path in array_paths(name for name, _ in store.files.list_files()):
        attributes = store.arrays.attributes(path)
        if attributes is None:
            continue
        stage = stage_from_attributes(store, path)
        layout = Layout.of(store.journal(stage.key).layout())
        if layout is not None:
            lost += len(damaged_blocks(store, stage, layout, store.journal(stage.key).completed_blocks()))
    return lost


def crashes(place: Path, count: int, seed: int, show: Callable[[str], None] = print) -> dict[str, Any]:
    """``count`` states over all scenarios; figures with what is broken."""
    random, tally, here = Random(seed), Counter[str](), Place.make(place)
    operations, broken = 0, 0
    scenarios = SCENARIOS if count >= MANY else SCENARIOS[:2]
    for scenario in scenarios:
        recording = record(here, scenario)
        operations += len(recording.operations)
        for moment, loss in states(recording, -(-count // len(scenarios)), random):
            disk = crash(recording.before, recording.operations, moment, loss, random)
            verdict = try_state(here, recording, disk, loss)
            tally[loss] += 1
            if sum(tally.values()) % OFTEN == 0:
                show(f"{sum(tally.values())} of {count}, broken: {broken}")
            if verdict != "right":
                broken += 1
                show(f"{scenario.name}, {loss} after {moment} of {len(recording.operations)}: {verdict}")
    return {"states": sum(tally.values()), **tally, "operations recorded": operations, "broken": broken}
