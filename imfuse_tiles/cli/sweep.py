"""``sweep``: every combination of some values of options, side by side."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import Parser, whole_number
from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.storage.json_values import get_nested, matches

if TYPE_CHECKING:
    from imfuse_tiles.imageio.stack import Stack
    from imfuse_tiles.options.recipe import Recipe
    from imfuse_tiles.options.variations import Combination
    from imfuse_tiles.planning.plan import Plan
    from imfuse_tiles.storage.store import Store
    from imfuse_tiles.viewer.contact_sheet import Entry

#: What a sweep writes down of itself.
RECORD = "sweep.json"


def sweep_parser() -> Parser:
    """The arguments of ``sweep`` that are not those of ``fuse``."""
    parser = Parser(prog="imfuse-tiles sweep", allow_abbrev=False,
                    description="Fuse a stack with every combination of some values of options, and put the results "
                    "side by side. All options of fuse are allowed, too; --crop makes it quick.")  # fmt: skip
    add = parser.add_argument
    add(
        "--vary", action="append", metavar="OPTION=A|B", help="an option and its values, such as --cutless=p10|p20|none"
    )
    add("-o", "--output", metavar="DIR", default="sweep", help="folder of results, sheet.png and index.html (sweep)")
    add(
        "--pick", type=whole_number(1), metavar="N", help="fuse the whole frames as the N-th of an earlier sweep in DIR"
    )
    return parser


def sweep(words: Sequence[str]) -> int:
    """Fuse all combinations, or the whole of one."""
    taken, rest = split_words(words)
    own = sweep_parser().parse_args(taken)
    folder = Path(own.output)
    if own.pick:
        return pick(folder, own.pick, "--allow-code" in rest, "--quiet" in rest)
    from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
    from imfuse_tiles.imageio.writing.target import check_folder

    args, recipe = parse_fuse_args(fuse_parser("sweep"), rest)
    if not own.vary:
        raise Refusal("sweep: nothing varies; --vary '--cutless=p10|p20' is an option with its values")
    check_folder(folder)
    found = vary(recipe, own.vary, args.quiet)
    if folder.exists() and not (folder / RECORD).exists() and any(folder.iterdir()) and args.force is None:
        raise AlreadyExists(f"{folder}: is a folder with other files; --force writes into it")
    run_all(args, found, folder)
    return 0


def vary(recipe: Recipe, texts: Sequence[str], quiet: bool) -> list[Combination]:
    """All combinations. If one has options for masks but makes none, those without a picture are put into ``default``:
    what leaves an option out is to differ from the others by that option alone."""
    from imfuse_tiles.cli.recipe_arguments import in_default_preset, tell_default_preset, with_default_preset
    from imfuse_tiles.options.variations import combinations, parse_variation

    variations = [parse_variation(text) for text in texts]
    found = combinations(recipe, variations)
    if all(with_default_preset(one.recipe) == one.recipe for one in found):
        return found
    tell_default_preset(quiet)
    return combinations(recipe, variations, in_default_preset)


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of the sweep itself, each with its value, and those of fuse. A value may begin with dashes."""
    own: list[str] = []
    rest: list[str] = []
    remaining = iter(words)
    for word in remaining:
        name, equals, _ = word.partition("=")
        if name in ("-h", "--help"):
            own.append(word)
        elif name not in ("--vary", "-o", "--output", "--pick"):
            rest.append(word)
        elif equals:
            own.append(word)
        elif (value := next(remaining, None)) is not None:
            own.append(f"{'--output' if name == '-o' else name}={value}")
        else:
            raise Refusal(f"{name} needs a value")
    return own, rest


def run_all(args: Any, found: Sequence[Combination], folder: Path) -> None:
    """Fuse the combinations one after the other in one store, and write what compares them."""
    from imfuse_tiles.cli.resources_from_args import resources_from_args
    from imfuse_tiles.cli.stack_from_args import align_from_args, stack_from_args
    from imfuse_tiles.execution.export import ExportRequest
    from imfuse_tiles.execution.pipeline import open_store_for, plan_of, run_plan
    from imfuse_tiles.viewer.contact_sheet import write_sheet, write_sheet_page

    resources, stack = resources_from_args(args), stack_from_args(args)
    store = open_store_for(stack, args.store)
    found = with_backgrounds(found, stack, args.quiet)
    stack = align_from_args(args, found[0].recipe, stack, store, resources)
    folder.mkdir(parents=True, exist_ok=True)
    entries, words = [], []
    for number, combination in enumerate(found, 1):
        plan = plan_of(combination.recipe, stack, store, resources, True)
        place = folder / f"{number:0{len(str(len(found)))}}.tif"
        run_plan(plan, store, resources, ExportRequest(place, bits=args.bits, force=True, tags=stack.tags))
        entries.append(entry_of(number, combination.varied, plan, store))
        words.append(whole_words(combination, args, store, folder / f"pick-{number}.tif"))
        if not args.quiet:
            print(
                f"{number} of {len(found)}: {' '.join(combination.varied)}  {_measured(entries[-1])}", file=sys.stderr
            )
    (folder / RECORD).write_text(json.dumps({"words": words}, indent=1) + "\n")
    write_sheet(folder / "sheet.png", entries)
    write_sheet_page(
        folder / "index.html", f"{stack.headers[0].path.absolute().parent.name}: {len(found)} results", entries
    )
    print(folder / "index.html")
    if not args.quiet:
        print(f"imfuse-tiles view {shlex.quote(store.root)} shows them under a curtain", file=sys.stderr)
        print(f"imfuse-tiles sweep -o {shlex.quote(str(folder))} --pick N fuses the whole as one", file=sys.stderr)


def with_backgrounds(found: Sequence[Combination], stack: Stack, quiet: bool) -> list[Combination]:
    """The combinations; those that ask for no picture with the background that fits the stack, which is printed."""
    from imfuse_tiles.cli.recipe_arguments import chosen_recipe
    from imfuse_tiles.options.recipe import Recipe, is_automatic

    if not any(is_automatic(combination.recipe) for combination in found):
        return list(found)
    fitting = chosen_recipe(Recipe(()), stack, quiet).ops
    return [
        replace(one, recipe=replace(one.recipe, ops=(*fitting, *one.recipe.ops))) if is_automatic(one.recipe) else one
        for one in found
    ]


def whole_words(combination: Combination, args: Any, store: Store, result: Path) -> list[str]:
    """The words of ``fuse`` for a combination on the whole frames."""
    from imfuse_tiles.cli.arguments import fuse_parser
    from imfuse_tiles.cli.reopen_run import kept_arguments
    from imfuse_tiles.options.preparation import FramePart

    options = [str(op) for op in combination.recipe.ops if not isinstance(op, FramePart)]
    kept = kept_arguments(fuse_parser("sweep"), args)
    images = [str(Path(image).absolute()) for image in args.images]
    revert = ["--revert"] if combination.recipe.revert else []
    return [*options, *revert, f"--store={store.root}", f"--output={result.absolute()}", "--force=", *kept, *images]


def entry_of(number: int, varied: tuple[str, ...], plan: Plan, store: Store) -> Entry:
    """A combination on the sheet."""
    from imfuse_tiles.viewer.contact_sheet import Entry, thumbnail
    from imfuse_tiles.viewer.layers import layers_of
    from imfuse_tiles.viewer.result_measures import measure_result

    own = {layer.label: layer for layer in layers_of(store, 0) if layer.key in (plan.result.key, plan.stages[0].key)}
    measures = measure_result(own["Result"], own.get("Slice"), own.get("Depth"))
    return Entry(number, varied, thumbnail(own["Result"]), measures)


def _measured(entry: Entry) -> str:
    found = entry.measures
    return f"sharpness {found.sharpness} %, noise {found.noise} %" if found else ""


def pick(folder: Path, number: int, allow_code: bool = False, quiet: bool = False) -> int:
    """Fuse the whole frames as a combination of an earlier sweep, into its folder.

    Refusal, unless ``allow_code``, of one that names Python functions: its folder may be anybody's.
    """
    words = recorded_words(folder)
    if number > len(words):
        raise Refusal(f"--pick {number}: the sweep in {folder} has {len(words)} results")
    from imfuse_tiles.cli.arguments import fuse_parser
    from imfuse_tiles.cli.fuse import fuse
    from imfuse_tiles.cli.reopen_run import kept_arguments, parse_noted

    args, options = parse_noted(words[number - 1], f"the sweep in {folder}", allow_code)
    recipe = [f"--{name}" if text is None else f"--{name}={text}" for name, text in options]
    own = [*(["--revert"] if args.revert else []), *(["--allow-code"] if allow_code else []), "--force="]
    own += ["--quiet"] if quiet else []
    place = [f"--store={args.store}", f"--output={folder.absolute() / f'pick-{number}.tif'}"]
    return fuse([*recipe, *own, *place, *kept_arguments(fuse_parser("sweep"), args), *args.images])


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
