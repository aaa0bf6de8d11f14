"""Results side by side, small, with words below each: as one PNG, and as a page that needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.pipeline import cache_folder
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.writing.encode_tile import encode_jpeg, encode_png
from imfuse_tiles.imageio.writing.target import complete_or_absent
from imfuse_tiles.stages.stored_frames import COVERAGE
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.viewer.layer_tiles import AT_ONCE, TILE, deepest, reduced_values, sparse_values
from imfuse_tiles.viewer.layers import ViewLayer
from imfuse_tiles.viewer.result_measures import Measures
from imfuse_tiles.viewer.sparse_samples import sparse_samples
from imfuse_tiles.viewer.tile_cache import TileCache
from imfuse_tiles.viewer.tile_images import colours_of, over_backdrop

#: Width and largest height of a picture on the sheet, space around it, height of a line of words, the sheet's widest.
WIDTH, HIGHEST, SPACE, LINE, WIDEST = 400, 600, 16, 18, 2400
STYLE = """body { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; margin: 2rem; }
body { background: #242424; color: #e2e2e2; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; }
img { width: 100%; max-height: 80vh; object-fit: contain; object-position: left; display: block; }
figcaption { margin-top: .4rem; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 2rem 0; } th, td { padding: .3rem .9rem; border-bottom: 1px solid #555; }
th { text-align: left; font-weight: 600; } td + td { text-align: right; font-variant-numeric: tabular-nums; }
p { max-width: 60rem; color: #b5b5b5; } a { color: inherit; }
figure:target { grid-column: 1 / -1; } figure:target img { width: auto; max-width: 100%; }"""


@frozen
class Entry:
    """A result on a sheet: its number, the words below it, its picture (y, x, 3 or 1) uint8, and its measures.

    ``same_as``: the number of the first result that has the same pixels, None for one that differs from all before.
    """

    number: int
    words: tuple[str, ...]
    picture: np.ndarray
    measures: Measures | None = None
    same_as: int | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The words below the picture, and whether it was there before."""
        return (*self.words, *([f"the same picture as {self.same_as}"] if self.same_as else []))


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
    pixels = shown_cover(layer, colours_of(layer, np.concatenate(values, axis=1)), 1 << reduction)
    while pixels.shape[1] > 2 * WIDTH:
        pixels = pixels[::2, ::2]
    return pixels


def shown_cover(layer: ViewLayer, pixels: np.ndarray, step: int) -> np.ndarray:
    """Pixels (y, x, n) of a picture or slice, of which every so many are shown, over what lies behind clear ones.

    Where a frame shows nothing, the store holds the colours at the border of what it shows.
    """
    try:
        array = layer.store.arrays.open(layer.path + COVERAGE)
    except (Damaged, Refusal):
        return pixels
    whole = Region(0, layer.frame[0], 0, layer.frame[1])
    return over_backdrop(pixels, sparse_samples(array, [(0, 1)], whole, step)[0].astype(np.float32))


def write_sheet(path: Path, entries: Sequence[Entry]) -> None:
    """Write the sheet as PNG: rows of pictures of one width, each row as high as its highest."""
    from PIL import Image, ImageDraw, ImageFont

    columns = min(len(entries), (WIDEST - SPACE) // (WIDTH + SPACE), max(1, round(len(entries) ** 0.5 * 1.2)))
    rows = [entries[start : start + columns] for start in range(0, len(entries), columns)]
    heights = [max(shown_size(entry.picture)[1] for entry in row) for row in rows]
    below = max(len(entry.lines) for entry in entries) * LINE + 2 * SPACE
    size = columns * (WIDTH + SPACE) + SPACE, sum(heights) + len(rows) * below + SPACE
    sheet = Image.new("RGB", size, (36, 36, 36))
    draw, font, y = ImageDraw.Draw(sheet), ImageFont.load_default(13), SPACE
    for row, height in zip(rows, heights, strict=True):
        for place, entry in enumerate(row):
            x = SPACE + place * (WIDTH + SPACE)
            picture = Image.fromarray(entry.picture if entry.picture.shape[2] == 3 else entry.picture[..., 0])
            sheet.paste(picture.resize(shown_size(entry.picture), Image.Resampling.LANCZOS), (x, y))
            for number, words in enumerate(entry.lines):
                text = fitting(f"{entry.number}  {words}" if not number else f"    {words}", font.getlength)
                draw.text((x, y + height + 4 + number * LINE), text, fill=(226, 226, 226), font=font)
        y += height + below
    with complete_or_absent(path, force=True) as file:
        file.write(encode_png(np.asarray(sheet)))


def shown_size(picture: np.ndarray) -> tuple[int, int]:
    """Width and height of a picture on the sheet: WIDTH wide, unless that makes it higher than HIGHEST."""
    height, width = picture.shape[:2]
    scale = min(WIDTH / width, HIGHEST / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def fitting(text: str, width_of: Callable[[str], float]) -> str:
    """A text, its middle left out where it is wider than a picture: values differ at the end."""
    for kept in range(len(text), 7, -1):
        shown = text if kept == len(text) else f"{text[: kept // 2]}…{text[len(text) - kept // 2 :]}"
        if width_of(shown) <= WIDTH:
            return shown
    return text[:7]


def write_sheet_page(path: Path, title: str, entries: Sequence[Entry], notes: Sequence[str] = ()) -> None:
    """Write the sheet as an HTML page with a table of the measures. ``notes``: lines above the pictures."""
    figures = "\n".join(map(_figure, entries))
    above = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>{above}<main>{figures}</main>{_table(entries)}</html>\n"
    )
    with complete_or_absent(path, force=True) as file:
        file.write(text.encode())


def _figure(entry: Entry) -> str:
    words = " ".join(f"<code>{html.escape(each)}</code>" for each in entry.words)
    source = base64.b64encode(encode_jpeg(entry.picture)).decode()
    about = html.escape(" ".join(entry.words), quote=True)
    same = f" the same picture as {entry.same_as}" if entry.same_as else ""
    return (
        f'<figure id="r{entry.number}"><a href="#r{entry.number}"><img alt="{about}" '
        f'src="data:image/jpeg;base64,{source}"></a><figcaption>{entry.number} {words}{same}</figcaption></figure>'
    )


def _table(entries: Sequence[Entry]) -> str:
    if not any(entry.measures for entry in entries):
        return ""
    rows = "".join(
        f"<tr><td>{entry.number} {html.escape(' '.join(entry.words))}</td>"
        + "".join(f"<td>{value}</td>" for value in _values(entry))
        + "</tr>"
        for entry in entries
    )
    return (
        "<table><tr><th>Result</th><th>Sharpness kept, %</th><th>Noise, %</th><th>Disagreement, %</th></tr>"
        f"{rows}</table><p>Sharpness kept: detail beside that of the sharpest slice. Noise: standard deviation, of "
        "full scale. Disagreement: neighbouring pixels that come from slices more than two apart. Measured without "
        "a reference: they help to look, and do not decide.</p>"
    )


def _values(entry: Entry) -> tuple[str, ...]:
    """The measures in words, those of a column with as many digits; a dash for what was not measured."""
    found = entry.measures
    values = ((found.sharpness, 2), (found.noise, 3), (found.disagreement, 2)) if found else ((None, 0),) * 3
    return tuple("–" if value is None else f"{value:.{digits}f}" for value, digits in values)
