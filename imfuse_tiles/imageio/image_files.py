"""From words to image files: folders, patterns and lists, without what lies among frames and is none."""

from __future__ import annotations

import glob
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.notices import Hint
from imfuse_tiles.imageio.reading.detect import facts_and_format
from imfuse_tiles.imageio.reading.file_facts import file_facts
from imfuse_tiles.imageio.reading.header import listing, refuse, shown
from imfuse_tiles.imageio.reading.own_results import is_deep_zoom
from imfuse_tiles.imageio.reading.raw import RAW_ENDINGS
from imfuse_tiles.imageio.reading.zarr_metadata import is_zarr

_MOST_LISTED = 1 << 20  # bytes of a list of files
_THUMBNAIL = re.compile(r"(^|[._ -])(thumb(nail)?s?|tn|preview)([._ -]|$)", re.IGNORECASE)
#: How files begin that `align` and `prepare` keep beside the frames that they write.
_OWN_NOTES = ".imfuse-tiles"
#: Endings of images: such a file is a frame although its content is none, and refused for that.
IMAGE_ENDINGS = {
    ".tif", ".tiff", ".btf", ".png", ".jpg", ".jpeg", ".webp", ".jp2", ".j2k", ".jxl", ".heic", ".heif", ".hif", ".czi",
    ".nd2", ".lif", *RAW_ENDINGS,
}  # fmt: skip
#: Of files with one name the first of these is taken: what somebody developed, then raw files, then the others.
_BEST_FIRST = ((".tif", ".tiff"), (".png",), tuple(RAW_ENDINGS))


@frozen
class ImageFiles:
    """Files of a stack. ``found``: those that nobody named, which may be left out if they do not fit."""

    paths: tuple[Path, ...]
    found: frozenset[Path]


def find_images(names: Sequence[str | Path], notices: list[str]) -> ImageFiles:
    """The files that names mean: files, folders (the images in it), patterns such as ``*.tif``, lists (``@list.txt``).

    What exists is meant by its name, whatever is in it. Raises Refusal where there is nothing.
    """
    meant = [_meant(str(name)) for name in _without_deep_zoom(names, notices)]
    named = {path for files, search in meant if not search for path in files}
    found = dict.fromkeys(path for files, search in meant if search for path in files if path not in named)
    left = _without_junk(list(found), notices)
    if found and not left and not named:
        raise Refusal(f"{', '.join(map(str, names))}: {what_is_there(list(found))}")
    paths: list[Path] = []
    waiting = set(left)  # a file that two patterns match is one frame
    for files, search in meant:
        new = [path for path in files if path in waiting] if search else files
        paths += new
        waiting -= set(new)
    return ImageFiles(tuple(paths), frozenset(left))


def what_is_there(paths: Iterable[Path]) -> str:
    """That files are no images: how many there are by their endings, and why one of the most frequent is not read."""
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        if not path.name.startswith("."):
            kinds[path.suffix.lower() or "without an ending"].append(path)
    if not kinds:
        return "no images there, only hidden files"
    frequent = sorted(kinds, key=lambda kind: -len(kinds[kind]))
    counts = listing([f"{len(kinds[kind])} {kind}" for kind in frequent])
    try:
        facts_and_format(min(kinds[frequent[0]]))
    except Refusal as refusal:
        return f"no images there, only files of other kinds ({counts}); {refusal}"
    return f"no images there, only files of other kinds ({counts})"


def _without_deep_zoom(names: Sequence[str | Path], notices: list[str]) -> list[str | Path]:
    """The names without those of deep zoom pictures, which a pattern of the shell matches, unless all are."""
    out = [name for name in names if is_deep_zoom(Path(name))]
    if not out or len(out) == len(names):
        return list(names)
    notices.append(Hint(f"left out: {_listing(map(Path, out))}, deep zoom pictures"))
    return [name for name in names if name not in out]


def _meant(name: str) -> tuple[list[Path], bool]:
    """The files that a name means, and whether they were searched for."""
    if not name:
        raise Refusal("the name of an image is empty, as of a variable of the shell that is not set")
    path = Path(name)
    if os.path.lexists(name):
        return (_files_in(path), True) if path.is_dir() and not is_zarr(path) else ([path], False)
    if name.startswith("@"):
        return _listed(Path(name[1:])), False
    if glob.has_magic(name):
        matching = [Path(match) for match in glob.glob(name, recursive=True)]
        matching = [match for match in matching if not match.is_dir() or is_zarr(match)]
        if not matching:
            raise Refusal(f"{shown(path)}: no such file, and none that it matches as a pattern")
        return matching, True
    return [path], False


def _files_in(folder: Path) -> list[Path]:
    """The files of a folder, and what is called like an image and is none, such as a link to nothing.

    Refusal where there are none, with what lies there instead.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise refuse(folder, (error.strerror or str(error)).lower()) from error
    paths = [folder / entry.name for entry in entries]
    files = [path for path in paths if path.is_file() or (path.suffix.lower() in IMAGE_ENDINGS and not path.is_dir())]
    if not files:
        folders = sum(path.is_dir() for path in paths)
        raise refuse(folder, f"is a directory of {folders} folders without files; name one of them" if folders
                     else "is a directory without files")  # fmt: skip
    return files


def _listed(path: Path) -> list[Path]:
    """The files named in a text file, one a line; relative ones lie beside it. Lines that begin with # are notes.

    Quotes around a name are left out where no file has them in its name.
    """
    facts = file_facts(path)
    if facts.size > _MOST_LISTED:
        raise refuse(path, f"is too large for a list of files; allowed are {_MOST_LISTED} bytes")
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(path, "is no text that can be read") from error
    names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not names:
        raise refuse(path, "names no files")
    return [path.parent / (name if os.path.lexists(path.parent / name) else _unquoted(name)) for name in names]


def _unquoted(name: str) -> str:
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] and name[0] in "\"'" else name


def _without_junk(paths: Sequence[Path], notices: list[str]) -> set[Path]:
    """Files that are frames, as far as their names and first bytes tell; one notice for each kind of others."""
    left = list(paths)
    for what, leave_out in KINDS:
        out = set(leave_out(left))
        if out and (len(out) < len(left) or what in _NEVER_FRAMES):
            told = [path for path in left if path in out and not path.name.startswith(_OWN_NOTES)]
            notice = f"left out: {_listing(told)}, {what}"
            notices += [Hint(notice) if what in _NEVER_FRAMES else notice] if told else []
            left = [path for path in left if path not in out]
    return set(left)


def _listing(paths: Iterable[Path]) -> str:
    """The first names and how many more there are."""
    return listing([shown(Path(path.name)) for path in paths])


def _hidden(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if path.name.startswith(".")]


def _no_images(paths: Sequence[Path]) -> list[Path]:
    """Files that are no images by their ending and by their content. A damaged image stays and is refused."""
    return [path for path in paths if path.suffix.lower() not in IMAGE_ENDINGS and not is_image(path)]


def is_image(path: Path) -> bool:
    """Whether a file begins like an image that is read."""
    try:
        return bool(facts_and_format(path))
    except Refusal:
        return False


def _thumbnails(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if _THUMBNAIL.search(path.name)]


def _twins(paths: Sequence[Path]) -> list[Path]:
    """Files beside a better one of the same name: the camera's JPEG beside its raw file."""
    named: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        stem = path.name if path.suffix[1:].isdecimal() else path.stem  # a number is no ending
        named[path.parent / stem.lower()].append(path)
    return [path for same in named.values() for path in sorted(same, key=_rank)[1:]]


def _rank(path: Path) -> tuple[int, str]:
    ending = path.suffix.lower()
    ranks = [rank for rank, endings in enumerate(_BEST_FIRST) if ending in endings]
    return ranks[0] if ranks else len(_BEST_FIRST), ending


KINDS: tuple[tuple[str, Callable[[Sequence[Path]], list[Path]]], ...] = (
    ("hidden", _hidden),
    ("no images", _no_images),
    ("small pictures by their names", _thumbnails),
    ("beside better files of the same names", _twins),
)
_NEVER_FRAMES = ("hidden", "no images")
