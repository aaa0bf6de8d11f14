"""JSON of anybody's making is taken for what it is, or for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from imfuse_tiles.storage.json_values import get_matching, matches

RIGHT: list[tuple[Any, Any]] = [
    (1, float), (-0.5, float), (10**200, float), (7, int), ("x", str), (True, bool), (None, None), ([], [int]),
    ([1, 2], [int]), ({"a": 1, "more": []}, {"a": int}), (None, (None, [float])), ([0.5], (None, [float])),
    ([[1], [2.5]], [[float]]), ({}, {}),
]  # fmt: skip
WRONG: list[tuple[Any, Any]] = [
    (True, float), (float("nan"), float), (float("inf"), float), (10**400, float), ("1", float), (None, float),
    (1.0, int), (True, int), (2**63, int), (1, bool), (1, str), ([1, "x"], [int]), ({"a": 1}, [int]), ([], {}),
    ({}, {"a": int}), ({"a": "x"}, {"a": int}), (0, None), ("x", (None, [float])), ([[1], 2], [[float]]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "pattern"), RIGHT, ids=str)
def test_a_value_of_its_kind_matches(value: Any, pattern: Any) -> None:
    assert matches(value, pattern)


@pytest.mark.parametrize(("value", "pattern"), WRONG, ids=str)
def test_any_other_does_not(value: Any, pattern: Any) -> None:
    assert not matches(value, pattern)
    assert get_matching({"name": value}, pattern, "default", "name") == "default"


def test_what_is_missing_gives_the_default() -> None:
    assert get_matching(None, {}, {}, "stages") == {}
    assert get_matching({"a": {"b": 3}}, int, 0, "a", "b") == 3
    assert get_matching({"a": []}, int, 0, "a", "b") == 0
