"""The blocks of a stage handed to a pool, few in flight at any time, and what becomes of those that fail."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from imfuse_tiles.errors import BlockFailed, ImfuseError
from imfuse_tiles.execution.compute_block import compute_block
from imfuse_tiles.execution.pools import Pool
from imfuse_tiles.execution.program_digest import program_digest
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.planning.block_layout import BlockLayout
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.open_files import files_of

#: How many blocks of a stage may fail before the others are not tried any more.
MOST_FAILURES = 10
#: Errors of the machine or of the whole run, not of a block.
MACHINE_ERRORS = (ImfuseError, Damaged, OSError, MemoryError, BrokenExecutor)


def run_blocks(
    stage: Stage, cut: BlockLayout, blocks: Iterator[Block], pool: Pool, root: str, halt: Halt
) -> Iterator[dict[str, Any]]:
    """Journal lines of the blocks of a stage as they are finished.

    ``cut``: the layout that the blocks belong to, and how many of them the memory holds. ``root``: the place of the
    store. A block that fails keeps none of the others from being computed; an error of the machine does. Raises
    BlockFailed when all others are done.
    """
    flight = _Flight(
        stage,
        str(cut.layout.to_list()),
        blocks,
        pool,
        cut.at_once,
        root,
        "" if pool.in_process else program_digest(),
    )
    while True:
        if not (halt.number or flight.is_over):
            flight.fill()
        if not flight.pending:
            break
        finished, _ = wait(flight.pending, timeout=0.5, return_when=FIRST_COMPLETED)
        if halt.number or flight.is_over:
            flight.cancel()
        yield from flight.collect(finished)
    if flight.machine_error:
        raise flight.machine_error
    halt.check()
    if flight.failures:
        raise combine_failures(flight.failures)


@dataclass
class _Flight:
    """The blocks that are being computed, and the errors of those that were."""

    stage: Stage
    layout: str
    blocks: Iterator[Block]
    pool: Pool
    at_once: int
    root: str
    #: The program that blocks are computed with, for those who compute elsewhere.
    program: str
    pending: dict[Future[Any], Block] = field(default_factory=dict)
    failures: list[BlockFailed] = field(default_factory=list)
    machine_error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        return self.machine_error is not None or len(self.failures) >= MOST_FAILURES

    def fill(self) -> None:
        """Hand over as many blocks as may be in flight; the pool is asked each time, as workers come and go."""
        while len(self.pending) < self.pool.window(self.at_once) and (block := next(self.blocks, None)):
            job = self.stage.job.for_block(block)
            self.pending[
                self.pool.submit(
                    compute_block,
                    self.root,
                    job,
                    block,
                    self.layout,
                    self.program,
                    files_of(self.root).durable,
                    self.stage.computed_jobs,
                )
            ] = block

    def cancel(self) -> None:
        """Take back what has not begun."""
        for future in [future for future in self.pending if future.cancel()]:
            del self.pending[future]

    def collect(self, finished: set[Future[Any]]) -> Iterator[dict[str, Any]]:
        """The journal lines of finished blocks; errors are noted."""
        for future in finished & self.pending.keys():
            block = self.pending.pop(future)
            error = future.exception()
            if error is None:
                yield {"block": block.name, **future.result()}
            elif isinstance(error, MACHINE_ERRORS):
                self.machine_error = self.machine_error or error
            else:
                self.failures.append(describe_failure(self.stage, block, error))


def describe_failure(stage: Stage, block: Block, error: BaseException) -> BlockFailed:
    """What a failed block means to the run."""
    failed = BlockFailed(f"block {block.name} of stage {stage.name} failed: {type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed


def combine_failures(failures: list[BlockFailed]) -> BlockFailed:
    """One error for all blocks of a stage that failed: the first in full, of the others how many."""
    first, more = failures[0], len(failures) - 1
    if not more:
        return first
    rest = "the blocks behind them were not tried" if more + 1 >= MOST_FAILURES else "all others are done"
    combined = BlockFailed(f"{first}; {more} more failed like it, {rest}")
    combined.__cause__ = first.__cause__
    return combined
