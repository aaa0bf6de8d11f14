"""Frames prepared in tiles are the prepared frame, whatever the options and their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imfuse_tiles.geometry import Region, tile_indices, tile_region
from imfuse_tiles.options.grammar import REGISTRY
from imfuse_tiles.options.option_parser import parse_option
from imfuse_tiles.options.preparation import Preparation
from imfuse_tiles.options.preparation_chain import PreparationChain, preparation_chain
from imfuse_tiles.options.recipe import Recipe

FRAME = (97, 131)
SAMPLES = np.random.default_rng(4).random((3, *FRAME), np.float32)
NUMBERS: dict[str, Any] = {"low": 0.1, "high": 0.8, "mean": 0.3, "black": 3000, "white": 60000}
SINGLE = [f"--{name}={text}" if text else f"--{name}" for name, kind in REGISTRY.items()
          if issubclass(kind, Preparation) for text in kind.examples if "+" not in text]  # fmt: skip
CHAINS = ["--crop=100x80+20+10 --sharpen=0x2,gaussian --frameresize=70%", "--rotate=12 --frameresize=150% --rotate=-33",
          "--rotate=270 --frameresize=60x --shave=5x3 --im=-blur_0x1", "--set=sharp2 --rotate=1 --set=gamma1",
          "--frameresize=200x30! --rotate=90 --crop=TL --contrast"]  # fmt: skip


def chain_of(text: str) -> PreparationChain:
    options = [parse_option(word.replace("_", " ")) for word in text.split(" --")[:1]]
    options += [parse_option("--" + word.replace("_", " ")) for word in text.split(" --")[1:]]
    return preparation_chain(options, FRAME)


def prepared(chain: PreparationChain, region: Region, planes: int = 3) -> np.ndarray:
    """A region, from a frame of which no more is known than is asked for."""

    def read(part: Region) -> np.ndarray:
        assert 0 <= part.y0 < part.y1 <= FRAME[0], part
        assert 0 <= part.x0 < part.x1 <= FRAME[1], part
        return SAMPLES[:planes, part.y0 : part.y1, part.x0 : part.x1].copy()

    return chain.prepared(read, region, [NUMBERS] * len(chain.steps), True)


@pytest.mark.parametrize("text", [*(text.replace(" ", "_") for text in SINGLE), *CHAINS])
def test_a_frame_prepared_in_tiles_is_the_prepared_frame(text: str) -> None:
    chain = chain_of(text)
    for planes in (1, 3):
        whole = prepared(chain, Region(0, chain.size[0], 0, chain.size[1]), planes)
        assert whole.shape == (planes + chain.adds_opacity, *chain.size)
        assert whole.dtype == np.float32
        assert np.isfinite(whole).all()
        assert 0 <= whole.min() <= whole.max() <= 1
        for edge in (16, 37, 64):
            for place in tile_indices(chain.size, edge):
                region = tile_region(chain.size, edge, *place)
                expected = whole[:, region.y0 : region.y1, region.x0 : region.x1]
                assert np.array_equal(prepared(chain, region, planes), expected), region


@pytest.mark.parametrize("text", ["--sharpen=0x2,gaussian", "--im=-blur_0x2", "--contrast", "--level=5%x80%"])
def test_a_part_shows_the_pixels_of_the_whole_as_far_as_the_halo_allows(text: str) -> None:
    whole = prepared(chain_of(text), Region(0, *FRAME[:1], 0, FRAME[1]))
    part = chain_of(f"--crop=60x50+30+20 {text}")
    reach = max(step.halo(FRAME).radius for step in part.steps)
    found = prepared(part, Region(0, 50, 0, 60))
    inner = found[:, reach : 50 - reach, reach : 60 - reach]
    assert np.array_equal(inner, whole[:, 20 + reach : 70 - reach, 30 + reach : 90 - reach])


def test_the_order_of_options_is_that_of_the_command_line() -> None:
    one = Recipe.from_options(["--gamma=2", "--shave=10%", "--rotate=90", "--gamma=0.5", "--wavelet"])
    assert str(one).startswith("--gamma=2 --shave=p10 --rotate=n90 --gamma=0.5 --wavelet")
    assert Recipe.from_options(str(one).split()).ops[:4] == one.ops[:4]


def test_sets_are_the_options_that_they_stand_for() -> None:
    steps = chain_of("--set=level2").steps
    assert [str(step) for step in steps] == ["--level", "--sigmoidal-contrast=n5,p50", "--sharpen=r0,s2,gaussian"]


def test_quarter_turns_move_pixels_only() -> None:
    for degrees, turns in ((90, 1), (180, 2), (-90, 3), (360, 0)):
        chain = chain_of(f"--rotate={degrees}")
        made = prepared(chain, Region(0, chain.size[0], 0, chain.size[1]))
        assert np.array_equal(made, np.rot90(SAMPLES, -turns, (1, 2)))


def test_composing_half_transparent_frames_covers_more_and_keeps_what_only_one_shows() -> None:
    planes = np.full((4, 1, 1), 0.25, np.float32)
    planes[3] = 0.5
    chain = preparation_chain([parse_option("--framecompose=Multiply")], (1, 1))
    made = chain.prepared(lambda region: planes, Region(0, 1, 0, 1), [{}], False)
    # Both: 1/4 of the area with .25 * .25; one of them alone: 2/4 of it with .25.
    assert made.ravel() == pytest.approx([(0.25 * 0.0625 + 0.5 * 0.25) / 0.75] * 3 + [0.75])
