"""Kernels load the compiler when they are called, not before."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from stacks import frames, written

from benchmarks.chains import CHAINS
from imfuse_tiles.kernels import compiler
from imfuse_tiles.kernels.compiler import njit

#: Modules without a test file of their own name.
TESTED_MODULES = ("lazy_numpy",)


def said(program: str, *words: str | Path, **environment: str) -> str:
    command = [sys.executable, "-c", program, *words]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
    return run.stdout.strip()


def test_declaring_and_planning_load_no_compiler() -> None:
    program = (
        "import sys, imfuse_tiles.options, imfuse_tiles.planning.plan\n"
        "from imfuse_tiles.kernels import blend, gaussian, montage, wavelet\n"
        "wavelet.levels_for(100, 100), gaussian.blur_radius(5)\n"
        "print('numba' in sys.modules)"
    )
    assert said(program) == "False"


def test_a_called_kernel_loads_it_without_what_it_only_tries() -> None:
    program = (
        "import sys, numpy as np\n"
        "from imfuse_tiles.kernels import gaussian\n"
        "taps = gaussian.blur_taps(1)\n"
        "gaussian.separable(np.ones((20, 20), np.float32), taps, taps)\n"
        "left_out = ('scipy', 'cffi', 'yaml', 'numpy.ma')\n"
        "print('numba' in sys.modules, [name for name in left_out if name in sys.modules])\n"
        "import scipy.ndimage"
    )
    assert said(program) == "True []"


@njit(cache=False, nogil=True)
def _twice(x):  # type: ignore[no-untyped-def]
    return _half(x) * 4


@njit(cache=False, nogil=True)
def _half(x):  # type: ignore[no-untyped-def]
    return x * 0.5


def test_kernels_that_call_each_other_may_be_called_first_by_many_threads() -> None:
    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.append(_twice(3.0))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [6.0] * 8


def test_other_threads_find_what_is_hidden_from_one() -> None:
    hidden = compiler._Hidden(["json"])
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(hidden.find_spec("json")))
    thread.start()
    thread.join()
    assert found == [None]


def test_a_compiled_kernel_shows_what_the_compiler_knows_of_it() -> None:
    assert _half(np.float32(2)) == 1
    assert _half.signatures


def test_kernels_that_are_kept_are_loaded_without_what_only_compiling_needs(tmp_path: Path) -> None:
    program = (
        "import sys, numpy as np\n"
        "from imfuse_tiles.kernels import level\n"
        "level.stretch_levels(np.ones((20, 20), np.float32), 0, 1, np.empty(0, np.float32))\n"
        "parts = ('numba.np.linalg', 'numba.np.arrayobj')\n"
        "print(*(name in sys.modules for name in parts))"
    )
    found = [said(program, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2)]
    assert found == ["True True", "False False"]
    # What is compiled beside kernels from disk, with functions of Numba's that these have too, is as good and is kept.
    more = program + (
        "\nfrom imfuse_tiles.kernels import montage\n"
        "image, picture = np.full((4, 2, 3), .5, np.float32), np.ones((4, 2, 3), np.float32)\n"
        "montage.fill(image, picture, 3)\n"
        "print(image[:, 0, 0], 'numba.np.linalg' in sys.modules)"
    )
    lines = [said(more, NUMBA_CACHE_DIR=str(tmp_path)).splitlines() for _ in range(2)]
    assert lines == [["False False", f"[0.75 0.75 0.75 1.  ] {compiled}"] for compiled in (True, False)]


@pytest.mark.parametrize("chain", CHAINS)
def test_no_kernel_of_a_whole_run_asks_for_more_once_it_is_kept(chain: str, tmp_path: Path) -> None:
    files = written(tmp_path / "in", frames(3, dtype="uint8", shape=(80, 70)))
    words = ["fuse", *CHAINS[chain].split(), "--quiet", "--force", "-o", tmp_path / "r.tif", "--store"]
    program = (
        "import sys\nfrom imfuse_tiles.cli.main import main\nmain(sys.argv[1:])\n"
        "print('numba.np.linalg' in sys.modules)"
    )
    for store in ("new", "other"):
        found = said(program, *words, tmp_path / store, *files).split("\n")
    assert found[-1] == "False"


@njit(cache=False, nogil=True, counted=False)
def _rows(plane):  # type: ignore[no-untyped-def]
    for y in range(plane.shape[0]):
        row = plane[y]
        for x in range(row.size):
            row[x] *= 2


def test_a_kernel_that_is_not_counted_counts_no_rows_and_may_make_none() -> None:
    plane = np.ones((2, 3))
    _rows(plane)
    assert plane.tolist() == [[2] * 3] * 2
    assert not any("NRT_incref" in code for code in _rows.inspect_llvm().values())
    with pytest.raises(Exception, match="NRT required"):
        njit(cache=False, counted=False)(lambda: np.empty(3))()
