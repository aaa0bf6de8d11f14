"""How far a whole run is, of all its stages, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from imfuse_tiles.stages.stage import Stage

#: Nanoseconds for a pixel of a slice that stages take, about, by the kind of work, where nothing better is known.
COSTS = {"read": 10.0, "local": 35.0, "fold": 50.0, "reduce": 5.0, "frame": 150.0}
#: The part of a run, or of a stage, that tells as much of its rest as what was reckoned.
TRUSTED = 0.15
#: Of stages that read every slice, whose blocks are regions and not slices.
ALL_SLICES = ("fold",)


class WholeRun:
    """Counts blocks of a run's stages. ``expected``: the stages that are to be computed, in order; ``slices``: of the
    stack; ``workers``: blocks that are computed at once; ``seconds``: of stages by their keys, as they are reckoned;
    ``before``: seconds that the program took until now; ``after``: that files of the result are reckoned to take."""

    def __init__(
        self, expected: Sequence[Stage], slices: int, clock: Callable[[], float] = time.monotonic, workers: int = 1,
        seconds: Mapping[str, float] | None = None, before: float = 0.0, after: float = 0.0,
    ) -> None:  # fmt: skip
        self.seconds, self.trusted = seconds or {}, TRUSTED if seconds else 0.0
        self.stages, self.slices, self.clock, self.workers = list(expected), slices, clock, workers
        self.began, self.before, self.after = clock(), before, after
        self.finished: set[str] = set()
        self.current: Stage | None = None
        self.blocks = self.done = self.reused = 0
        self.start = 0.0
        #: Seconds that tell nothing of the rest, of the run and of the current stage; when that and the first began.
        self.pause = self.stage_pause = 0.0
        self.stage_began = self.computing_since = self.began

    def begin(self, stage: Stage, blocks: int, reused: int) -> None:
        """A stage begins; one that was not expected counts from now on."""
        if self.current:
            self.finished.add(self.current.key)
        else:
            self.computing_since = self.clock()
        if stage.key not in {each.key for each in self.stages}:
            self.stages.append(stage)
        self.current, self.blocks, self.done, self.reused = stage, blocks, reused, reused
        self.start += self.cost(stage) * reused / max(blocks, 1)  # what was reused took no time now
        self.stage_began, self.stage_pause = self.clock(), 0.0

    def block(self) -> None:
        """A block was finished."""
        self.done += 1

    def leave_out(self, seconds: float) -> None:
        """Seconds that tell nothing of the rest: of compiling kernels."""
        self.pause += seconds
        self.stage_pause += seconds

    def cost(self, stage: Stage) -> float:
        """About what a stage takes, in seconds of a machine like this one."""
        if stage.key in self.seconds:
            return self.seconds[stage.key]
        slices = self.slices if stage.kind in ALL_SLICES else stage.slices
        return COSTS.get(stage.kind, 40.0) * stage.frame[0] * stage.frame[1] * slices / 1e9

    @property
    def place(self) -> str:
        """Which of the stages is at work: ``stage 3 of 7``."""
        keys = [stage.key for stage in self.stages]
        return f"stage {keys.index(self.current.key) + 1 if self.current else 0} of {len(keys)}"

    @property
    def total(self) -> float:
        """What the whole run takes."""
        return sum(map(self.cost, self.stages))

    @property
    def spent(self) -> float:
        """What of that is behind."""
        behind = sum(self.cost(stage) for stage in self.stages if stage.key in self.finished)
        return behind + (self.cost(self.current) * self.share if self.current else 0.0)

    @property
    def share(self) -> float:
        """What of the current stage is behind: when a block is finished, those beside it are half done on average."""
        beside = min(self.workers - 1, self.blocks - self.done) if self.done > self.reused else 0
        return (self.done + beside / 2) / max(self.blocks, 1)

    @property
    def elapsed(self) -> float:
        """Seconds since the program began."""
        return self.before + self.clock() - self.began

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take; None before the first stage begins.

        What is behind tells how much faster or slower than reckoned this run is; the current stage's own blocks tell
        it of that stage. What little is behind at first tells less than what was reckoned.
        """
        if self.current is None:
            return None
        ahead = self.total - self.spent - self.cost(self.current) * (1 - self.share)
        return self.current_left + self.scale * (max(0.0, ahead) + self.after)

    @property
    def scale(self) -> float:
        """How many times as long as reckoned stages take in this run."""
        computed = self.spent - self.start
        if computed <= 0:
            return 1.0
        part = computed / max(self.total - self.start, 1e-9)
        took = max(0.0, self.clock() - self.computing_since - self.pause)
        return float((took / computed) ** (part / (part + self.trusted)))

    @property
    def current_left(self) -> float:
        """Seconds that the rest of the current stage will take."""
        assert self.current
        cost, part = self.cost(self.current), self.share - self.reused / max(self.blocks, 1)
        took = max(0.0, self.clock() - self.stage_began - self.stage_pause)
        rest = self.scale * cost * (1 - self.share)
        if part <= 0 or rest <= 0:
            return max(0.0, rest - took)
        weight = part / (part + self.trusted)
        return float(rest * (took / (cost * part * self.scale)) ** weight)


def duration(seconds: float) -> str:
    """A time for people: 8 s, 3:05 min, 2:10 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60}:{whole % 60:02} min" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02} h"
