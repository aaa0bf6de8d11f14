"""What a run tells of itself while it goes on, and of its stages in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from imfuse_tiles.stages.stage import Stage


@dataclass
class StageReport:
    """What became of a stage."""

    name: str
    key: str
    kind: str
    halo: int
    blocks: int = 0
    computed: int = 0
    reused: int = 0
    seconds: float = 0.0
    #: Seconds that workers were at its blocks, all together.
    busy: float = 0.0
    bytes_read: int = 0
    bytes_written: int = 0
    #: Of the busy seconds those in which kernels were compiled, chunks were read and chunks were written.
    compiling: float = 0.0
    reading: float = 0.0
    writing: float = 0.0
    #: Seconds that workers computed besides: however busy others kept the machine.
    computing: float = 0.0

    def add(self, timing: BlockTiming) -> None:
        """Count a block that was computed."""
        self.computed += 1
        self.busy += timing.seconds
        self.bytes_read += timing.bytes_read
        self.bytes_written += timing.bytes_written
        self.compiling += timing.compiled
        self.reading += timing.reading
        self.writing += timing.writing
        self.computing += timing.computing


class BlockTiming(NamedTuple):
    """Where and when a block was computed: ``worker`` is a thread of a process of a machine, ``began`` in seconds
    since 1970 by the worker's clock; ``compiled``, ``reading`` and ``writing``: seconds of these that went by until its
    kernels were compiled, and while chunks were read and written; ``computing``: seconds of a core besides."""

    block: str
    worker: str
    began: float
    seconds: float
    bytes_read: int
    bytes_written: int
    compiled: float = 0.0
    reading: float = 0.0
    writing: float = 0.0
    computing: float = 0.0


class Progress:
    """Told how a run goes on; this one says nothing."""

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        """A stage begins, with so many blocks of which so many are done."""

    def block(self, stage: Stage) -> None:
        """A block was finished."""

    def took(self, stage: Stage, took: BlockTiming) -> None:
        """What the block cost that was just finished."""

    def waits(self, what: str) -> None:
        """What another part of the run owes is waited for."""

    def finished(self, stage: Stage) -> None:
        """A stage is complete."""


class ProgressGroup(Progress):
    """Tells several."""

    def __init__(self, *each: Progress) -> None:
        self.each = each

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        for progress in self.each:
            progress.stage(stage, blocks, reused)

    def block(self, stage: Stage) -> None:
        for progress in self.each:
            progress.block(stage)

    def took(self, stage: Stage, took: BlockTiming) -> None:
        for progress in self.each:
            progress.took(stage, took)

    def waits(self, what: str) -> None:
        for progress in self.each:
            progress.waits(what)

    def finished(self, stage: Stage) -> None:
        for progress in self.each:
            progress.finished(stage)
