"""A contact sheet: what recipes make of stacks, each result whole and a piece of it at full size.

    python -m benchmarks contact-sheet SHEET.png STACK... --preset default --options "--wavelet --cutwave"

A STACK is a folder of images. Every result is kept in a store below --work, so that a sheet with one more recipe
computes no more than that. Needs nothing but the program and Pillow.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageDraw

from imfuse_tiles.cli.main import main as imfuse_tiles

ENDINGS = {".tif", ".tiff", ".png", ".jpg", ".jpeg"}
GREY, LINE = (128, 128, 128), 16


def images_of(stack: Path) -> list[Path]:
    """The images of a stack's folder; those that look like somebody's result are left out."""
    found = [path for path in sorted(stack.iterdir()) if path.suffix.lower() in ENDINGS]
    return [path for path in found if path.stem not in ("expected", "stacked", "depth", "author_stack", "demo_output")]


def fused(stack: Path, words: Sequence[str], work: Path, number: int) -> Image.Image:
    """A result as 8-bit RGB on grey."""
    work.mkdir(parents=True, exist_ok=True)
    place = work / f"{stack.name}-{number}.tif"
    store = work / f"{stack.name}.store"
    code = imfuse_tiles(
        ["fuse", "--quiet", "-f", "--store", str(store), "-o", str(place), *words, *map(str, images_of(stack))]
    )
    if code:
        raise SystemExit(code)
    samples = (tifffile.imread(place) >> 8).astype(np.uint8)
    picture = Image.fromarray(samples)
    ground = Image.new("RGB", picture.size, GREY)
    ground.paste(picture.convert("RGB"), mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    return ground


def busiest(picture: Image.Image, edge: int) -> tuple[int, int]:
    """The corner (x, y) of the square of ``edge`` pixels with the most contrast."""
    grey = np.asarray(picture.convert("L"), np.float32)
    energy = np.zeros_like(grey)
    energy[:-1, :-1] = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    steps = [range(0, max(side - edge, 0) + 1, max(edge // 4, 1)) for side in picture.size]
    corners = [(x, y) for x in steps[0] for y in steps[1]]
    return max(corners, key=lambda at: energy[at[1] :, at[0] :][:edge, :edge].sum())


def cell(picture: Image.Image, corner: tuple[int, int], edge: int, title: str) -> Image.Image:
    """A result whole, the piece at full size beside it, and a title above."""
    whole = picture.copy()
    whole.thumbnail((edge, edge))
    piece = picture.crop((*corner, corner[0] + edge, corner[1] + edge))
    made = Image.new("RGB", (2 * edge, edge + LINE), "white")
    ImageDraw.Draw(made).text((2, 2), title, fill="black")
    made.paste(whole, (0, LINE))
    made.paste(piece, (edge, LINE))
    return made


def sheet(stacks: Sequence[Path], recipes: dict[str, list[str]], work: Path, edge: int) -> Image.Image:
    """One row for each recipe, one column for each stack; all pieces of a stack from the same place."""
    made = Image.new("RGB", (2 * edge * len(stacks), (edge + LINE) * len(recipes)), "white")
    for column, stack in enumerate(stacks):
        corner: tuple[int, int] | None = None
        for row, (title, words) in enumerate(recipes.items()):
            picture = fused(stack, words, work, row)
            corner = corner or busiest(picture, edge)
            made.paste(cell(picture, corner, edge, f"{stack.name}: {title}"), (column * 2 * edge, row * (edge + LINE)))
    return made


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sheet", type=Path, nargs="?", default=Path("contact-sheet.png"))
    parser.add_argument("stacks", type=Path, nargs="*", metavar="STACK")
    parser.add_argument("--preset", action="append", default=[], help="a preset to show")
    parser.add_argument("--options", action="append", default=[], help="options to show, in one word")
    parser.add_argument("--edge", type=int, default=480, help="pixels of a picture's side")
    parser.add_argument("--work", type=Path, default=Path("contact-sheet"), help="folder for stores and results")
    parser.add_argument("--quick", action="store_true", help="of a tiny simulated stack, in a temporary folder")
    said = parser.parse_args(words)
    if said.quick:
        return _quick()
    if not said.stacks:
        parser.error("a SHEET and at least one STACK are needed")
    recipes = {name: ["--preset", name] for name in said.preset} | {text: text.split() for text in said.options}
    sheet(said.stacks, recipes or {"default": ["--preset", "default"]}, said.work, said.edge).save(said.sheet)
    print(said.sheet)
    return 0


def _quick() -> int:
    """A sheet of one tiny stack."""
    from benchmarks.fusion import simulated

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stack").mkdir()
        simulated("120x90x3", folder / "stack")
        return main([f"{name}/sheet.png", f"{name}/stack", "--work", f"{name}/work", "--edge", "64"])
