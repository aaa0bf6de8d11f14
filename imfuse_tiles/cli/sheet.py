"""``sheet``: any results side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import Parser
from imfuse_tiles.errors import AlreadyExists, Refusal

if TYPE_CHECKING:
    from imfuse_tiles.viewer.contact_sheet import Entry
    from imfuse_tiles.viewer.layers import ViewLayer


def sheet(words: Sequence[str]) -> int:
    """Put results side by side: stores or pictures."""
    parser = Parser(prog="imfuse-tiles sheet", allow_abbrev=False,
                    description="Put results side by side on one sheet, a PNG or an HTML page.")  # fmt: skip
    parser.add_argument("places", nargs="+", metavar="RESULT", help="pictures, or stores of runs (all their results)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="sheet.png", help="the sheet: .png or .html (sheet.png)"
    )
    parser.add_argument("-f", "--force", action="store_true", help="overwrite what is there")
    args = parser.parse_args(words)
    from imfuse_tiles.viewer.contact_sheet import write_sheet, write_sheet_page

    path = Path(args.output)
    ending = path.suffix.lower()
    if ending not in (".png", ".html", ".htm"):
        raise Refusal(f"--output {path}: allowed is .png or .html")
    if path.exists() and not args.force:
        raise AlreadyExists(f"{path}: exists already; --force overwrites it")
    entries, common = sheet_entries(args.places)
    if ending == ".png":
        write_sheet(path, entries)
    else:
        write_sheet_page(path, path.stem, entries, [f"In all: {' '.join(common)}"] if common else [])
    print(path)
    return 0


def sheet_entries(places: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """The results that words name, in their order, with those of their options that differ; and those that all have."""
    from imfuse_tiles.execution.machine_errors import translate_damage
    from imfuse_tiles.viewer.contact_sheet import Entry, thumbnail

    found = [(place, layer) for place in places for layer in results_of(place)]
    if not found:
        raise Refusal(f"{' '.join(places)}: no results there")
    options = [[] if is_file(place) else layer.options.split() for place, layer in found]
    common = [each for each in options[0] if all(each in others for others in options)] if len(found) > 1 else []
    entries = []
    for number, ((place, layer), own) in enumerate(zip(found, options, strict=True), 1):
        with translate_damage(place):
            picture = thumbnail(layer)
        entries.append(Entry(number, (Path(place).name, *(each for each in own if each not in common)), picture))
    return entries, common


def results_of(place: str) -> list[ViewLayer]:
    """The results of a store, or the picture that a file holds, whatever was made of it."""
    from imfuse_tiles.cli.view import store_of
    from imfuse_tiles.viewer.layers import is_finished, layers_of

    layers = [layer for layer in layers_of(store_of(place), 0) if is_finished(layer)]
    pictures = [layer for layer in layers if layer.label == "Picture"]
    if is_file(place):
        return pictures[:1]
    return [layer for layer in layers if layer.label == "Result"] or pictures


def is_file(place: str) -> bool:
    """Whether a word names a file, not the store of a run."""
    return "://" not in place and Path(place).is_file()
