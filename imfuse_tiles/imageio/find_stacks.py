"""Stacks in folders: one in each, or grouped by names or by gaps in the time when pictures were taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.group_images import group_by_name, group_by_time
from imfuse_tiles.imageio.image_files import find_images, is_image, what_is_there
from imfuse_tiles.imageio.reading.detect import NOTHING_CHOSEN, read_headers, series_in, unread_kind
from imfuse_tiles.imageio.reading.header import listing, shown
from imfuse_tiles.imageio.reading.order import natural_order
from imfuse_tiles.imageio.reading.own_results import is_own_result, is_own_store, own_kind
from imfuse_tiles.imageio.reading.series import Selection, stacks_of
from imfuse_tiles.imageio.reading.zarr_metadata import is_zarr

#: How the images of a folder are put together to stacks.
GROUPS = ("folder", "name", "time", "file")
_MOST_FOLDERS = 100_000


@frozen
class FoundStack:
    """A stack of a batch. ``name``: what its result is called; ``selection``: which stack of its only file it is."""

    name: str
    images: tuple[Path, ...]
    selection: Selection = NOTHING_CHOSEN
    #: Whether its depth is that of the other channels, too.
    tells_depth: bool = False

    @property
    def scene(self) -> tuple[tuple[Path, ...], str, str]:
        """What the channels of a stack have in common: their file, series and time."""
        return self.images, self.selection.series, self.selection.time

    def state(self) -> tuple[tuple[str, int, int], ...]:
        """Names, sizes and times of the files, by which is seen that they change."""
        return tuple(_state(path) for path in self.images)

    def changed_at(self) -> float:
        """When a file of the stack was last changed, in seconds of the clock."""
        return max(state[2] for state in self.state()) / 1e9


def find_stacks(
    parents: Sequence[str | Path], group: str = "folder", gap: float = 20.0, leave_out: Path | None = None,
    notices: list[str] | None = None,
) -> list[FoundStack]:  # fmt: skip
    """The stacks of folders and of the folders in them, and of files that hold several pictures.

    ``group``: one of GROUPS; ``gap``: seconds between two stacks that are told apart by time; ``leave_out``: a folder
    that holds results; ``notices``: gets one for each folder with pictures that are not read. Names are those of
    folders below their parent, of groups, of files. Raises Refusal for a parent that is not there, and where nothing is
    found.
    """
    if group not in GROUPS:
        raise Refusal(f"--group {group}: allowed are {', '.join(GROUPS)}")
    stacks: list[FoundStack] = []
    for parent in map(Path, parents):
        if not parent.exists():
            raise Refusal(f"{parent}: no such file or folder")
        if parent.is_dir() and not is_zarr(parent):
            for folder in _folders(parent, leave_out):
                stacks += _in_folder(parent, folder, group, gap, [] if notices is None else notices)
        else:
            stacks += _in_file(parent, parent.stem.removesuffix(".ome"))
    if not stacks:
        raise Refusal(f"{', '.join(map(str, parents))}: no stacks there{_other_files(parents, leave_out)}")
    return _with_names_of_their_own(stacks)


def _other_files(parents: Sequence[str | Path], leave_out: Path | None) -> str:
    """What lies in folders without stacks, where none of it is an image."""
    folders = [folder for parent in parents for folder in _folders(Path(parent), leave_out)]
    files = [path for folder in folders for path in folder.iterdir() if path.is_file()]
    return f": {what_is_there(files)}" if files and not any(map(is_image, files)) else ""


def _folders(parent: Path, leave_out: Path | None) -> list[Path]:
    """A folder and all below it, in order; no hidden ones, no Zarr folders, no links."""
    found: list[Path] = []
    waiting = [parent]
    while waiting and len(found) < _MOST_FOLDERS:
        folder = waiting.pop(0)
        if leave_out is not None and folder.exists() and leave_out.exists() and folder.samefile(leave_out):
            continue
        found.append(folder)
        below = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
        waiting[:0] = [path for path in natural_order(below) if path.name[0] != "." and not is_zarr(path)]
    return found


def _in_folder(parent: Path, folder: Path, group: str, gap: float, notices: list[str]) -> list[FoundStack]:
    """The stacks of the images right in a folder."""
    zarr = [path for path in folder.iterdir() if path.is_dir() and is_zarr(path) and path.name[0] != "."]
    zarr = [path for path in zarr if not is_own_store(path) and not is_own_result(path)]
    images = natural_order([path for path in _images_in(folder, notices) if not own_kind(path)])
    below = "_".join(folder.relative_to(parent).parts)
    stacks = [stack for path in natural_order(zarr) for stack in _in_file(path, _joined(below, path.stem))]
    if not images:
        return stacks
    if group == "file" or (group == "folder" and _holds_several(images[0])):
        return stacks + [stack for path in images for stack in _in_file(path, _joined(below, path.stem))]
    if group == "folder":
        return [*stacks, FoundStack(below or folder.resolve().name, tuple(images))]
    groups = group_by_name(images) if group == "name" else group_by_time(images, gap)
    return stacks + [FoundStack(_joined(below, name), tuple(paths)) for name, paths in groups]


def _images_in(folder: Path, notices: list[str]) -> Sequence[Path]:
    """The images right in a folder; a notice tells of pictures beside them, or instead of them, that are not read."""
    files = [path for path in folder.iterdir() if path.is_file()]
    try:
        images = find_images([folder], []).paths if files else ()
    except Refusal:
        images = ()  # nothing but files of other kinds
    others = natural_order([path for path in set(files).difference(images) if path.name[0] != "."])
    unread = {path: kind for path in others if (kind := unread_kind(path))}
    if unread:
        names, kinds = listing([shown(Path(path.name)) for path in unread]), listing(sorted(set(unread.values())))
        notices.append(f"{shown(folder)}: left out: {names}: {kinds} is not read; convert to TIFF")
    return images


def _in_file(path: Path, name: str) -> list[FoundStack]:
    """The stacks of a file: of every series, time and channel."""
    name = name.removesuffix(".ome")
    stacks = []
    for selection in stacks_of(series_in(path)) if _is_readable(path) else [NOTHING_CHOSEN]:
        words = (("series", selection.series), ("time", selection.time), ("channel", selection.channel))
        suffix = "".join(f"_{word}{number}" for word, number in words if number)
        stacks.append(FoundStack(name + suffix, (path,), selection))
    return stacks or [FoundStack(name, (path,))]


def _is_readable(path: Path) -> bool:
    """Whether what a file holds can be told; if not, its stack is refused when its turn comes."""
    try:
        series_in(path)
    except Refusal:
        return False
    return True


def _holds_several(path: Path) -> bool:
    """Whether a file holds more than one picture."""
    try:
        if any(math.prod(series.shape) > 1 for series in series_in(path)):
            return True
        return len(read_headers(path, "any")[0]) > 1
    except Refusal:
        return False


def _with_names_of_their_own(stacks: Sequence[FoundStack]) -> list[FoundStack]:
    """The stacks, those of the same name told apart by numbers."""
    seen: dict[str, int] = {}
    named = []
    for stack in stacks:
        seen[stack.name] = seen.get(stack.name, 0) + 1
        number = seen[stack.name]
        named.append(stack if number == 1 else replace(stack, name=f"{stack.name}_{number}"))
    return named


def _joined(below: str, name: str) -> str:
    return f"{below}_{name}" if below else name


def _state(path: Path) -> tuple[str, int, int]:
    """Name, size and latest time of a file, or of all files in a folder together."""
    files = [path] if not path.is_dir() else [file for file in path.rglob("*") if file.is_file()]
    found = [file.stat() for file in files if file.exists()]
    return str(path), sum(status.st_size for status in found), max((status.st_mtime_ns for status in found), default=0)
