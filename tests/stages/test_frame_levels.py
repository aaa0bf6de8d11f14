"""Jumps and drifts of exposure and white balance, and bits that no frame uses."""

from __future__ import annotations

import numpy as np
import pytest
from stacks import frames, recipe_of, run, stack_of

from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.frame_levels import STEP, FrameLevels, level_notices, stack_levels
from imfuse_tiles.storage.store import Store

NAMES = ["a", "b", "c", "d"]


def notices(*gains: float, tint: float = 1.0, high: float = 65535) -> list[str]:
    """The notices for frames of such gains, the last of them with another red."""
    means = [[1000 * gain, 2000 * gain, 1500 * gain] for gain in gains]
    means[-1][0] *= tint
    return level_notices({"means": means, "high": high}, NAMES[: len(gains)])


def test_an_even_stack_needs_no_word() -> None:
    assert notices(1, 1.01, 1.02, 1.03) == notices(1) == level_notices({}, NAMES) == []


def test_jumps_and_drifts_are_told_with_the_frames() -> None:
    assert notices(1, 1, 1.5, 1.5) == [
        "brightness differs by 50 % between frames, most from b to c: the result may be patchy"
    ]
    assert notices(1, 1.045, 1.09, 1.135) == ["brightness drifts by 14 % between frames: the result may be uneven"]
    assert "white balance differs by" in notices(1, 1, 1, tint=1.2)[-1]


def test_a_black_frame_is_told_without_a_figure() -> None:
    assert notices(1, 0, 1)[0] == (
        "brightness differs more than tenfold between frames, most from a to b: the result may be patchy"
    )


@pytest.mark.parametrize(("high", "bits"), [(4095, 12), (4000, 12), (1023, 10), (16383, 14)])
def test_unused_bits_are_told(high: float, bits: int) -> None:
    assert notices(1, 1, high=high) == [
        f"the brightest sample is {high} of 65535, as in frames of {bits} bits; "
        f"--white={2**bits - 1} takes {2**bits - 1} as white"
    ]
    assert notices(1, 1, high=30000) == []


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_levels_do_not_depend_on_the_bands(dtype: str) -> None:
    rows = frames(1, dtype=dtype, shape=(53, 41))[0]
    reports = []
    for step in (53, 7, 1):
        levels = FrameLevels(2)
        for y0 in range(0, 53, step):
            levels.add(rows[:, y0 : y0 + step], y0)
        reports.append(levels.report())
    means = [stack_levels([report])["means"][0] for report in reports]
    assert np.allclose(means, rows[:, ::STEP, ::STEP].mean(axis=(1, 2), dtype=np.float64))


def test_a_run_measures_its_frames(tmp_path) -> None:
    stack = frames(4)
    stack[2] //= 2
    plan, store = make_plan(recipe_of("--bg=mean"), stack_of(tmp_path / "in", stack)), Store(str(tmp_path / "store"))
    run(plan, store)
    numbers = store.numbers.load(plan.stages[0].key)
    assert numbers is not None
    assert len(numbers["means"]) == 4
    assert "brightness differs by " in level_notices(numbers, NAMES)[0]
