"""``batch --mask-channel``: the channels of a stack, all fused by the masks of one of them, or by its depth.

That channel is fused first; the others are laid over each other as its frames are. With mask generators they take its
masks, which lie in its store. Without, it is fused with its depth map, and they take every pixel from the slices where
it is in focus.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.alignment import load_alignment
from imfuse_tiles.imageio.find_stacks import FoundStack
from imfuse_tiles.imageio.reading.detect import series_in
from imfuse_tiles.imageio.reading.series import number_of_channel
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.recipe import Recipe, check_recipe

#: Groups of options that go along to the other channels; those of masks do not.
_KEPT = ("Frames", "Preparation", "Final steps")


def check_mask_channel(args: argparse.Namespace, recipe: Recipe) -> None:
    """Refuse options by which channels would have other frames than the one that tells, or neither masks nor depth."""
    other = [op for op in recipe.backgrounds if not str(op).lower().startswith("--bg=pyramid")]
    if other and not recipe.generators:
        raise Refusal("--mask-channel takes masks, or the depth that --bg=pyramid, the default, finds; "
                      f"{other[0]} alone has neither")  # fmt: skip
    if args.mask_channel and (args.skip_bad or args.order == "focus"):
        raise Refusal("--mask-channel: all channels keep all frames in their order; without --skip-bad, --order=focus")
    if args.mask_channel and args.part:
        raise Refusal("--mask-channel goes without --part: one channel must be done for the others")


def mask_channel_first(stacks: Sequence[FoundStack], channel: str) -> list[FoundStack]:
    """The stacks, of each file, series and time the channel named or numbered ``channel`` before the others.

    Refusal for a file without that channel.
    """
    numbers: dict[tuple[Path, str], str] = {}
    for stack in stacks:
        place = stack.images[0], stack.selection.series
        if stack.selection.channel and place not in numbers:
            series = series_in(place[0])[int(place[1] or 1) - 1]
            numbers[place] = str(number_of_channel(place[0], channel, series) + 1)
    if not numbers:
        raise Refusal(f"--mask-channel {channel}: no file of several channels there")

    def is_other(stack: FoundStack) -> bool:
        return stack.selection.channel != numbers.get((stack.images[0], stack.selection.series), "")

    marked = [replace(stack, tells_depth=bool(stack.selection.channel) and not is_other(stack)) for stack in stacks]
    places = {stack.scene: place for place, stack in reversed(list(enumerate(stacks)))}
    return sorted(marked, key=lambda stack: (places[stack.scene], is_other(stack)))


class GuideChannels:
    """What the channels that tell of masks or depth leave for the others. ``folder``: for files of transforms.

    ``store_of``: the store of a stack as the arguments name it, None where each stack has one in the cache folder.
    """

    def __init__(self, folder: Path, store_of: Callable[[FoundStack], str | None]) -> None:
        self._folder, self._store_of = folder, store_of
        self._done: dict[object, tuple[FoundStack, Path]] = {}

    def prepare(self, stack: FoundStack, args: argparse.Namespace, recipe: Recipe) -> Recipe:
        """Set the arguments of a stack, and give its recipe. Refusal where the channel that tells is not done."""
        if stack.tells_depth:
            return self._prepare_guide(stack, args, recipe)
        if stack.scene not in self._done:
            raise Refusal("the channel that tells its masks is not done")
        guide, result = self._done[stack.scene]
        if recipe.generators:
            args.guide_channel, args.store = guide.selection.channel, self._store_of(guide)
            return recipe
        transforms = self._transforms(guide)
        args.transforms = str(transforms) if transforms.exists() else None
        return channel_recipe(recipe, _depth_beside(result))

    def keep(self, stack: FoundStack, args: argparse.Namespace) -> None:
        """Note a stack that was fused and tells the others."""
        if stack.tells_depth:
            if self._transforms(stack).exists():
                _without_gains(self._transforms(stack))
            self._done[stack.scene] = stack, Path(args.output)

    def _prepare_guide(self, stack: FoundStack, args: argparse.Namespace, recipe: Recipe) -> Recipe:
        if not recipe.generators:
            args.extra = True
            args.save_transforms = None if _is_not_aligned(recipe) else str(self._transforms(stack))
        return recipe

    def _transforms(self, stack: FoundStack) -> Path:
        return self._folder / f"{stack.name}.transforms.json"


def _depth_beside(result: Path) -> Path:
    """The depth map that was written with a result."""
    from imfuse_tiles.execution.export_request import ExportRequest

    return ExportRequest(result).beside("depth")


def channel_recipe(recipe: Recipe, depth: Path) -> Recipe:
    """The recipe of another channel: a depth map, and the same preparation and final steps."""
    kept = [op for op in recipe.ops if op.section.startswith(_KEPT)]
    return check_recipe(Recipe((parse_arguments("depthmap", str(depth)), *kept), recipe.revert, recipe.layered))


def _is_not_aligned(recipe: Recipe) -> bool:
    return any(str(op) == "--align=no" for op in recipe.ops)


def _without_gains(path: Path) -> None:
    """Take the brightness of frames out of a file of transforms: each channel fades in its own way."""
    path.write_text(json.dumps(load_alignment(path).without_gains().record()))
