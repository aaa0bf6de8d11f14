"""Whether this checkout makes the same bytes as another revision, and reuses its stores without computing a block.

    python -m benchmarks unchanged --against REVISION|FOLDER [--stacks FOLDER] [--sets NAME ...] [--quick]

The revision is checked out into a temporary git worktree. Each runs as ``python -m imfuse_tiles`` in its own folder,
so that the two may be laid out differently. Exit code 1 when a result, mask or depth map differs or a block of the
other's store is computed again. Frames are taken as they lie (--align=no), as revisions before alignment do. Where
only the metadata of files differ, or this checkout adds an opacity to the depth map, that is said and does not count.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tifffile import TiffFile, TiffFileError

from benchmarks.chains import A
from benchmarks.fusion import photographed, simulated

ROOT = Path(__file__).parents[1]
OPTION_SETS = {
    "A": f"{A} --extra",
    "workflow-blur": "--preset workflow-blur --extra",
    "workflow-fft": "--preset workflow-fft --extra",
    "default": "--preset default --extra",
    "enfuse": "--preset enfuse",
    "layered": f"{A} --substacks=n3 --layered --extra",
    "pyramid": "--bg=pyramid --extra",
}
SIMULATED = ("800x600x9", "500x700x14")


@contextmanager
def checkout(revision: str, folder: Path) -> Iterator[Path]:
    """A checkout of a revision of this repository; a folder is taken as it is."""
    if Path(revision).is_dir():
        yield Path(revision).resolve()
        return
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def as_they_lie(program: Path, options: str) -> str:
    """Options that leave frames where they are, for a checkout that may be older than alignment."""
    aligns = (program / "imfuse_tiles" / "options" / "alignment.py").exists()
    return f"{options} --align=no" if aligns else options


def fuse(program: Path, images: Sequence[Path], options: str, store: Path, folder: Path) -> int:
    """Fuse with the program of a checkout: results go to ``folder``, and the number of blocks computed is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    report = folder.with_suffix(".json")
    files = ["--store", store, "--report", report, "-o", folder / "result.tif", *images]
    command = [sys.executable, "-m", "imfuse_tiles", "fuse", *options.split(), "--quiet", "--force", *map(str, files)]
    environment = {**os.environ, "PYTHONPATH": str(program)}
    subprocess.run(command, cwd=program, env=environment, check=True, stdout=subprocess.DEVNULL)
    return sum(stage["computed"] for stage in json.loads(report.read_text())["stages"])


def differences(ours: Path, theirs: Path) -> tuple[list[str], list[str]]:
    """The names of files with other samples or in one folder only, and of those where only metadata differs."""
    names = sorted({path.name for folder in (ours, theirs) for path in folder.iterdir()})
    _, differing, missing = filecmp.cmpfiles(ours, theirs, names, shallow=False)
    metadata = [name for name in differing if same_samples(ours / name, theirs / name)]
    return sorted({*differing, *missing} - set(metadata)), metadata


def same_samples(ours: Path, theirs: Path) -> bool:
    """Whether two TIFF files have the same pages of the same type, bit by bit; False for other files.

    Of grey with opacity in ``ours`` and grey alone in ``theirs`` the grey is compared.
    """
    try:
        with TiffFile(ours) as one, TiffFile(theirs) as other:
            pages = [[page.asarray() for page in file.pages] for file in (one, other)]
    except TiffFileError:
        return False
    if len(pages[0]) != len(pages[1]):
        return False
    pages[0] = [a[..., 0] if a.shape == (*b.shape, 2) else a for a, b in zip(*pages, strict=True)]
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in zip(*pages, strict=True)
    )


def compare(name: str, images: Sequence[Path], sets: Sequence[str], other: Path, folder: Path) -> Iterator[bool]:
    """Fuse a stack by each set of options with both programs; whether bytes and stores agree."""
    for option_set in sets:
        options, place = OPTION_SETS[option_set], folder / option_set
        total = fuse(other, images, as_they_lie(other, options), folder / "their.store", place / "theirs")
        fuse(ROOT, images, as_they_lie(ROOT, options), folder / "our.store", place / "ours")
        again = fuse(ROOT, images, as_they_lie(ROOT, options), folder / "their.store", place / "again")
        pairs = [differences(place / run, place / "theirs") for run in ("ours", "again")]
        differing, metadata = ({name for pair in pairs for name in pair[kind]} for kind in (0, 1))
        verdict = f"DIFFERS {', '.join(sorted(differing))}" if differing else "the same"
        verdict += f"; other metadata or opacity in {len(metadata)} files" if metadata else ""
        print(f"{name:<14} {option_set:<14} {verdict}; {again} of {total} blocks computed again", flush=True)
        yield not differing and not again


def stacks(folder: Path | None, sizes: Sequence[str], place: Path) -> Iterator[tuple[str, list[Path]]]:
    """Stacks by name: those in the folders of ``folder``, or simulated ones."""
    if folder:
        yield from photographed(folder)
        return
    for size in sizes:
        (place / size).mkdir(parents=True)
        yield size, simulated(size, place / size)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks unchanged", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--against", default="HEAD", metavar="REVISION|FOLDER", help="what to compare with (HEAD)")
    parser.add_argument("--stacks", type=Path, metavar="FOLDER", help="of folders of images (simulated stacks)")
    parser.add_argument("--sets", nargs="+", choices=OPTION_SETS, default=list(OPTION_SETS), help="options (all)")
    parser.add_argument("--quick", action="store_true", help="a tiny stack, one set, this checkout with itself")
    args = parser.parse_args(words)
    if args.quick:
        args.against, args.stacks, args.sets = str(ROOT), None, ["A"]
    sizes = ["120x90x3"] if args.quick else SIMULATED
    with (
        tempfile.TemporaryDirectory(prefix="unchanged-") as name,
        checkout(args.against, Path(name) / "other") as other,
    ):
        folder = Path(name)
        same = [
            result
            for stack, images in stacks(args.stacks, sizes, folder / "in")
            for result in compare(stack, images, args.sets, other, folder / f"out-{stack}")
        ]
    print(f"{sum(same)} of {len(same)} sets unchanged")
    return 0 if all(same) else 1
