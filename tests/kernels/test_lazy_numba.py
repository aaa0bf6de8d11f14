"""Where Numba's private places are not what they were, it loads what it wants, and kernels compute as ever."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from imfuse_tiles.kernels import lazy_numba

KERNEL = """
import numpy as np
from imfuse_tiles.kernels import gaussian
taps = gaussian.blur_taps(1)
made = gaussian.separable(np.arange(400, dtype=np.float32).reshape(20, 20), taps, taps)
print(float(made.sum()))
"""

CHANGES = {
    "a function of other arguments": (
        "from numba.core import environment\n"
        "rebuild = environment._rebuild_env\n"
        "environment._rebuild_env = lambda *what, more=None: rebuild(*what)\n"
        "environment._rebuild_env.__module__ = rebuild.__module__\n"
        "environment._rebuild_env.__qualname__ = rebuild.__qualname__"
    ),
    "constants kept in another form": (
        "from imfuse_tiles.kernels import lazy_numba\n"
        "def other(*what): raise AttributeError('consts')\n"
        "lazy_numba._constants_of = other"
    ),
    "types told in another way": (
        "from numba.core.typing import typeof\n"
        "whole = typeof.typeof_impl\n"
        "class Other:\n"
        "    def __call__(self, *what): return whole(*what)\n"
        "typeof.typeof_impl = Other()"
    ),
}


def said(program: str) -> str:
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def usual() -> str:
    return said(KERNEL)


@pytest.mark.parametrize("change", CHANGES)
def test_the_insides_of_another_numba_change_nothing(change: str, usual: str) -> None:
    assert said(f"{CHANGES[change]}\n{KERNEL}") == usual


def test_a_numba_without_these_places_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba.core
    from numba.core.typing import typeof

    monkeypatch.setattr(numba.core, "environment", SimpleNamespace())
    monkeypatch.setattr(typeof, "typeof_impl", None)
    lazy_numba.defer_imports()
    assert vars(numba.core.environment) == {}


def test_arrays_that_numba_does_not_know_are_refused_in_its_own_words() -> None:
    program = (
        "import numpy as np\n"
        "from imfuse_tiles.kernels import compiler\n"
        "compiler.ready()\n"
        "from numba import typeof\n"
        "print(typeof(np.ones(6, np.float32)[::2]), typeof(np.ones((2, 2), np.int16)))\n"
        "try: typeof(np.array(['a'], np.dtypes.StringDType()))\n"
        "except Exception as error: print(error)"
    )
    assert said(program).splitlines() == [
        "array(float32, 1d, A) array(int16, 2d, C)", "Unsupported array dtype: StringDType()",
    ]  # fmt: skip
