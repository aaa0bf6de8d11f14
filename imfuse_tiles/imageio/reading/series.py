"""Files that hold more than one stack: series (positions, scenes), times and channels, and which of them is fused."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.header import refuse

#: Axes that are chosen from, with the words for one and several, and the option.
_CHOSEN = {"T": ("time", "times", "--time"), "C": ("channel", "channels", "--input-channel")}
#: Words for the axes of a stack in a frame's name.
_WORDS = {"T": "time", "C": "channel", "Z": "slice"}
_MOST_PICTURES = 1_000_000
#: The channel that stands for red, green and blue together.
RGB = "rgb"
#: Along C in an index: the first three channels together, or all of them, the last of which is opacity.
THREE_COLOURS, WITH_OPACITY = -1, -2
Index = tuple[int, ...]


@frozen
class Selection:
    """What of a file is fused: numbers from 1 or names, empty where nothing is said. ``level``: 0 is full size."""

    series: str = ""
    time: str = ""
    channel: str = ""
    level: int = 0

    def __bool__(self) -> bool:
        return self != Selection()


@frozen
class Series:
    """Pictures of one kind in a file. ``axes``: a letter for each axis but those of the picture, slowest first."""

    axes: str
    shape: tuple[int, ...]
    name: str = ""
    channels: tuple[str, ...] = ()
    #: Whether three or four channels are the colours of one picture, and what else is known of them.
    is_rgb: bool = False
    #: Whether the last of two channels or four is the opacity of the others.
    has_opacity: bool = False

    def count(self, axis: str) -> int:
        """The length of an axis; 1 if there is none of that name."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def is_one_picture(self) -> bool:
        """Whether the channels are one picture together."""
        return self.is_rgb or self.has_opacity

    @property
    def joined(self) -> str:
        """The name of channels that are one picture together."""
        return RGB if self.count("C") > 2 else self.channels[0]


@frozen
class ChosenFrames:
    """Frames of a stack in a file: number of the series from 0, and the index of each along the series' axes.

    An index along C may be THREE_COLOURS or WITH_OPACITY. ``parts``: names of the frames in their file.
    """

    series: int
    indices: tuple[Index, ...]
    parts: tuple[str, ...]
    note: str


def choose_frames(path: Path, series: Sequence[Series], selection: Selection) -> ChosenFrames:
    """The frames that a selection leaves, along one axis at most.

    That is Z, or whatever else is longer than 1; times are frames where nothing else is. Refusal, with the options
    that choose, for a file of more than that.
    """
    number = _number(path, selection.series, [one.name for one in series], "series", "series", "--series")
    one = series[number]
    if math.prod(one.shape) > _MOST_PICTURES or min(one.shape, default=1) < 1:
        raise refuse(path, f"tells of {' x '.join(map(str, one.shape))} pictures; allowed are {_MOST_PICTURES}")
    fixed = _fixed(path, one, selection)
    free = [axis for axis in one.axes if axis not in fixed and one.count(axis) > 1]
    if len(free) > 1:
        raise refuse(path, f"has several axes longer than one picture ({', '.join(free)}); save one stack for itself")
    ranges = [[fixed[axis]] if axis in fixed else range(one.count(axis)) for axis in one.axes]
    indices = tuple(product(*ranges))
    named = "".join(axis for axis in one.axes if one.count(axis) > 1)
    start = f"series {number + 1} " if len(series) > 1 else ""
    end = f" level {selection.level}" if selection.level else ""
    parts = tuple(start + _part(one, index, named) + end for index in indices)
    return ChosenFrames(number, indices, tuple(part.strip() for part in parts), _note(one, indices))


def _fixed(path: Path, series: Series, selection: Selection) -> dict[str, int]:
    """The index along each axis of which one place is fused."""
    fixed: dict[str, int] = {}
    stack = any(series.count(axis) > 1 for axis in series.axes if axis not in _CHOSEN)
    for axis, text, names in (("T", selection.time, ()), ("C", selection.channel, series.channels)):
        count, words = series.count(axis), _CHOSEN[axis]
        if axis == "C" and ((text.lower() == RGB and count in (3, 4)) or (not text and series.is_one_picture)):
            fixed[axis] = WITH_OPACITY if series.has_opacity else THREE_COLOURS
        elif text or (count > 1 and (axis == "C" or stack)):
            place = _number(path, text, list(names) or [""] * count, *words)
            fixed |= {axis: place} if axis in series.axes else {}
    return fixed


def number_of_channel(path: Path, text: str, series: Series) -> int:
    """The channel, from 0, that a number or a name means. Refusal where there is none."""
    names = list(series.channels) or [""] * series.count("C")
    return _number(path, text, names, "channel", "channels", "--mask-channel")


def _number(path: Path, text: str, names: Sequence[str], one: str, several: str, option: str) -> int:
    """Which of some things is meant, from 0. Refusal for none, and for several without a choice."""
    count, given = len(names), ", ".join(name for name in names[:8] if name) + (", ..." if len(names) > 8 else "")
    listing = f" ({given})" if given.strip(", .") else ""
    if not text:
        if count == 1:
            return 0
        raise refuse(path, f"holds {count} {several}{listing}; {option}=1 to {option}={count} chooses one, "
                           "imfuse-tiles batch fuses each")  # fmt: skip
    same = [number for number, name in enumerate(names) if name.casefold() == text.casefold()]
    if same:
        return same[0]
    if text.isdecimal() and 1 <= int(text) <= count:
        return int(text) - 1
    allowed = f"1 to {count}" if count > 1 else "1, it holds one"
    raise refuse(path, f"has no {one} {text}; {option} may be {allowed}{listing}")


def _part(series: Series, index: Index, named: str) -> str:
    """The name of a frame by its place along the axes ``named``."""
    words = []
    for axis, place in zip(series.axes, index, strict=True):
        if axis in named:
            words.append(f"{_WORDS.get(axis, axis)} {place + 1 if place >= 0 else series.joined}")
    return " ".join(words)


def _note(series: Series, indices: Sequence[Index]) -> str:
    """What the user is told of the frames taken; empty for a file of one picture."""
    if math.prod(series.shape) == 1:
        return ""
    several = [f", {series.count(axis)} {words[1]}" for axis, words in _CHOSEN.items() if series.count(axis) > 1]
    return f"{len(indices)} frames of its {math.prod(series.shape)} pictures" + "".join(several)


def stacks_of(series: Sequence[Series]) -> Iterator[Selection]:
    """A selection for every stack in a file: each channel of each time of each series."""
    for number, one in enumerate(series):
        chosen = Selection(series=str(number + 1)) if len(series) > 1 else Selection()
        stack = any(one.count(axis) > 1 for axis in one.axes if axis not in _CHOSEN)
        times = range(1, one.count("T") + 1) if one.count("T") > 1 and stack else [0]
        channels = range(1, one.count("C") + 1) if one.count("C") > 1 and not one.is_one_picture else [0]
        for time, channel in product(times, channels):
            yield replace(chosen, time=str(time or ""), channel=str(channel or ""))


def check_selection(selection: Selection) -> None:
    """Refuse a level below 0."""
    if selection.level < 0:
        raise Refusal(f"--input-level {selection.level}: allowed is a number from 0, which is full size")
