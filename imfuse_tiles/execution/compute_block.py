"""One block, computed in whatever process or machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution import allocator
from imfuse_tiles.execution.program_digest import check_program
from imfuse_tiles.stages.access import Access, RegionValues
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.storage.chunk_checksums import encode_checksums
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.processes import describe_process
from imfuse_tiles.storage.store import Store


def compute_block(
    root: str, job: Job, block: Block, layout: str = "", program: str = "", durable: bool = False,
    computed: Mapping[str, RegionValues] = MappingProxyType({}),
) -> dict[str, Any]:  # fmt: skip
    """One block, in whatever process: its report with the bytes it read and wrote and the checksums of its chunks.

    ``layout``: to which the block belongs. Refusal when its arrays have another one by now. ``program``: the digest
    of the program that the run is of, empty in its own process. Refusal when it is not that of this process.
    ``durable``: whether the disk has the block when this returns. ``computed``: what computes arrays that it reads
    and that are not stored, by their paths.
    """
    check_program(program)
    store = Store(root)
    store.files.durable |= durable
    allocator.keep_freed_memory()
    if job.kind != "read":
        kernels.compiler.ready()
    access = Access(store, layout, computed=dict(computed))
    began, clock, compiled = time.time(), time.perf_counter(), kernels.kernel_cache.compile_seconds()
    computing = time.thread_time()
    try:
        report = job.compute(access, block)
    except Damaged as damage:
        if damage.chunk_index == () and not access.store.exists():
            raise Refusal(
                f"{describe_process()} does not see the store {root}; all workers must share its place"
            ) from None
        raise
    compiled = kernels.kernel_cache.compile_seconds() - compiled
    computing = max(0.0, time.thread_time() - computing - compiled - access.seconds_storing)
    took = (f"{describe_process()}, thread {threading.get_ident()}", began, time.perf_counter() - clock, compiled,
            access.seconds_reading, access.seconds_writing, computing)  # fmt: skip
    crc = {path: encode_checksums(checksums) for path, checksums in access.checksums.items()}
    return {**report, "read": access.bytes_read, "written": access.bytes_written, "crc": crc, "took": took}
