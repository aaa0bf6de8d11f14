"""One block, computed in whatever process or machine."""

from __future__ import annotations

import threading
import time
from typing import Any

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution import allocator
from imfuse_tiles.stages.stage import Access, Block, Job
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.processes import describe_process
from imfuse_tiles.storage.store import Store


def compute(root: str, job: Job, block: Block) -> dict[str, Any]:
    """One block, in whatever process: its report with the bytes it read and wrote."""
    allocator.keep()
    if job.kind != "ingest":
        kernels.compiler.ready()
    access = Access(Store(root))
    began, clock = time.time(), time.perf_counter()
    try:
        report = job.compute(access, block)
    except Damaged as damage:
        if damage.chunk_index == () and not access.store.exists():
            raise Refusal(
                f"{describe_process()} does not see the store {root}; all workers must share its place"
            ) from None
        raise
    took = (f"{describe_process()}, thread {threading.get_ident()}", began, time.perf_counter() - clock)
    return {**report, "read": access.bytes_read, "written": access.bytes_written, "took": took}
