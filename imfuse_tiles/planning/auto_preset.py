"""The options of a run that asks for none: chosen by a look at the frames, with the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.backgrounds import Background
from imfuse_tiles.options.focus_pyramid import FocusPyramid
from imfuse_tiles.options.recipe import Recipe, check_recipe
from imfuse_tiles.planning.frame_survey import FEWEST, Survey, survey

#: Below this share of frames whose detail is most like a neighbour's, the stack is in no order of focus.
ORDERED = 0.5
#: Shares that are worth a line: of the picture that is never sharp, of brightness between frames.
NEVER_SHARP, BRIGHTNESS = 0.1, 0.04


@frozen
class Choice:
    """A recipe for a stack, and why: one line each."""

    recipe: Recipe
    reasons: tuple[str, ...]


def choose(recipe: Recipe, stack: Stack, by_focus: bool = False) -> Choice:
    """The recipe with a fusion that fits the stack, for one that asks for no picture.

    ``by_focus``: the frames will be sorted by their focus."""
    found = survey(stack)
    unordered = found is not None and not by_focus and found.in_order < ORDERED
    background = Background(word1=str(FocusPyramid(unordered=unordered)))
    return Choice(
        check_recipe(replace(recipe, ops=(background, *recipe.ops))), tuple(_reasons(stack, found, unordered, by_focus))
    )


def _reasons(stack: Stack, found: Survey | None, unordered: bool, by_focus: bool) -> Iterator[str]:
    frames = _frames(stack)
    if found is None:
        yield f"{frames}, too large to look at beforehand"
        return
    yield ", ".join([frames, *(["sorted by focus"] if by_focus else _order(found, unordered))])
    yield f"noise {100 * found.variance**0.5:.2g} % of full scale (noise=... sets it)"
    if found.never_sharp > NEVER_SHARP:
        yield f"{100 * found.never_sharp:.0f} % of the picture is sharp in no frame: its depth is filled in"
    low, high = (max(0.0, mean) for mean in (min(found.means), max(found.means)))
    if high - low > BRIGHTNESS * high:
        yield f"brightness differs by {100 * (high - low) / high:.0f} % between frames"
    for first, second in found.doubles:
        yield f"frames {first + 1} and {second + 1} are the same"


def _order(found: Survey, unordered: bool) -> Iterator[str]:
    """In what order of focus the frames are, as far as those that were looked at tell."""
    count = len(found.frames)
    odd = count - round(found.in_order * count)
    if unordered:
        yield "in no order of focus (--order=focus sorts them)"
    elif odd:
        yield f"mostly in order of focus: {odd} of {count} like others more than neighbours (--order=focus sorts them)"
    elif count >= FEWEST:
        yield "in order of focus"


def _frames(stack: Stack) -> str:
    """How many frames of which size: "30 frames of 24.0 megapixels"."""
    height, width = stack.frame
    area = height * width / 1e6
    size = f"{area:.1f} megapixels" if area >= 0.05 else f"{width} x {height} pixels"
    return f"one frame of {size}: nothing to fuse it with" if len(stack) == 1 else f"{len(stack)} frames of {size}"
