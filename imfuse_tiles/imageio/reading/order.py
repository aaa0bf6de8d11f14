"""The order of a stack when the shell only gives names: by the numbers in them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

_NUMBER = re.compile(r"([0-9]+)")
#: A number with digits behind a point or comma, unless more numbers with points follow, as in dates and versions.
_DECIMAL = re.compile(r"(?<![0-9][.,])(?<![0-9])([0-9]+[.,][0-9]+)(?![0-9]|[.,][0-9])")
Key = tuple[str | Decimal, ...]
_MINUS = ("-", "\u2212")  # of the keyboard, and the sign of typesetting
_SIGNS = ("+", *_MINUS)
#: Numbers are missing where so many times as many steps of a counter are alike.
REGULAR = 3
#: Longer numbers are times and the like.
COUNTER_DIGITS = 5


def natural_order(paths: Iterable[str | Path]) -> list[Path]:
    """Paths sorted the way people count: img2 before img10, folder by folder, "img" before "img1".

    Runs of digits compare as numbers, with what stands behind a decimal point, and everything else as text in any
    case. A minus is a sign where it cannot be a separator: behind one, or where other names have none in its place.
    Names that only differ in leading zeros or case are ordered as text, so the result does not depend on the order
    given.

    >>> [path.name for path in natural_order(["z2.5.tif", "z-1.tif", "z10.tif", "z2.25.tif", "z.tif"])]
    ['z.tif', 'z-1.tif', 'z2.25.tif', 'z2.5.tif', 'z10.tif']
    """
    files = [Path(path) for path in paths]
    names = {part for path in files for part in (*path.parent.parts, _stem(path), _ending(path))}
    keys = _keys(names)

    def key(path: Path) -> tuple[object, ...]:
        folders = tuple(keys[part] for part in path.parent.parts)
        # The ending is compared after the stem: with "." in between, "img.tif" would come after "img1.tif".
        return folders, path.parent.parts, keys[_stem(path)], keys[_ending(path)], str(path)

    return sorted(files, key=key)


def _stem(path: Path) -> str:
    """The name without its ending, which is no ending if it is a number."""
    return path.name if path.suffix[1:].isdecimal() else path.stem


def _ending(path: Path) -> str:
    return "" if path.suffix[1:].isdecimal() else path.suffix


def _keys(names: Iterable[str]) -> dict[str, Key]:
    """What each of all names is sorted by: text at even places and numbers at odd ones, so that any two compare."""
    splits = {name: _split(name) for name in names}
    shapes: dict[str, list[list[str]]] = defaultdict(list)
    for parts in splits.values():
        shapes[_shape(parts)].append(parts)
    signed, counters = set(), set()
    for shape, group in shapes.items():
        for place in range(1, len(group[0]), 2):
            if len({_sign(parts, place) != "" for parts in group}) == 2:
                signed.add((shape, place))
            if _count_on([parts[place] for parts in group]):
                counters.add((shape, place))
    return {name: _key(parts, signed, counters) for name, parts in splits.items()}


def _split(name: str) -> list[str]:
    """Text at even places, numbers with their decimals at odd ones."""
    pieces = enumerate(_DECIMAL.split(name))
    return [part for place, piece in pieces for part in ([piece] if place % 2 else _NUMBER.split(piece))]


def _sign(parts: Sequence[str], place: int) -> str:
    """The sign before the number at a place, if there is one; between two numbers it separates them."""
    text = parts[place - 1]
    return text[-1] if text[-1:] in _SIGNS and (len(text) > 1 or place == 1) else ""


def _shape(parts: Sequence[str]) -> str:
    """The text of a name without its numbers and their signs."""
    texts = [parts[place - 1].removesuffix(_sign(parts, place)) for place in range(1, len(parts), 2)]
    return "\0".join([*texts, parts[-1]])


def _count_on(numbers: Sequence[str]) -> bool:
    """Whether 1.8, 1.9, 1.10 are a series and a counter, not decimals: one before the point, one after the other."""
    halves = {tuple(re.split("[.,]", number)) for number in numbers}
    if any(len(half) != 2 for half in halves) or len({half[0] for half in halves}) != 1:
        return False
    ends = [half[1] for half in halves]
    counts = sorted(map(int, ends))
    plain = all(len(end) == 1 or end[0] != "0" for end in ends)
    return plain and len(set(map(len, ends))) > 1 and counts == list(range(counts[0], counts[0] + len(counts)))


def _key(parts: Sequence[str], signed: Container[tuple[str, int]], counters: Container[tuple[str, int]]) -> Key:
    key: list[str | Decimal] = [parts[0].casefold()]
    shape = _shape(parts)
    for place in range(1, len(parts), 2):
        before, number, sign = parts[place - 1], parts[place].replace(",", "."), _sign(parts, place)
        # A sign follows a separator or nothing; behind a letter it is one if other names do without.
        is_sign = sign and ((shape, place) in signed or not before[-2:-1].isalnum())
        if is_sign:
            key[-1] = before[:-1].casefold()
        if (shape, place) in counters:
            series, count = number.split(".")
            key += [Decimal(series), ".", Decimal(count)]
        else:
            key.append(-Decimal(number) if is_sign and sign in _MINUS else Decimal(number))
        key.append(parts[place + 1].casefold())
    return tuple(key)


def rolled_over(paths: Sequence[Path]) -> int:
    """How many of the sorted paths a counter gave before it began again at 0 or 1 have to go last; 0 if it did not.

    9997, 9998, 9999, 0001, 0002 are sorted as 0001 0002 9997 9998 9999: 2 of them come after the others.
    """
    column = _only_numbers(paths)
    if len(set(map(len, column))) != 1 or len(column[0]) < 3:
        return 0
    numbers, end = list(map(int, column)), 10 ** len(column[0])
    gaps = [after - before for before, after in pairwise(numbers)]
    near = 2 * len(numbers)  # some frames may have been deleted
    if numbers[0] > near or numbers[-1] < end - 1 - near or max(gaps) < end // 2:
        return 0
    return gaps.index(max(gaps)) + 1


def skipped_after(paths: Sequence[Path]) -> list[int]:
    """Places in the sorted paths behind which a counter skips numbers although it nearly always goes by one step."""
    column = _only_numbers(paths)
    numbers = list(map(int, column)) if max(map(len, column), default=0) <= COUNTER_DIGITS else []
    gaps = [after - before for before, after in pairwise(numbers)]
    step = min(gaps, default=0)
    skips = [place for place, gap in enumerate(gaps) if gap > step]
    steady = step > 0 and all(gaps[place] % step == 0 for place in skips)
    return skips if steady and REGULAR * len(skips) <= len(gaps) - len(skips) else []


def _only_numbers(paths: Sequence[Path]) -> Sequence[str]:
    """The only numbers in which the names of files of one folder differ; none where they differ otherwise."""
    splits = [_NUMBER.split(path.name) for path in paths]
    if len({(path.parent, *split[::2]) for path, split in zip(paths, splits, strict=True)}) != 1:
        return ()
    columns = [column for column in list(zip(*splits, strict=True))[1::2] if len(set(column)) > 1]
    return columns[0] if len(columns) == 1 else ()
