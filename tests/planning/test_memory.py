"""Sizes of memory are read and shown, and the default is a share of what the machine has."""

from __future__ import annotations

import re

import psutil
import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.planning.memory import default_memory, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("1000000", 1000000), ("800M", 800 << 20), ("2G", 2 << 30), ("1.5GB", 3 << 29), ("2 GiB", 2 << 30), ("3k", 3072),
     ("1T", 1 << 40), ("1e9", 10**9)],
)  # fmt: skip
def test_a_size_may_be_given_in_many_ways(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "lots", "-1G", "0", "G", "nan", "inf", "1X", "1.2.3G", "1e400"])
def test_a_size_that_is_none_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Refusal, match=re.escape(f"--memory {text}: no size; allowed are such as 800M")):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1234, "1.23 kB"), (4.2e9, "4.2 GB"), (7e13, "70 TB")]
)
def test_a_size_is_shown_in_the_unit_that_fits(size: float, text: str) -> None:
    assert format_size(size) == text


def test_the_usual_memory_is_a_quarter_of_the_machine_s_and_at_most_4_gb() -> None:
    assert default_memory() == min(psutil.virtual_memory().total // 4, 4 << 30)
