"""The combinations of a sweep fused one after the other in one store, and what compares them."""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.cli.arguments import fuse_parser
from imfuse_tiles.cli.progress_bars import terminal_progress
from imfuse_tiles.cli.recipe_arguments import chosen_recipe
from imfuse_tiles.cli.reopen_run import kept_arguments
from imfuse_tiles.cli.resources_from_args import resources_from_args
from imfuse_tiles.cli.show_run import whole_run
from imfuse_tiles.cli.stack_from_args import align_from_args, stack_from_args
from imfuse_tiles.cli.sweep_pick import RECORD, recorded_words
from imfuse_tiles.errors import ImfuseError, Incomplete, Refusal
from imfuse_tiles.execution.align_stack import remember_alone
from imfuse_tiles.execution.export_request import ExportRequest, estimated_bytes, output_files
from imfuse_tiles.execution.pipeline import open_store_for, plan_of, run_plan
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.imageio.writing.target import complete_or_absent, made_folder
from imfuse_tiles.options.alignment import Align, AlignKeepSize, Balance, Reference
from imfuse_tiles.options.preparation import Crop, Preparation
from imfuse_tiles.options.recipe import Recipe, is_automatic
from imfuse_tiles.options.variations import Combination
from imfuse_tiles.planning.disk import check_disk
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.viewer.contact_sheet import Entry, thumbnail, write_sheet, write_sheet_page
from imfuse_tiles.viewer.layer_tiles import plain_samples
from imfuse_tiles.viewer.layers import ViewLayer, layers_of
from imfuse_tiles.viewer.result_measures import measure_result

#: Rows of a result that are compared at once.
ROWS = 256


class SweepRun:
    """One sweep: ``found`` fused in the store of their stack into a folder.

    ``stacks``: that of each combination, laid over itself and prepared as it asks for. ``entries``: on the sheet, of
    those that are done.
    """

    def __init__(self, args: argparse.Namespace, found: Sequence[Combination], folder: Path) -> None:
        self.args, self.folder, self.began = args, folder, time.perf_counter()
        self.resources, self.opened = resources_from_args(args), stack_from_args(args)
        self.store = open_store_for(self.opened, args.store)
        self.found = with_backgrounds(found, self.opened, args)
        self.stacks = self.aligned_stacks()
        self.entries: list[Entry] = []
        self.pictures: dict[str, int] = {}

    def aligned_stacks(self) -> list[Stack]:
        """The stack as each combination asks for it; frames are compared once for all that lay them over alike."""
        known: dict[tuple[object, ...], Stack] = {}
        asked = [frame_options(one.recipe) for one in self.found]
        for options, one in zip(asked, self.found, strict=True):
            if options not in known:
                stack = align_from_args(self.args, one.recipe, self.opened, self.store, self.resources)
                known[options] = stack
                if len(set(asked)) > 1:
                    remember_alone(stack, self.store)
        return [known[options] for options in asked]

    def plan(self, number: int) -> Plan:
        """The plan of a combination, with as much stored as the disk holds by now."""
        return plan_of(self.found[number].recipe, self.stacks[number], self.store, self.resources, True)

    def request(self, number: int) -> ExportRequest:
        """The file of a combination's result."""
        place = self.folder / result_name(number, len(self.found))
        return ExportRequest(place, bits=self.args.bits, force=True, tags=self.stacks[number].tags)

    def run(self) -> None:
        """Fuse all. What ends it half way leaves a sheet of those that are done, and the same command goes on."""
        runs = [(self.plan(number), self.request(number)) for number in range(len(self.found))]
        self.check_room(runs)
        whole = None if self.args.quiet else whole_run(runs, self.store, self.resources, self.began)
        with made_folder(self.folder):
            self.write_record()
            try:
                with terminal_progress(self.args.quiet, whole, brief=True) as progress:
                    for number in range(len(self.found)):
                        self.fuse(number, progress)
            except ImfuseError as error:
                self.leave(error)
                raise
            self.write_sheets()

    def check_room(self, runs: Sequence[tuple[Plan, ExportRequest]]) -> None:
        """Refusal where the disk has no room for all results beside what the first of them needs."""
        files = sum(estimated_bytes(plan, file, request) for plan, request in runs if not request.result.exists()
                    for file in output_files(plan, request, opaque=True))  # fmt: skip
        works = [survey(plan, self.store, self.resources) for plan, _ in runs]
        results = {work.plan.result.key: work.stages[-1].bytes_to_write for work in works[1:] if work.stages[-1].needed}
        check_disk(works[0], self.store, (self.folder.absolute(), files + sum(results.values())))

    def write_record(self) -> None:
        """Note the words of all combinations; results of a longer sweep that was here before go."""
        with suppress(Refusal):
            count = len(recorded_words(self.folder))
            for name in {result_name(number, count) for number in range(count)}:
                if name not in {result_name(number, len(self.found)) for number in range(len(self.found))}:
                    (self.folder / name).unlink(missing_ok=True)
        words = [self.whole_words(one, self.folder / f"pick-{number}.tif") for number, one in enumerate(self.found, 1)]
        with complete_or_absent(self.folder / RECORD, force=True) as file:
            file.write(json.dumps({"words": words}, indent=1).encode() + b"\n")

    def whole_words(self, combination: Combination, result: Path) -> list[str]:
        """The words of ``fuse`` for a combination on the whole frames."""
        options = [str(op) for op in combination.recipe.ops if not isinstance(op, Crop)]
        options += ["--revert"] * combination.recipe.revert + ["--layered"] * combination.recipe.layered
        kept = kept_arguments(fuse_parser("sweep"), self.args)
        images = [str(Path(image).absolute()) for image in self.args.images]
        return [*options, f"--store={self.store.root}", f"--output={result.absolute()}", "--force=", *kept, *images]

    def fuse(self, number: int, progress: Progress) -> None:
        """Fuse a combination, and put it on the sheet. Incomplete where only those before it fit."""
        plan, request = self.plan(number), self.request(number)
        try:
            run_plan(plan, self.store, self.resources, request, progress)
        except Refusal as error:
            if not number:
                raise
            raise Incomplete(str(error)) from error
        entry = self.entry(number, plan)
        self.entries.append(entry)
        if not self.args.quiet:
            words = " ".join(entry.words)
            print(f"{number + 1} of {len(self.found)}: {words}  {told(entry)}", file=sys.stderr)

    def entry(self, number: int, plan: Plan) -> Entry:
        """A combination on the sheet."""
        keys = plan.result.key, plan.frames_key
        own = {layer.label: layer for layer in reversed(layers_of(self.store, 0)) if layer.key in keys}
        measures = measure_result(own["Result"], own.get("Slice"), own.get("Depth"))
        same_as = self.pictures.setdefault(picture_digest(own["Result"]), number + 1)
        return Entry(number + 1, self.found[number].varied, thumbnail(own["Result"]), measures,
                     same_as if same_as <= number else None)  # fmt: skip

    def leave(self, error: ImfuseError) -> None:
        """Write the sheet of those that are done, where there is room for it."""
        if self.entries and not isinstance(error, Refusal):
            with suppress(OSError):
                self.write_sheets()
                done = f"{len(self.entries)} of {len(self.found)} are done"
                print(f"{done}: {self.folder / 'index.html'}", file=sys.stderr)

    def write_sheets(self) -> None:
        """Write the sheet as PNG and page."""
        write_sheet(self.folder / "sheet.png", self.entries)
        stack = self.opened.headers[0].path.absolute().parent.name
        common = [str(op) for op in self.found[0].recipe.ops if all(op in one.recipe.ops for one in self.found)]
        notes = [f"In all: {' '.join(common)}"] if common else []
        notes.append(f"{pick_command(self.folder)} fuses the whole frames as the N-th.")
        write_sheet_page(self.folder / "index.html", f"{stack}: {len(self.entries)} results", self.entries, notes)


def run_all(args: argparse.Namespace, found: Sequence[Combination], folder: Path) -> None:
    """Fuse the combinations, write what compares them, and tell where it is."""
    run = SweepRun(args, found, folder)
    run.run()
    print(folder / "index.html")
    if not args.quiet:
        print(f"imfuse-tiles view {shlex.quote(run.store.root)} shows them under a curtain", file=sys.stderr)
        print(f"{pick_command(folder)} fuses the whole frames as the N-th", file=sys.stderr)


def pick_command(folder: Path) -> str:
    """The command that fuses the whole frames as one of a sweep."""
    return f"imfuse-tiles sweep -o {shlex.quote(str(folder))} --pick N"


def result_name(number: int, count: int) -> str:
    """The name of the result of a combination, counted from 0, of so many: they sort as they count."""
    return f"{number + 1:0{len(str(count))}}.tif"


def frame_options(recipe: Recipe) -> tuple[object, ...]:
    """The options by which frames are laid over each other and prepared."""
    kinds = Align | AlignKeepSize | Balance | Reference | Preparation
    return tuple(op for op in recipe.ops if isinstance(op, kinds))


def with_backgrounds(found: Sequence[Combination], stack: Stack, args: argparse.Namespace) -> list[Combination]:
    """The combinations; those that ask for no picture with the background that fits the stack, which is printed."""
    if not any(is_automatic(combination.recipe) for combination in found):
        return list(found)
    fitting = chosen_recipe(Recipe(()), stack, args.quiet, args.order == "focus").ops
    return [
        replace(one, recipe=replace(one.recipe, ops=(*fitting, *one.recipe.ops))) if is_automatic(one.recipe) else one
        for one in found
    ]


def told(entry: Entry) -> str:
    """What was measured of a result, in a line."""
    found, words = entry.measures, list[str]()
    if entry.same_as:
        return f"the same picture as {entry.same_as}"
    if found and found.sharpness is not None:
        words.append(f"sharpness {found.sharpness:.2f} %")
    return ", ".join([*words, f"noise {found.noise:.3f} %"] if found else words)


def picture_digest(layer: ViewLayer) -> str:
    """What tells a result's pixels from those of any other."""
    height, width = layer.frame
    digest = hashlib.sha256(f"{layer.frame} {layer.planes}".encode())
    for row in range(0, height, ROWS):
        digest.update(plain_samples(layer, 0, Region(row, min(row + ROWS, height), 0, width)).tobytes())
    return digest.hexdigest()
