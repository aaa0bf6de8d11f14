"""What a sweep writes down of itself, by which one of its combinations is fused on the whole frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.cli.fuse import fuse
from imfuse_tiles.cli.reopen_run import kept_arguments, parse_noted
from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.json_values import get_nested, matches

#: The file in the folder of a sweep.
RECORD = "sweep.json"


def pick(folder: Path, number: int, more: Sequence[str] = ()) -> int:
    """Fuse the whole frames as a combination of an earlier sweep, into its folder. ``more``: words of ``fuse``.

    Refusal, unless these allow it, of one that names Python functions: its folder may be anybody's.
    """
    own, added = parse_fuse_args(fuse_parser("sweep"), more)
    if own.images or added.ops:
        other = own.images[0] if own.images else str(added.ops[0])
        raise Refusal(f"--pick takes frames and options of the sweep that {folder} holds, {other} is not allowed")
    words = recorded_words(folder)
    if number > len(words):
        raise Refusal(f"--pick {number}: the sweep in {folder} has {len(words)} results")
    args, options = parse_noted(words[number - 1], f"the sweep in {folder}", own.allow_code)
    recipe = [f"--{name}" if text is None else f"--{name}={text}" for name, text in options]
    kept = [*(["--revert"] if args.revert else []), *(["--layered"] if args.layered else []), "--force="]
    kept += [f"--store={args.store}", f"--output={folder.absolute() / f'pick-{number}.tif'}"]
    return fuse([*recipe, *kept, *kept_arguments(fuse_parser("sweep"), args), *more, *args.images])


def recorded_words(folder: Path) -> list[list[str]]:
    """The words of ``fuse`` for every combination of an earlier sweep. Refusal where there was none."""
    try:
        words = get_nested(json.loads((folder / RECORD).read_text()), "words")
    except (OSError, ValueError, RecursionError):
        words = None
    if not matches(words, [[str]]):
        raise Refusal(f"{folder}: holds no sweep")
    found: list[list[str]] = words
    return found
