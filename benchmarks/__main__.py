"""The one door to all benchmarks.

python -m benchmarks                    list them
python -m benchmarks NAME [--quick]     run one; --help shows its options, --quick tries it on next to nothing
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

#: Module, the words before those of the user, and what it shows.
BENCHMARKS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "tables": ("tables", (), "the eight tables below, one after the other"),
    "floor": ("tables", ("floor",), "masks beside a plain copy of the same bytes"),
    "rates": ("tables", ("rates",), "megapixels per second of chains of options"),
    "cores": ("tables", ("cores",), "two workers beside one"),
    "loop": ("tables", ("loop",), "the same command again with one option changed"),
    "scale": ("tables", ("scale",), "large frames and long stacks beside small ones: seconds a pixel, memory"),
    "startup": ("tables", ("startup",), "help, refusals and a tiny stack: what loading takes"),
    "overhead": ("tables", ("overhead",), "what a block costs beside its computing, and planning a million"),
    "cluster": ("tables", ("cluster",), "a local dask cluster beside threads, and up to 64 workers simulated"),
    "ops": ("ops", (), "every option beside other libraries, ns a pixel"),
    "fusion": ("fusion", (), "--bg=enfuse beside the program enfuse"),
    "quality": ("quality.__main__", (), "pictures and depths of scenes with truth beside enfuse and the best slices"),
    "export": ("exports", (), "a large result as OME-TIFF and OME-Zarr beside tifffile and zarr alone"),
    "disk": ("disk", (), "bytes on the disk and seconds, all stored beside computed when read"),
    "alignment": ("alignment", (), "errors against known transforms and CPU, beside OpenCV's findTransformECC"),
    "blurred-ends": ("blurred_ends", (), "frames told to be in doubt where the ends of a sweep are blurred much"),
    "shift-left": ("shift_left", (), "shift that alignment leaves between neighbours of photographed stacks"),
    "kills": ("soak", ("kills",), "kill -9 in every phase, then the same command"),
    "damage": ("soak", ("damage",), "random damage to a store, then the same command"),
    "memory": ("soak", ("memory",), "memory used beside memory promised"),
    "headers": ("soak", ("headers",), "mutated images in processes with limits"),
    "crashes": ("attacks.trials", ("crashes",), "crashes at every moment, writes lost or torn; the same command"),
    "failures": ("attacks.trials", ("failures",), "every system call on its files fails in turn; the same command"),
    "stragglers": ("attacks.trials", ("stragglers",), "workers of other layouts, options, versions that wake up late"),
    "writers": ("attacks.trials", ("writers",), "two writers of a store, stopped, killed, with clocks hours off"),
    "hostile": ("attacks.trials", ("hostile",), "stores made to harm, and every command that takes a store"),
    "unchanged": ("unchanged", (), "the same bytes and reused stores as another revision"),
    "viewer": ("viewer", (), "the page's server on 30000 x 30000 pixels: first view, zoom steps, memory"),
    "strokes": ("strokes", (), "a retouched gigapixel exported again: what is computed, and what that takes"),
    "tuning": ("tuning", (), "a region of the page with changed options on 20 x 12 megapixels: seconds, memory"),
    "time-left": ("time_left", (), "the time that a run is said to take, beside what it took: many kinds of runs"),
    "contact-sheet": ("contact_sheet", (), "what presets make of stacks, in one picture"),
    "readme-picture": ("readme_picture", (), "the picture of README.md"),
}


def listing() -> str:
    """All benchmarks with what they show."""
    lines = [f"  {name:<15} {about}" for name, (_, _, about) in BENCHMARKS.items()]
    return "\n".join(["usage: python -m benchmarks NAME [--quick] [OPTIONS]", "", *lines])


def main(words: Sequence[str]) -> int:
    """Run a benchmark; its exit code, 2 for one that there is not."""
    if not words or words[0] in ("-h", "--help"):
        print(listing())
        return 0
    if words[0] not in BENCHMARKS:
        print(f"{words[0]}: no such benchmark; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    module, before, _ = BENCHMARKS[words[0]]
    result = import_module(f"benchmarks.{module}").main([*before, *words[1:]])
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
