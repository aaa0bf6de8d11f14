"""Results side by side, small, with words below each: as one PNG, and as a page that needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imfuse_tiles.execution.pipeline import cache_folder
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.writing.encode_tile import encode_jpeg, encode_png
from imfuse_tiles.imageio.writing.target import complete_or_absent
from imfuse_tiles.viewer.layer_tiles import AT_ONCE, TILE, deepest, reduced_values, sparse_values
from imfuse_tiles.viewer.layers import ViewLayer
from imfuse_tiles.viewer.result_measures import Measures
from imfuse_tiles.viewer.tile_cache import TileCache
from imfuse_tiles.viewer.tile_images import colours_of

#: Width of a picture on the sheet, space around it, height of a line of words, and the sheet's widest.
WIDTH, SPACE, LINE, WIDEST = 400, 16, 18, 2400
STYLE = """body { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; margin: 2rem; }
body { background: #242424; color: #e2e2e2; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; } img { width: 100%; display: block; } figcaption { margin-top: .4rem; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 2rem 0; } th, td { padding: .3rem .9rem; border-bottom: 1px solid #555; }
th { text-align: left; font-weight: 600; } td + td { text-align: right; font-variant-numeric: tabular-nums; }
p { max-width: 60rem; color: #b5b5b5; }"""


@frozen
class Entry:
    """A result on a sheet: its number, the words below it, its picture (y, x, 3 or 1) uint8, and its measures."""

    number: int
    words: tuple[str, ...]
    picture: np.ndarray
    measures: Measures | None = None


def thumbnail(layer: ViewLayer) -> np.ndarray:
    """A layer at WIDTH to twice as many pixels of width (y, x, 3 or 1) uint8, fewer if it has no more: no soft ones."""
    reduction, cache = deepest(layer), TileCache(cache_folder() / "view-tiles")
    while reduction and -(-layer.frame[1] >> reduction) < WIDTH:
        reduction -= 1
    few = reduction <= AT_ONCE  # pixels of a huge picture are not all read for a small one

    def tile(row: int, column: int) -> np.ndarray:
        place = reduction, row, column
        return reduced_values(layer, 0, place, cache) if few else sparse_values(layer, 0, place)

    rows, columns = (-(-size // (TILE << reduction)) for size in layer.frame)
    values = [np.concatenate([tile(row, column) for column in range(columns)], axis=2) for row in range(rows)]
    pixels = colours_of(layer, np.concatenate(values, axis=1))
    while pixels.shape[1] > 2 * WIDTH:
        pixels = pixels[::2, ::2]
    return pixels


def write_sheet(path: Path, entries: Sequence[Entry]) -> None:
    """Write the sheet as PNG."""
    from PIL import Image, ImageDraw, ImageFont

    height = max(entry.picture.shape[0] * WIDTH // entry.picture.shape[1] for entry in entries)
    lines = max(len(entry.words) for entry in entries)
    columns = min(len(entries), (WIDEST - SPACE) // (WIDTH + SPACE), max(1, round(len(entries) ** 0.5 * 1.2)))
    step = height + lines * LINE + 2 * SPACE
    size = columns * (WIDTH + SPACE) + SPACE, -(-len(entries) // columns) * step + SPACE
    sheet = Image.new("RGB", size, (36, 36, 36))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, entry in enumerate(entries):
        x, y = SPACE + place % columns * (WIDTH + SPACE), SPACE + place // columns * step
        pixels = entry.picture if entry.picture.shape[2] == 3 else entry.picture[..., 0]
        picture = Image.fromarray(pixels)
        fit = picture.resize((WIDTH, max(1, picture.height * WIDTH // picture.width)), Image.Resampling.LANCZOS)
        sheet.paste(fit, (x, y))
        for number, words in enumerate(entry.words):
            text = f"{entry.number}  {words}" if not number else f"    {words}"
            draw.text((x, y + height + 4 + number * LINE), text[:64], fill=(226, 226, 226), font=font)
    with complete_or_absent(path, force=True) as file:
        file.write(encode_png(np.asarray(sheet)))


def write_sheet_page(path: Path, title: str, entries: Sequence[Entry]) -> None:
    """Write the sheet as an HTML page with a table of the measures."""
    figures = "\n".join(map(_figure, entries))
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1><main>{figures}</main>{_table(entries)}</html>\n"
    )
    with complete_or_absent(path, force=True) as file:
        file.write(text.encode())


def _figure(entry: Entry) -> str:
    words = " ".join(f"<code>{html.escape(each)}</code>" for each in entry.words)
    source = base64.b64encode(encode_jpeg(entry.picture)).decode()
    about = html.escape(" ".join(entry.words), quote=True)
    return (
        f'<figure><img alt="{about}" src="data:image/jpeg;base64,{source}">'
        f"<figcaption>{entry.number} {words}</figcaption></figure>"
    )


def _table(entries: Sequence[Entry]) -> str:
    if not any(entry.measures for entry in entries):
        return ""
    rows = "".join(
        f"<tr><td>{entry.number} {html.escape(' '.join(entry.words))}</td>"
        + "".join(f"<td>{'–' if value is None else value}</td>" for value in _values(entry))
        + "</tr>"
        for entry in entries
    )
    return (
        "<table><tr><th>Result</th><th>Sharpness kept, %</th><th>Noise, %</th><th>Disagreement, %</th></tr>"
        f"{rows}</table><p>Sharpness kept: detail beside that of the sharpest slice. Noise: standard deviation, of "
        "full scale. Disagreement: neighbouring pixels that come from slices more than two apart. Measured without "
        "a reference: they help to look, and do not decide.</p>"
    )


def _values(entry: Entry) -> tuple[float | None, ...]:
    found = entry.measures
    return (found.sharpness, found.noise, found.disagreement) if found else (None, None, None)
