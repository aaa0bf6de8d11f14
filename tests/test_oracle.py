"""Every option set that the original was run with: its masks, results and depth maps, in decibels.

All sets run through one store, as a user's trials would, so that masks are made once.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.run import Run
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.storage.store import Store

FOLDER = Path(os.environ.get("IMFUSE_SHARED") or Path(__file__).parents[1] / "../shared").resolve() / "oracle"
MANIFEST = FOLDER / "manifest.json"
SETS = {each["name"]: each for each in json.loads(MANIFEST.read_text())["sets"]} if MANIFEST.is_file() else {}

MASK, RESULT = 50, 45
#: Made by other options than it names, because the original forgets the difference with S0.
RESAID = {"blur_s2S0diff"}
#: Its depth array was not read whole: the last quarter repeats that of cut_alpha, the rest has its planes mixed up.
NO_DEPTH = {"final_alpha_off"}

pytestmark = pytest.mark.skipif(not SETS, reason=f"no {MANIFEST}; IMFUSE_SHARED may name the folder it is in")


class Bench:
    """The stack, one store, and what each set makes of them. ``frames``: the slices, and a clear one at the end."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted((FOLDER / "stack").glob("s0*.tif"))
        self.store = Store(str(folder / "store"))
        self.store.create()
        frames = [tifffile.imread(file) / 65535.0 for file in self.files]
        self.frames = np.stack([*frames, np.zeros_like(frames[0])])

    def result(self, recipe: Recipe) -> dict[str, np.ndarray]:
        """Planes of the result in 0..1."""
        plan = make_plan(recipe, open_stack(self.files, recipe.revert))
        resources = Resources(memory=2 << 30, workers=1, scheduler="sync")
        Run(survey(plan, self.store, resources), self.store).execute(lambda: open_pool(resources, self.store.root))
        job: Any = plan.result.job
        height, width = plan.stack.frame
        planes = self.store.arrays.open(job.out).read([(0, job.depth), (0, height), (0, width)]) / 65535.0
        c = job.colours
        return {"colours": np.moveaxis(planes[:c], 0, -1), "opacity": planes[c], "mask": planes[c + 1],
                "depth": planes[c + 2], "depth opacity": planes[c + 3]}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("oracle"))


def decibels(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Peak signal to noise ratio for values in 0..1."""
    error = float(np.mean((ours - theirs) ** 2))
    return 200.0 if error < 1e-20 else -10 * np.log10(error)


def recipe_of(entry: dict[str, Any]) -> Recipe:
    options = [each.replace("depthmap_input.tif", str(FOLDER / "depthmap_input.tif")) for each in entry["options"]]
    return parse_fuse_args(fuse_parser("fuse"), options)[1]


def theirs(entry: dict[str, Any], what: str, bits: int) -> np.ndarray | None:
    """An array of a set in 0..1, None when it has none."""
    with np.load(FOLDER / entry["file"]) as arrays:
        return arrays[what] / (2.0**bits - 1) if what in arrays else None


def compared(entry: dict[str, Any], ours: dict[str, np.ndarray], frames: np.ndarray) -> dict[str, float]:
    """Decibels of everything that a set holds."""
    found = {}
    masked = SETS[entry["mask_same_as"]] if "mask_same_as" in entry else entry
    mask = theirs(masked, "mask", masked.get("mask_bits", 16))
    if mask is not None:
        found["mask"] = decibels(ours["mask"], mask)
    with np.load(FOLDER / entry["file"]) as arrays:
        winner, depth = (arrays.get(each) for each in ("winner", "depth"))
    result = theirs(entry, "result", entry.get("result_bits", 16))
    if winner is not None:
        y, x = np.indices(winner.shape)
        colours, opacity = frames[np.minimum(winner, len(frames) - 1), y, x], (winner != 255).astype(float)
    elif result is not None:
        colours, opacity = result[..., :3], result[..., 3] if result.shape[-1] == 4 else np.ones(result.shape[:2])
    if winner is not None or result is not None:
        seen = (opacity > 0)[..., None]
        found["result"] = decibels(ours["colours"] * seen, colours * seen)
        found["opacity"] = decibels(ours["opacity"], opacity)
    if depth is not None and entry["name"] not in NO_DEPTH:
        seen = depth[..., 1] > 0
        found["depth"] = decibels(ours["depth"] * seen, depth[..., 0] / 255 * seen)
        found["depth opacity"] = decibels(ours["depth opacity"], depth[..., 1] / 255)
    return found


@pytest.mark.parametrize("name", SETS)
def test_a_set_agrees_with_the_original(name: str, bench: Bench) -> None:
    recipe = recipe_of(SETS[name])
    frames = bench.frames[[*range(len(bench.files))[::-1], -1]] if recipe.revert else bench.frames
    found = compared(SETS[name], bench.result(recipe), frames)
    assert found
    low = {what: value for what, value in found.items() if value < (MASK if what == "mask" else RESULT)}
    assert not low, f"{recipe}: {', '.join(f'{what} {value:.1f} dB' for what, value in found.items())}"


@pytest.mark.parametrize("name", [name for name, entry in SETS.items() if entry["description"] and name not in RESAID])
def test_the_canonical_options_read_as_those_of_the_original(name: str) -> None:
    assert str(recipe_of(SETS[name]).for_stack(7)).replace(f"{FOLDER}/", "") == SETS[name]["description"]
