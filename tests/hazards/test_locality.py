"""Nothing listens to the network with threads, and a local cluster only to this machine."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest
from program import begin, finished


def listening(process: psutil.Process) -> set[str]:
    """Addresses on which a process and its children accept connections, read from the system's own tables."""
    found: set[str] = set()
    for each in (process, *process.children(recursive=True)):
        inodes = {
            link.removeprefix("socket:[").rstrip("]")
            for entry in Path(f"/proc/{each.pid}/fd").iterdir()
            if (link := target(entry)).startswith("socket:")
        }
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{each.pid}/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A" and words[9] in inodes:
                    found.add(words[1].partition(":")[0])
    return found


def target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


#: 127.0.0.1 as the kernel prints it.
HERE = "0100007F"


@pytest.mark.parametrize(
    ("scheduler", "allowed"), [("sync", set()), ("threads", set()), ("processes", set()), ("local", {HERE})]
)
def test_what_listens_while_a_run_goes_on(scheduler, allowed, undisturbed, place):
    words = undisturbed.words(place / "store", place / "r.tif", "--scheduler", scheduler, "--memory", "2G")
    process, found, looks = begin(*words), set(), 0
    tree = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            found |= listening(tree)
            looks += 1
        except (OSError, psutil.Error):
            continue  # a process ended between two looks
        time.sleep(0.02)
    assert finished(process).code == 0
    assert looks > 5
    assert found <= allowed
    assert bool(found) == bool(allowed), "a local cluster is seen by this look"
    assert undisturbed.same(place / "r.tif")
