"""Freed memory is kept for the next block."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imfuse_tiles.execution import allocator

#: Modules without a test file of their own name.
TESTED_MODULES = ("execution.forkserver_preload",)

FAULTS = """
import resource
import numpy as np
from imfuse_tiles.execution import allocator
allocator.keep_freed_memory()
def block():
    return np.ones((1024, 1024), np.float32).sum()
block()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        block()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(min(faults() for _ in range(5)))  # the system may take pages of code away meanwhile
"""


@pytest.mark.skipif(allocator._glibc() is None, reason="only glibc is told")
def test_a_block_after_the_first_gets_no_new_pages() -> None:
    said = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 50, "of 51,200"


def test_keeping_twice_does_no_harm() -> None:
    allocator.keep_freed_memory()
    allocator.keep_freed_memory()


HEAP = """
import re
import resource
import sys
from imfuse_tiles.execution import allocator
if sys.argv[1:]:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), resource.RLIM_INFINITY))
allocator.keep_freed_memory()
parts = [bytearray(3 << 20) for _ in range(30)]
maps = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", open("/proc/self/smaps").read(), flags=re.MULTILINE)
heap = [part for part in maps if "[heap]" in part]
print(sum(int(re.search(r"Size: *(\\d+)", part)[1]) for part in heap) >> 10)
print(sum(int(re.search(r"Rss: *(\\d+)", part)[1]) for part in heap) >> 10)
print(any(" hg" in re.search("VmFlags.*", part)[0] for part in heap))
"""


def heap(*limit: str) -> list[str]:
    """MiB of addresses and of memory of a heap that holds 90 MiB, and whether it is told to lie in large pages."""
    made = subprocess.run([sys.executable, "-c", HEAP, *limit], capture_output=True, text=True, check=True)
    return made.stdout.split()


@pytest.mark.skipif(
    allocator._glibc() is None
    or not Path("/sys/kernel/mm/transparent_hugepage/enabled").exists()
    or not allocator._has_addresses(),
    reason="there are no large pages, or addresses are counted",
)
def test_the_heap_lies_in_large_pages_and_takes_no_memory_before_it_is_used() -> None:
    addresses, memory, large = heap()
    assert large == "True"
    assert int(addresses) >= 1024
    assert 90 <= int(memory) < 120


@pytest.mark.skipif(allocator._glibc() is None or not Path("/proc/self/smaps").exists(), reason="only glibc is told")
def test_where_addresses_are_limited_none_are_reserved() -> None:
    addresses, _, large = heap(str(1 << 30))
    assert large == "False"
    assert int(addresses) < 256


RETURNED = """
import threading
import numpy as np
from imfuse_tiles.execution import allocator
allocator.return_freed_memory()
def block():
    for size in range(1, 40):
        np.ones(size << 18, np.uint8).sum()
        np.ones((size, 1 << 20), np.uint8).sum()
threads = [threading.Thread(target=block) for _ in range(8)]
def kilobytes():
    return int(open("/proc/self/status").read().split("RssAnon:")[1].split()[0])
before = kilobytes()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(kilobytes() - before)
"""


@pytest.mark.skipif(allocator._glibc() is None, reason="only glibc is told")
def test_what_threads_freed_is_given_back() -> None:
    said = subprocess.run([sys.executable, "-c", RETURNED], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 8 << 10
