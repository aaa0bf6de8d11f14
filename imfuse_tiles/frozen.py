"""Frozen values like those of ``dataclass(frozen=True)``, but declared in a tenth of the time.

``dataclass`` writes and compiles six methods for each class. Of options and jobs there are so many that this took a
tenth of a second of every start; here all classes share the methods. ``fields`` and ``replace`` work as usual. To
make a value takes longer, so that what is made by the thousand, like a window, is better off with ``dataclass``.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, fields
from typing import Any, NoReturn, TypeVar, dataclass_transform

Kind = TypeVar("Kind", bound=type[Any])


@dataclass_transform(frozen_default=True)
def frozen(kind: Kind) -> Kind:
    """Make a class one of values that are equal if their fields are, and cannot be changed."""
    dataclass(init=False, repr=False, eq=False)(kind)
    # Looked up once: values are keys of caches that are asked for every chunk.
    kind.__filled__ = items = fields(kind)
    kind.__compared__ = tuple(item.name for item in items if item.compare)
    kind.__hashed__ = tuple(item.name for item in items if (item.compare if item.hash is None else item.hash))
    for name in METHODS.keys() - vars(kind).keys():
        setattr(kind, name, METHODS[name])
    return kind


def _create(self: Any, *values: Any, **named: Any) -> None:
    """By place those that are not ``kw_only``, in their order; TypeError for what is wrong, as of any function."""
    kind: Any = type(self)
    if len(values) > len(kind.__match_args__):
        raise TypeError(f"{kind.__name__} takes {len(kind.__match_args__)} values by their place, not {len(values)}")
    given = dict(zip(kind.__match_args__, values, strict=False))
    if twice := given.keys() & named.keys():
        raise TypeError(f"{kind.__name__} takes {', '.join(sorted(twice))} once")
    given |= named
    own = vars(self)
    for item in kind.__filled__:
        own[item.name] = given.pop(item.name) if item.name in given else _default(kind, item)
    if given:
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(given))}")
    if check := getattr(kind, "__post_init__", None):
        check(self)


def _default(kind: type, item: Field[Any]) -> Any:
    if item.default is not MISSING:
        return item.default
    if item.default_factory is not MISSING:
        return item.default_factory()
    raise TypeError(f"{kind.__name__} needs {item.name}")


def _equal(self: Any, other: Any) -> bool:
    if type(self) is not type(other):
        return NotImplemented
    names = self.__compared__
    return self is other or tuple([getattr(self, name) for name in names]) == tuple(
        [getattr(other, name) for name in names]
    )


def _hash(self: Any) -> int:
    return hash(tuple([getattr(self, name) for name in self.__hashed__]))


def _text(self: Any) -> str:
    values = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in fields(self))
    return f"{type(self).__qualname__}({values})"


def _refuse(self: Any, name: str, value: Any = None) -> NoReturn:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")


METHODS = {
    "__init__": _create,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _text,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
}
