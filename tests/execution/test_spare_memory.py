"""Memory of masks that is there already: it fits masks of both kinds, and never more of it is kept than may be."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.execution.spare_memory import SpareMemory

FRAME = (5, 6)
WIDE, NARROW = np.dtype(np.float32), np.dtype(np.uint16)


def spare(count: int) -> SpareMemory:
    memory = SpareMemory()
    memory.give(np.empty(FRAME, np.float32) for _ in range(count))
    return memory


def test_one_wide_mask_gives_way_to_two_narrow_ones_that_do_not_overlap() -> None:
    memory = spare(1)
    one = memory.take(FRAME, NARROW, most=1000)
    other = memory.take(FRAME, NARROW, [one], most=1000)
    one[:], other[:] = 1, 2
    assert one.max() == 1
    assert one.base is other.base
    assert not memory


def test_both_halves_are_one_wide_mask_again() -> None:
    memory = spare(1)
    (owner,) = memory
    halves = [memory.take(FRAME, NARROW, most=60) for _ in range(2)]
    memory.give(halves)
    assert len(memory) == 2
    wide = memory.take(FRAME, WIDE, most=60)
    assert wide.ctypes.data == owner.ctypes.data
    assert wide.shape == FRAME
    assert wide.dtype == WIDE


def test_a_wide_mask_that_is_given_back_is_taken_before_there_is_more_memory() -> None:
    memory = spare(0)
    one = memory.take(FRAME, WIDE, most=1000)
    memory.give([one])
    assert np.shares_memory(memory.take(FRAME, WIDE, most=1000), one)
    assert not memory


def test_halves_that_will_be_free_together_are_of_one_array_as_long_as_there_is_room() -> None:
    memory = spare(1)
    one, other = memory.take(FRAME, NARROW, most=1000), memory.take(FRAME, NARROW, most=1000)
    assert one.base is not other.base
    for half in (one, other):
        assert memory.take(FRAME, NARROW, [half], most=1000).base is half.base
    assert not memory


def test_masks_of_another_frame_and_more_than_may_be_kept_are_given_back() -> None:
    memory = spare(4)
    memory.take(FRAME, WIDE, most=250)
    assert memory.bytes == 240
    assert memory.take((4, 4), WIDE).shape == (4, 4)
    assert not memory
