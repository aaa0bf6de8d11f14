"""The result in the store becomes files: picture, mask, depth maps; named, described, never overwritten unasked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imfuse_tiles import __version__, kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.export import Picture, check_target, write_picture
from imfuse_tiles.plan import Plan
from imfuse_tiles.spec import digest
from imfuse_tiles.store import Store
from imfuse_tiles.trouble import told
from imfuse_tiles.work.finish import FinishJob


@dataclass(frozen=True)
class Wish:
    """What files are wanted. ``extra``: mask and depth maps too. ``bits``: 8 or 16 a sample."""

    result: Path
    extra: bool = False
    bits: int = 16
    force: bool = False

    def beside(self, what: str) -> Path:
        """The name of a file that goes with the result: NAME.what.tif."""
        stem = self.result.name.removesuffix(self.result.suffix).removesuffix(".result")
        return self.result.with_name(f"{stem}.{what}{self.result.suffix}")

    def places(self) -> list[Path]:
        """Every file that may be written."""
        return [self.result, *(self.beside(what) for what in ("mask", "depthmap", "depth"))]


@dataclass(frozen=True)
class Sheet:
    """One file: its role, its place, its planes, and how they follow from a band of the result's planes."""

    role: str
    path: Path
    planes: int
    drawn: Callable[[np.ndarray], np.ndarray]


def sheets(job: FinishJob, wish: Wish, opaque: bool, *, masked: bool) -> list[Sheet]:
    """The files of a wish. ``opaque``: the result needs no alpha. Only a masked result has mask and depth."""
    c = job.colours
    count = c if opaque else c + 1
    found = [Sheet("result", wish.result, count, lambda band: band[:count])]
    if wish.extra and masked:
        found += [
            Sheet("mask", wish.beside("mask"), 1, lambda band: band[c + 1 : c + 2]),
            Sheet("depthmap", wish.beside("depthmap"), 4, lambda band: painted(band[c + 2 :])),
            Sheet("depth", wish.beside("depth"), 1, lambda band: band[c + 2 : c + 3]),
        ]
    return found


def painted(depth: np.ndarray) -> np.ndarray:
    """Depth value and opacity (2, y, x) as 16-bit codes, through the rainbow: red, green, blue, alpha."""
    colours = kernels.rainbow.rainbow(depth[0].astype(np.float32) / np.float32(65535))
    codes = (colours * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
    return np.concatenate([codes, depth[1:]])


def picture(plan: Plan, sheet: Sheet, bits: int) -> Picture:
    """Geometry and description of a file."""
    height, width = plan.stack.frame
    home, folder = str(Path.home()), str(plan.stack.headers[0].path.absolute().parent)
    make = "~" + folder.removeprefix(home) if folder.startswith(home + "/") else folder
    kind = "uint8" if bits == 8 or sheet.path.suffix.lower() in (".jpg", ".jpeg") else "uint16"
    return Picture(height, width, sheet.planes, kind, str(plan.recipe), f"imfuse-tiles v{__version__}", make)  # type: ignore[arg-type]


#: Bytes of a packed sample for each plain one: noise packs to about 0.65, flat planes to nothing.
PACKED = 0.65


def check(plan: Plan, store: Store, wish: Wish, memory: int, *, masked: bool) -> int:
    """Refuse before anything is computed what could not be written at the end; about the bytes it will take."""
    job = plan.result.job
    assert isinstance(job, FinishJob)
    numbers = store.numbers(plan.result.key) if store.exists() else None
    opaque = wish.result.suffix.lower() in (".jpg", ".jpeg") if numbers is None else numbers["opaque"]
    size = 0
    for sheet in sheets(job, wish, opaque, masked=masked):
        check_apart(sheet.path, plan, store)
        if not written(plan, store, sheet, wish):
            made = picture(plan, sheet, wish.bits)
            check_target(sheet.path, made, force=wish.force, memory=memory)
            size += int(PACKED * made.row_bytes * made.height)
    return size


def check_apart(path: Path, plan: Plan, store: Store) -> None:
    """Refuse to write over an image of the stack, whatever its name is here, or into the store."""
    if path.exists():
        for header in plan.stack.headers:
            if path.samefile(header.path):
                raise Refusal(f"{path}: is an image of the stack; not even --force overwrites it")
    if "://" not in store.root and path.absolute().is_relative_to(store.folder):
        raise Refusal(f"{path}: lies in the store {store.root}; results go elsewhere")


def export(
    plan: Plan, store: Store, wish: Wish, *, masked: bool, workers: int, memory: int, check: Callable[[], None]
) -> dict[str, str]:
    """Write the files that are not there yet; their places by role. ``check`` may raise between two bands."""
    job, numbers = plan.result.job, store.numbers(plan.result.key)
    assert isinstance(job, FinishJob)
    assert numbers is not None
    places = {}
    for sheet in sheets(job, wish, numbers["opaque"], masked=masked):
        places[sheet.role] = str(sheet.path)
        if written(plan, store, sheet, wish):
            continue
        made = picture(plan, sheet, wish.bits)
        bands = drawn(store, job, sheet, made.dtype, check)
        with told(f"the {sheet.role}", sheet.path.parent, int(PACKED * made.row_bytes * made.height)):
            write_picture(sheet.path, made, bands, force=wish.force, workers=workers, memory=memory)
        state = sheet.path.stat()
        with told(f"the note of the {sheet.role}", store.folder, 4096):
            store.finish(name(plan, sheet, wish), {"size": state.st_size, "mtime_ns": state.st_mtime_ns})
    return places


def drawn(
    store: Store, job: FinishJob, sheet: Sheet, dtype: str, check: Callable[[], None], rows: int = 128
) -> Iterator[np.ndarray]:
    """Bands (rows, width, planes) of a file, top to bottom; ``check`` may raise before each."""
    array = store.array(job.out)
    depth, height, width = array.shape
    rows = array.chunks[1] if array.chunks[1] * width * depth <= 64 << 20 else rows
    for y0 in range(0, height, rows):
        check()
        band = array.read([(0, depth), (y0, min(y0 + rows, height)), (0, width)])
        codes = np.ascontiguousarray(np.moveaxis(sheet.drawn(band), 0, -1))
        # Exact rounding of 16 to 8 bits: 257 codes make one step.
        yield codes if dtype == "uint16" else ((codes.astype(np.uint32) + 128) // 257).astype(np.uint8)


def name(plan: Plan, sheet: Sheet, wish: Wish) -> str:
    """Under which a store remembers that it wrote a file."""
    return "output-" + digest([plan.result.key, str(plan.recipe), sheet.role, str(sheet.path.absolute()), wish.bits])


def written(plan: Plan, store: Store, sheet: Sheet, wish: Wish) -> bool:
    """Whether the file is there as this very plan wrote it."""
    said = store.numbers(name(plan, sheet, wish)) if store.exists() else None
    if said is None or not sheet.path.is_file():
        return False
    state = sheet.path.stat()
    return (state.st_size, state.st_mtime_ns) == (said["size"], said["mtime_ns"])


def default_name(plan: Plan, base: str | None, long: bool, ending: str) -> Path:
    """The name of a result that was given none: digests of the sources and the options, after ``base``.

    ``base``: a folder (the name has no base then) or a path that begins the name; empty: the name of this folder.
    """
    options = hashlib.sha256(str(plan.recipe).encode()).hexdigest()[-6:]
    if base == "":
        base = Path.cwd().name
    folder = Path(base) if base and Path(base).is_dir() else Path(base or "").parent
    start = "" if base is None or Path(base).is_dir() else Path(base).name
    said = str(plan.recipe).replace(" ", "").replace("/", "_") if long else ""
    return folder / f"{start}{plan.stack.digest[-6:]}_{options}{said}.result.{ending}"
