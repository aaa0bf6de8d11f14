"""Which files a result becomes, which pages each has, and how their samples follow from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.options.recipe import substack_spans
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.layers import Layer, with_colour_planes
from imfuse_tiles.stages.step_chain import StepChain

Read = Callable[[Access, Region], np.ndarray]


@frozen
class Page:
    """One picture of a file: its planes and how a region of them is read, (planes, y, x) of its number type.

    Nearly always these are 16-bit codes.
    """

    planes: int
    read: Read
    name: str = ""
    dtype: str = "uint16"


@frozen
class OutputFile:
    """One file: its role, its place and its pages."""

    role: str
    path: Path
    pages: tuple[Page, ...]


def output_pages(
    plan: Plan, result: Path, extra: Mapping[str, Path], opaque: bool, depth_opaque: bool = False
) -> list[OutputFile]:
    """The files of a result. ``extra``: places of mask and depth maps that are wanted. ``opaque``: needs no opacity.

    Where no mask is strong enough the depth is unknown, not 0, which is the back: unless ``depth_opaque``, the grey
    depth map has its opacity beside it, too.
    """
    job = plan.result.job
    assert isinstance(job, FinishJob)
    planes = job.colours + (not opaque)
    pages = [Page(planes, result_planes(job, 0, planes), "result" if plan.recipe.layered else "")]
    if plan.recipe.layered:
        pages += [layer_page(source, job.colours) for source in layer_sources(plan, job)]
    mask, depth = job.colours + 1, job.colours + 2
    others = {
        "mask": Page(1, result_planes(job, mask, mask + 1)),
        "depthmap": depth_page(result_planes(job, depth, depth + 2), extra.get("depthmap", result)),
        "depth": Page(1, result_planes(job, depth, depth + 1))
        if depth_opaque
        else Page(2, result_planes(job, depth, depth + 2)),
    }
    return [
        OutputFile("result", result, tuple(pages)),
        *(OutputFile(what, extra[what], (others[what],)) for what in extra),
    ]


def result_planes(job: FinishJob, first: int, stop: int) -> Read:
    """Some planes of the finished result."""
    return lambda access, region: access.read(job.out, [(first, stop)], region)


def depth_colours(depth: Read) -> Read:
    """Depth value and opacity through the rainbow: red, green, blue, opacity."""

    def read(access: Access, region: Region) -> np.ndarray:
        value, opacity = depth(access, region)
        made = np.empty((4, *value.shape), np.uint16)
        np.take(depth_colour_table(), value, axis=1, out=made[:3])
        made[3] = opacity
        return made

    return read


def depth_in_micrometres(depth: Read, height: float) -> Page:
    """Depth values and their opacity, 16-bit codes, as micrometres in front of the last frame, float32.

    ``height``: the micrometres that the value 1 stands for. Not a number where the depth is not known.
    """

    def read(access: Access, region: Region) -> np.ndarray:
        value, opacity = depth(access, region)
        made = value.astype(np.float32) * np.float32(height / 65535)
        made[opacity == 0] = np.nan
        return made[None]

    return Page(1, read, "depth in micrometres", "float32")


@cache
def depth_colour_table() -> np.ndarray:
    """The rainbow's colour of every depth value, as 16-bit codes (3, 65536)."""
    values = np.arange(65536, dtype=np.float32)[None] / np.float32(65535)
    return (kernels.rainbow.rainbow(values)[:, 0] * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


def depth_page(depth: Read, path: Path) -> Page:
    """The coloured depth map, on black where the format knows no transparency."""
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        return Page(4, depth_colours(depth))

    def on_black(access: Access, region: Region) -> np.ndarray:
        *colours, opacity = depth_colours(depth)(access, region).astype(np.uint32)
        return ((np.stack(colours) * opacity + 32767) // 65535).astype(np.uint16)

    return Page(3, on_black)


@frozen
class LayerSource:
    """A layer of a result: its name, and the background or written picture it is read from, from a plane on."""

    name: str
    of: Layer | StepChain
    first: int = 0


def layer_sources(plan: Plan, job: FinishJob) -> list[LayerSource]:
    """The layers that make the result, from the lowest to the topmost: backgrounds, then substacks, the front one last.

    Image editors put the first page lowest: there, the result itself lies below its layers.
    """
    spans = substack_spans(plan.recipe, len(plan.stack))
    names = [f"substack {first + 1}-{last + 1}" for first, last in spans]
    sources = [LayerSource(f"background {layer.image_spec}", layer) for layer in job.layers]
    for chain, name in reversed([*zip(job.pictures, names, strict=False)]):
        each = chain.colours + 1
        sources += [LayerSource(f"background of {name}", chain, first)
                    for first in range(chain.behind, chain.planes, each)]  # fmt: skip
    substacks = [LayerSource(name, chain) for chain, name in zip(job.pictures, names, strict=False)]
    return sources + substacks[::-1]


def layer_page(source: LayerSource, colours: int) -> Page:
    """A layer as a page of so many colours and their opacity."""
    of = source.of
    if isinstance(of, Layer):
        background = of
        read: Read = lambda access, region: kernels.codes.to_codes(background.read(access, region, colours))  # noqa: E731
        return Page(colours + 1, read, source.name)
    chain, lead = of, (source.first, source.first + of.colours + 1)
    return Page(
        colours + 1,
        lambda access, region: kernels.codes.to_codes(with_colour_planes(chain.samples(access, lead, region), colours)),
        source.name,
    )
