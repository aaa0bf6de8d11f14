"""Frozen values behave as those of dataclass(frozen=True) do."""

from __future__ import annotations

import pickle
from copy import deepcopy
from dataclasses import KW_ONLY, FrozenInstanceError, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import pytest

from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.resources import Cluster


@frozen
class Point:
    """A place."""

    kind: ClassVar[str] = "point"

    x: int
    y: int = 2
    seen: list[int] = field(default_factory=list, compare=False)

    @cached_property
    def doubled(self) -> int:
        return 2 * self.x


@frozen
class Named(Point):
    """A place that has a name, and a text of its own."""

    _: KW_ONLY
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Model:
    """What dataclass makes of the same fields."""

    x: int
    y: int = 2
    seen: list[int] = field(default_factory=list, compare=False)


def test_fields_are_given_by_place_or_name_and_have_defaults() -> None:
    assert (Point(1).x, Point(1).y, Point(1, 3).y, Point(y=4, x=1).y) == (1, 2, 3, 4)
    assert Point(1).seen == []
    assert Point(1).seen is not Point(1).seen
    assert Named(1, name="a").name == "a"
    assert [each.name for each in fields(Named)] == ["x", "y", "seen", "name"]


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, 2, [], 4), {}), ((1,), {"x": 1}), ((1,), {"z": 3}), ((1,), {"kind": "line"})],
)
def test_what_dataclass_refuses_is_refused(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Model, Point):
        with pytest.raises(TypeError):
            kind(*values, **named)


def test_a_value_given_by_name_only_is_not_taken_by_its_place() -> None:
    with pytest.raises(TypeError, match="takes 3 values by their place, not 4"):
        Named(1, 2, [], "a")  # type: ignore[misc]


def test_values_are_equal_if_their_fields_and_kinds_are() -> None:
    assert Point(1) == Point(1, 2, [5])
    assert hash(Point(1)) == hash(Point(1, 2, [5]))
    assert Point(1) != Point(2)
    assert Point(1) != Model(1)
    assert Named(1, name="a") != Point(1)
    assert len({Point(1), Point(1), Point(2)}) == 2


def test_a_field_that_is_compared_may_be_left_out_of_the_hash() -> None:
    assert hash(Cluster(settings={"queue": "long"})) == hash(Cluster())
    assert Cluster(settings={"queue": "long"}) != Cluster()


def test_nothing_of_a_value_can_be_changed() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match=r"Point\.x cannot be changed"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert point.x == 1


def test_a_value_is_copied_with_changes_and_taken_to_other_processes() -> None:
    point = Named(1, name="a")
    assert point.doubled == 2
    assert replace(point, x=5) == Named(5, name="a")
    assert replace(point, x=5).doubled == 10
    assert pickle.loads(pickle.dumps(point)) == point == deepcopy(point)


def test_its_text_is_that_of_a_dataclass_unless_it_has_its_own() -> None:
    assert repr(Point(1)) == repr(Model(1)).replace("Model", "Point")
    assert str(Named(1, name="a")) == "a"
    assert repr(Named(1, name="a")) == "Named(x=1, y=2, seen=[], name='a')"


@frozen
class Even:
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError(f"{self.number} is odd")


def test_a_value_is_checked_when_it_is_created_and_when_it_is_replaced() -> None:
    assert replace(Even(2), number=4) == Even(4)
    with pytest.raises(ValueError, match="3 is odd"):
        Even(3)
    with pytest.raises(ValueError, match="5 is odd"):
        replace(Even(2), number=5)
