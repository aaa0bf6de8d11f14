"""``sheet``: any results side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import Parser
from imfuse_tiles.errors import AlreadyExists, Refusal

if TYPE_CHECKING:
    from imfuse_tiles.viewer.contact_sheet import Entry


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
    if path.suffix not in (".png", ".html"):
        raise Refusal(f"--output {path}: allowed is .png or .html")
    if path.exists() and not args.force:
        raise AlreadyExists(f"{path}: exists already; --force overwrites it")
    entries = list(sheet_entries(args.places))
    if path.suffix == ".png":
        write_sheet(path, entries)
    else:
        write_sheet_page(path, path.stem, entries)
    print(path)
    return 0


def sheet_entries(places: Sequence[str]) -> Iterator[Entry]:
    """The results that words name, in their order."""
    from imfuse_tiles.cli.view import store_of
    from imfuse_tiles.execution.machine_errors import translate_damage
    from imfuse_tiles.viewer.contact_sheet import Entry, thumbnail
    from imfuse_tiles.viewer.layers import is_finished, layers_of

    number = 0
    for place in places:
        shown = [
            layer
            for layer in layers_of(store_of(place), 0)
            if layer.label in ("Result", "Picture") and is_finished(layer)
        ]
        for layer in shown:
            number += 1
            words = (Path(place).name, *([layer.options] if layer.options else []))
            with translate_damage(place):
                picture = thumbnail(layer)
            yield Entry(number, words, picture)
    if not number:
        raise Refusal(f"{' '.join(places)}: no results there")
