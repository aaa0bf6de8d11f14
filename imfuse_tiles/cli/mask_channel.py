"""``batch --mask-channel``: the channels of a stack, all fused by the depth that is found in one of them.

That channel is fused first, with its depth map; the others are laid over each other as its frames are, and take every
pixel from the slices where it is in focus.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.find_stacks import FoundStack
from imfuse_tiles.imageio.reading.detect import series_in
from imfuse_tiles.imageio.reading.series import number_of_channel
from imfuse_tiles.options.grammar import parse_arguments
from imfuse_tiles.options.recipe import Recipe, check_recipe

#: Groups of options that go along to the other channels; those of masks do not.
_KEPT = ("Frames", "Preparation", "Final steps")


def check_mask_channel(args: argparse.Namespace, recipe: Recipe) -> None:
    """Refuse options by which the channels would have other frames than the one that tells the depth, or no depth."""
    other = [op for op in recipe.backgrounds if not str(op).lower().startswith("--bg=pyramid")]
    if recipe.generators or other:
        raise Refusal("--mask-channel takes the depth that --bg=pyramid, the default, finds at every pixel; without "
                      "mask generators, other backgrounds, and presets that have them")  # fmt: skip
    if args.mask_channel and (args.skip_bad or args.order == "focus"):
        raise Refusal("--mask-channel: all channels keep all frames in their order; without --skip-bad, --order=focus")
    if args.mask_channel and args.part:
        raise Refusal("--mask-channel goes without --part: the depth of one channel must be there for the others")


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


class ChannelDepths:
    """What the channels that tell the depth leave for the others: depth maps and transforms."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._depths: dict[object, tuple[Path, Path]] = {}

    def prepare(self, stack: FoundStack, args: argparse.Namespace, recipe: Recipe) -> Recipe:
        """Set the arguments of a stack, and give its recipe. Refusal where its depth is not there."""
        if stack.tells_depth:
            args.extra = True
            args.save_transforms = None if _is_not_aligned(recipe) else str(self._transforms(stack))
            return recipe
        if stack.scene not in self._depths:
            raise Refusal("the channel that tells its depth is not done")
        depth, transforms = self._depths[stack.scene]
        args.transforms = str(transforms) if transforms.exists() else None
        return channel_recipe(recipe, depth)

    def keep(self, stack: FoundStack, args: argparse.Namespace) -> None:
        """Note what a stack that was fused tells the others."""
        from imfuse_tiles.execution.export_request import ExportRequest

        if stack.tells_depth:
            transforms = self._transforms(stack)
            if transforms.exists():
                _without_gains(transforms)
            self._depths[stack.scene] = ExportRequest(Path(args.output)).beside("depth"), transforms

    def _transforms(self, stack: FoundStack) -> Path:
        return self._folder / f"{stack.name}.transforms.json"


def channel_recipe(recipe: Recipe, depth: Path) -> Recipe:
    """The recipe of another channel: a depth map, and the same preparation and final steps."""
    kept = [op for op in recipe.ops if op.section.startswith(_KEPT)]
    return check_recipe(Recipe((parse_arguments("depthmap", str(depth)), *kept), recipe.revert, recipe.layered))


def _is_not_aligned(recipe: Recipe) -> bool:
    return any(str(op) == "--align=no" for op in recipe.ops)


def _without_gains(path: Path) -> None:
    """Take the brightness of frames out of a file of transforms: each channel fades in its own way."""
    record = json.loads(path.read_text())
    for frame in record["frames"]:
        frame.pop("gains", None)
    path.write_text(json.dumps(record))
