"""The words of the fusion by local energy, and its levels."""

from __future__ import annotations

import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.focus_pyramid import FocusPyramid, level_count


def test_words_are_read_and_shown() -> None:
    assert str(FocusPyramid.read("--bg", "pyramid,noise=0.50%,overshoot=10")) == "pyramid:noise=0.5:overshoot=10"
    assert FocusPyramid.read("--bg", str(FocusPyramid(noise=1.5))) == FocusPyramid(noise=1.5)
    assert str(FocusPyramid()) == "pyramid"
    assert str(FocusPyramid.read("--bg", "pyramid,noise=1,unordered")) == "pyramid:unordered:noise=1"


@pytest.mark.parametrize("words", ["pyramid,sharp", "pyramid,noise=101", "pyramid,noise", "pyramid,levels=3"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(Refusal, match=words.split(",")[1]):
        FocusPyramid.read("--bg", words)


def test_levels_leave_eight_to_fifteen_pixels() -> None:
    assert [level_count((side, 50000)) for side in (1, 15, 16, 63, 64, 2000, 32768)] == [2, 2, 2, 2, 3, 7, 12]
