"""``export``: a result of a store, or its mask, its depth or a frame, as a file."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from imfuse_tiles.cli.argument_parser import Parser, whole_number
from imfuse_tiles.cli.cache import age_text, find_store
from imfuse_tiles.cli.output_arguments import add_output_options, size_from_args
from imfuse_tiles.cli.status_line import StatusLine
from imfuse_tiles.cli.whole_run import duration
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.export import check_not_frames
from imfuse_tiles.execution.export_stored import export_layers, export_stored, stored_page
from imfuse_tiles.execution.machine_errors import translate_damage, translate_os_errors
from imfuse_tiles.execution.overviews import describe_store, has_overviews, overview_bytes, write_overviews
from imfuse_tiles.execution.read_pages import Writing
from imfuse_tiles.execution.stored_results import StoredResult, find_result, stored_results
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.options.resources import available_cores
from imfuse_tiles.planning.disk import shortage_text
from imfuse_tiles.planning.memory import default_memory, parse_size
from imfuse_tiles.storage.open_files import locks_of
from imfuse_tiles.storage.run_note import load_run_note
from imfuse_tiles.storage.store import Store


def export_parser() -> Parser:
    """The parser of ``export``."""
    parser = Parser(prog="imfuse-tiles export", allow_abbrev=False, description=(
        "Write a result of a store as a file: TIFF, OME-TIFF, OME-Zarr, PNG, JPEG, JPEG XL or deep zoom, by its "
        "ending. Without -o: list the results. The images that it was made of are not needed."
    ))  # fmt: skip
    add = parser.add_argument
    add("store", metavar="STORE", help="folder or URL of a store, or its name as cache ls prints it")
    add("-o", "--output", metavar="FILE", help="the file: .tif, .png, .jpg, .jxl, .ome.tif, .ome.zarr or .dzi")
    add("--result", default="", metavar="KEY", help="the result with this key, or beginning of one (the latest)")
    add("--what", default="result", metavar="result|mask|depth|depthmap|slice:N",
        help="the result, its mask, its depth, that in colours, or a frame as it was read (result)")  # fmt: skip
    add("--layered", action="store_true", help="a TIFF with the result and its layers, of a run with --layered")
    add("--pyramid", action="store_true", help="put smaller levels beside the result in the store, for viewers of it")
    add("-f", "--force", action="store_true", help="overwrite what is there")
    add("--memory", metavar="SIZE", help="memory for everything (a quarter of the machine's, at most 4G)")
    add("--workers", type=whole_number(1), metavar="N", help="threads that pack (one for each core)")
    add("--quiet", action="store_true", help="print nothing but the file's name and errors")
    add_output_options(parser)
    return parser


def export(words: Sequence[str]) -> int:
    """Write a result of a store as a file."""
    args = export_parser().parse_args(words)
    store = find_store(args.store)
    store.check()
    if args.pyramid:
        with store.locked():
            add_pyramid(store, find_result(store, args.result))
    if not args.output:
        print("\n".join(map(result_line, stored_results(store))) or f"{store.root} holds no finished result")
        return 0
    with locks_of(store.root).reading():
        lost = _export(args, store, find_result(store, args.result))
    if lost and not args.quiet:
        print(f"note: {args.output}: the format does not hold {', '.join(lost)}", file=sys.stderr)
    print(args.output)
    return 0


def add_pyramid(store: Store, result: StoredResult) -> None:
    """Write the smaller levels of a result into its store. Refusal where the disk has no room for them."""
    need = 0 if has_overviews(store, result) or not store.is_local else overview_bytes(result)
    if shortage := shortage_text([("smaller levels", store.folder, need)]):
        raise Refusal(shortage.replace("the run", "the pyramid"))
    with translate_os_errors("the pyramid", store.folder, need):
        with translate_damage():
            write_overviews(store, result)
        describe_store(store, result)


def result_line(result: StoredResult) -> str:
    """A result in a list: its key, its age, its size and options."""
    size = f"{result.frame[1]} x {result.frame[0]}"
    return f"{result.key[:12]}  {age_text(result.used):<16} {size:>15}  {result.options}".rstrip()


def _export(args: argparse.Namespace, store: Store, result: StoredResult) -> list[str]:
    place, size = Path(args.output), size_from_args(args, result.size)
    tags = Tags(profile=result.tags.profile) if args.no_metadata else result.tags
    memory = parse_size(args.memory) if args.memory else default_memory()
    workers = args.workers or available_cores()
    how = Writing(workers, memory, force=args.force, ome_version=args.ome_version)
    note = load_run_note(store)
    check_not_frames([place], (Path(note.folder, name) for name in note.images))
    if args.layered and args.what != "result":
        raise Refusal(f"--layered is for the result, not for --what {args.what}")
    progress = (lambda part: None) if args.quiet else WriteProgress(args.output)
    if args.layered:
        return export_layers(store, result, place, args.bits, tags, size, how, progress)
    page = stored_page(store, result, args.what, place, args.bits, tags, size)
    return export_stored(store, page, place, how, progress=progress)


class WriteProgress(StatusLine):
    """Says on standard error how far a file is written."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self.name = name

    def __call__(self, part: float) -> None:
        if part:
            self.show(lambda elapsed: f"{self.name}: {100 * part:.0f} %, {duration(elapsed * (1 - part) / part)} left")
