"""What tests share: no store outside temporary folders, where the original's pictures are, which tests are quick."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from multiprocessing.util import get_temp_dir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# Thousands of tests are a heap that the search for cycles would walk through again and again: not at all while they
# are collected, and never again what was there then. It was a quarter of collecting and a tenth of the tests.
gc.disable()

if TYPE_CHECKING:
    from imfuse_tiles.storage.store import Store

settings.register_profile("thorough", deadline=None, max_examples=60)
settings.register_profile("quick", deadline=None, max_examples=8)
settings.load_profile("thorough")

#: Folders of tests that run the whole program, or long; of these none is quick.
SLOW_FOLDERS = {"benchmarks", "cluster", "hazards", "packaging"}
#: What the module of a test has when it starts processes, which takes a second and more.
STARTS_PROCESSES = ("subprocess", "multiprocessing", "run", "begin", "Processes", "LocalCluster")
#: How many parameter sets of a test function are quick.
QUICK_PARAMETERS = 1
#: Processes that tests are spread over at most; each takes 300 MB and more.
MOST_PROCESSES = 8


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For ``-n auto``: a process for each core, none where only files or tests are named, which start faster so."""
    if config.args and not any(Path(name).is_dir() for name in config.args):
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES) if cores > 1 else 0


def pytest_configure(config: pytest.Config) -> None:
    # A shell that begins the tests in the background has them, and so all that they start, ignore Ctrl-C.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.option.markexpr.strip() == "quick":
        settings.load_profile("quick")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as quick the first parameter sets of every function that computes in this process, on its own pictures."""
    seen: dict[tuple[Path, str], int] = defaultdict(int)
    for item in items:
        function = (item.path, getattr(item, "originalname", item.name))
        seen[function] += 1
        if seen[function] <= QUICK_PARAMETERS and _is_quick(item):
            item.add_marker(pytest.mark.quick)


def _is_quick(item: pytest.Item) -> bool:
    if SLOW_FOLDERS & set(item.path.parts) or "shared" in getattr(item, "fixturenames", ()):
        return False
    module = getattr(item, "module", None)
    return not any(_from_program(module, name) for name in STARTS_PROCESSES) and not item.get_closest_marker("slow")


def _from_program(module: object, name: str) -> bool:
    """Whether a module of tests has imported a name to start processes with."""
    value = getattr(module, name, None)
    return value is not None and (name in ("subprocess", "multiprocessing") or value.__module__ == "program")


@pytest.fixture(autouse=True, scope="session")
def _no_leftovers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What killed processes leave in the folder of temporary files goes with the tests: theirs is another.

    Its name is short, as that of a socket in it may be.
    """
    tmp_path_factory.getbasetemp()  # which stays where it was
    get_temp_dir()  # so does the folder of this process's sockets, which it removes by itself
    folder = tempfile.mkdtemp(prefix="it-")
    os.environ["TMPDIR"], tempfile.tempdir = folder, None
    yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def _no_store_at_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stores that are given no place go to a temporary folder."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of pictures made by the original, beside the project or where IMFUSE_SHARED says."""
    folder = Path(os.environ.get("IMFUSE_SHARED") or Path(__file__).parents[1] / "../shared").resolve()
    if not (folder / "oracle" / "manifest.json").is_file():
        pytest.skip(f"the original's pictures are not at {folder}; IMFUSE_SHARED may name their folder")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that is not there yet."""
    from imfuse_tiles.storage.store import Store

    return Store(str(tmp_path / "store"))
