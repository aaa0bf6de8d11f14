"""What a run did, for Python: files, stages, the arrays of its store, and how it looks in a notebook."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imfuse_tiles.execution.progress import StageReport

if TYPE_CHECKING:
    import numpy as np

    from imfuse_tiles.execution.store_arrays import StoreArrays
    from imfuse_tiles.execution.stored_results import StoredResult
    from imfuse_tiles.storage.store import Store

#: Longest side of the picture in a notebook, in pixels.
THUMBNAIL = 320
#: Larger pictures are shown only if the store has smaller levels of them: all of it would be read.
LARGEST_READ = 16_000_000


@dataclass
class Outcome:
    """What a run did: the files by role, and a report of every stage in order.

    ``store``: where its store lies; ``result``: the key of the result in it.
    """

    output: dict[str, str] = field(default_factory=dict)
    stages: list[StageReport] = field(default_factory=list)
    store: str = ""
    result: str = ""

    @property
    def arrays(self) -> StoreArrays:
        """The arrays of the store, as ``open_store`` gives them."""
        from imfuse_tiles.execution.store_arrays import open_store

        return open_store(self.store)

    def _repr_html_(self) -> str:
        """The result in small, with figures, for a notebook."""
        rows = [(role, html.escape(path)) for role, path in self.output.items()]
        picture = ""
        if self.result:
            from imfuse_tiles.execution.stored_results import find_result
            from imfuse_tiles.storage.store import Store

            store = Store.at(self.store)
            result = find_result(store, self.result)
            size = f"{result.frame[1]} x {result.frame[0]} pixels of {result.slices} frames"
            rows += [("size", size), ("options", html.escape(result.options))]
            picture = _image(thumbnail(store, result))
        rows.append(("computed", f"{sum(stage.computed for stage in self.stages)} blocks of {len(self.stages)} stages"))
        rows.append(("time", f"{sum(stage.seconds for stage in self.stages):.1f} s"))
        table = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
        return f"<div>{picture}<table>{table}</table></div>"


def thumbnail(store: Store, result: StoredResult) -> np.ndarray | None:
    """The picture in small, uint8 (y, x, 1 or 3), on black where it is transparent; None where it is large."""
    import numpy as np

    from imfuse_tiles.execution.overviews import level_paths
    from imfuse_tiles.kernels.eight_bits import eight_bits
    from imfuse_tiles.kernels.halve import halve

    array = store.arrays.open(level_paths(store, result)[-1])
    height, width = array.shape[1:]
    if height * width > LARGEST_READ:
        return None
    samples = array.read([(0, result.colours + 1), (0, height), (0, width)])
    while max(samples.shape[1:]) > THUMBNAIL:
        samples = halve(samples)
    colours = samples[:-1].astype(np.uint32) * samples[-1] // 65535
    return np.ascontiguousarray(np.moveaxis(eight_bits(colours.astype(np.uint16)), 0, -1))


def _image(pixels: np.ndarray | None) -> str:
    """Pixels as an element of HTML."""
    if pixels is None:
        return ""
    from imfuse_tiles.imageio.writing.deep_zoom import as_jpeg

    return f'<img alt="the result" src="data:image/jpeg;base64,{base64.b64encode(as_jpeg(pixels)).decode()}"/>'
