"""Cutting stages into blocks that fit the memory, and what a run will need of memory and disk."""

from __future__ import annotations

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import Resources, worker_location

#: What the program needs before it computes: Python and its libraries.
PROGRAM_BYTES = 300 << 20
#: Bytes for every pixel of a band while it is exported, and for each thread that packs it.
EXPORT_BYTES_PER_PIXEL, COMPRESSION_BYTES = 24, 8 << 20


def default_memory() -> int:
    """A quarter of the machine's memory, at most 4 GB, and no more than what the process may have at all."""
    import psutil

    return min(psutil.virtual_memory().total // 4, 4 << 30, address_space_limit() // 2)


def address_space_limit() -> int:
    """Bytes that this process may take by its own limit."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 1 << 62
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return soft if soft != resource.RLIM_INFINITY else 1 << 62


def export_rows(width: int, rows: int, memory: int, files: int = 1) -> int:
    """Rows of a result that are exported at a time: ``rows`` (those of a chunk) unless memory allows only fewer."""
    return max(1, min(rows, max(0, memory - PROGRAM_BYTES) // (2 * files * EXPORT_BYTES_PER_PIXEL * width)))


def export_memory(width: int, rows: int, resources: Resources) -> int:
    """Bytes that the export takes, of as many files at once as there are workers."""
    each = (
        export_rows(width, rows, resources.memory, resources.workers) * width * EXPORT_BYTES_PER_PIXEL
        + COMPRESSION_BYTES
    )
    return PROGRAM_BYTES + resources.workers * each


def parse_size(text: str, option: str = "--memory") -> int:
    """Bytes of a size such as 2G, 800M, 1.5GB, 1000000. Refusal when it is none, which names the option."""
    units = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    plain = text.strip().lower().removesuffix("b").removesuffix("i")
    unit = plain[-1:] if plain[-1:].isalpha() else ""
    try:
        size = int(float(plain.removesuffix(unit)) * units[unit])
    except (ValueError, KeyError, OverflowError):
        size = 0
    if size <= 0:
        raise Refusal(f"{option} {text}: no size; allowed are such as 800M, 2G, 1.5G")
    return size


def block_memory_limit(resources: Resources) -> int:
    """Bytes that one block may take, the same on every scheduler: whole frames that need more are split."""
    return resources.memory - PROGRAM_BYTES


def memory_limits(resources: Resources) -> tuple[int, int]:
    """Bytes that one block may take, and all blocks at once: each process needs some for itself."""
    where, workers = worker_location(resources.scheduler), resources.workers
    if where == "remote":
        each = block_memory_limit(resources) // resources.cluster.threads
        return each, each * workers
    space = block_memory_limit(resources) - (PROGRAM_BYTES * workers if where == "local" else 0)
    return space, space


def format_size(size: float) -> str:
    """A size for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
