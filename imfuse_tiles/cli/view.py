"""``view``: the page in the browser on stores and pictures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from imfuse_tiles.cli.argument_parser import Parser, number, whole_number
from imfuse_tiles.cli.reopen_run import reopen_run
from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.store import Store


def view_parser() -> Parser:
    """The arguments of ``view``."""
    parser = Parser(prog="imfuse-tiles view", allow_abbrev=False,
                    description="Look at results, masks, depth and slices in the browser: zoom into pictures of any "
                    "size, compare two under a curtain, tune the options of a region, retouch.")  # fmt: skip
    add = parser.add_argument
    add("places", nargs="+", metavar="STORE|FILE", help="stores of runs (folders or URLs), or pictures")
    add("--port", type=whole_number(0, 65535), default=0, metavar="N", help="port of 127.0.0.1 (any that is free)")
    add("--no-browser", action="store_true", help="print the address and open nothing")
    add("--to-come", action="store_true", help="the store may be made later, by a run that is to begin")
    add("--allow-code", action="store_true", help="tune runs that name Python functions, which are run")
    add("--idle", type=number(0, " of seconds"), metavar="SECONDS",
        help="end when no page has been open for so long (never)")  # fmt: skip
    return parser


def view(words: Sequence[str]) -> int:
    """Serve the page until Ctrl-C."""
    args = view_parser().parse_args(words)
    from imfuse_tiles.execution import allocator
    from imfuse_tiles.execution.pipeline import cache_folder
    from imfuse_tiles.viewer.picture_reading import PictureReading
    from imfuse_tiles.viewer.question_process import QuestionProcess
    from imfuse_tiles.viewer.retouching import Retouching
    from imfuse_tiles.viewer.serving import open_browser, serve
    from imfuse_tiles.viewer.session import Shown, ViewSession
    from imfuse_tiles.viewer.store_answers import NAMES, PICTURE, StoreAnswers

    allocator.return_freed_memory()
    names = [Path(place).name if len(args.places) > 1 else "" for place in args.places]
    later: list[Path] = []
    shown = [Shown(store_of(place, args.to_come, later), name) for place, name in zip(args.places, names, strict=True)]
    session = ViewSession(shown, cache_folder() / "view-tiles")
    store = shown[0].store
    computing = QuestionProcess(partial(StoreAnswers, store, partial(reopen_run, store, args.allow_code)))
    questions = {**Retouching(store).questions, **computing.questions(NAMES)}
    session.add(questions, lambda number: computing.ask(PICTURE, {"number": number}))

    def announce(address: str) -> None:
        print(address, flush=True)
        if not args.no_browser and not open_browser(address):
            print("no display found; open the address above in a browser of this machine", file=sys.stderr, flush=True)

    reading = PictureReading(later)
    try:
        serve(session, args.port, announce, args.idle, reading.check)
    finally:
        reading.end()
        computing.end()
    return 0


def store_of(place: str, to_come: bool = False, later: list[Path] | None = None) -> Store:
    """The store that a word names, or the one that holds a picture. Refusal when it is neither.

    ``later``: gets large pictures that are not read yet.
    """
    if "://" not in place and Path(place).is_file():
        from imfuse_tiles.execution.picture_stores import picture_store

        return picture_store(Path(place), later)
    store = Store.at(place)
    if not store.exists() and not to_come:
        if "://" not in place and not Path(place).exists():
            raise Refusal(f"{place}: no such file or folder")
        raise Refusal(f"{place}: is neither a store of imfuse-tiles nor a picture")
    store.check()
    return store
