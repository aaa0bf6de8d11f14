"""Blocks are as large as the memory allows, and what does not fit is refused with what would."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stacks import imagined, recipe_of

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import lay_out, layout_of_edge
from imfuse_tiles.planning.memory import PROGRAM_BYTES, format_size
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.access import CHUNK
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.stage import Stage

SEED = "--wavelet --maskwave=p100 --cutless=p15 --cutwave=p100 --cutbg --cutalpha=p-25 --finalblur=s10,S2,t5"


def stages(frame: tuple[int, int] = (8000, 9000), text: str = SEED, slices: int = 20) -> dict[str, Stage]:
    return {stage.name: stage for stage in make_plan(recipe_of(text), imagined(slices, frame)).stages}


@given(st.integers(1, 60000), st.integers(1, 60000), st.integers(1, 16), st.integers(320, 20000))
def test_blocks_in_memory_together_never_exceed_what_is_allowed(
    height: int, width: int, workers: int, megabytes: int
) -> None:
    resources = Resources(memory=megabytes << 20, workers=workers)
    for stage in stages((height, width)).values():
        try:
            cut = lay_out(stage, resources)
        except Refusal:
            assert (
                min(stage.memory(layout_of_edge(stage, edge)) for edge in (64, 128)) > resources.memory - PROGRAM_BYTES
            )
            continue
        assert 1 <= cut.at_once <= workers
        assert cut.at_once * cut.block_bytes + PROGRAM_BYTES <= resources.memory
        assert cut.block_bytes == stage.memory(cut.layout)
        assert cut.layout.edge % cut.layout.chunk == 0


def test_memory_of_a_block_does_not_depend_on_the_number_of_slices() -> None:
    for name, few in stages(slices=8).items():
        many = stages(slices=800)[name]
        layout = Layout(512, 1024, 8 if name.startswith(("mask", "merge")) else 1)
        assert few.memory(layout) == many.memory(layout)


def test_small_levels_keep_all_workers_busy_where_chunks_are_a_little_smaller_than_usual() -> None:
    levels = stages((2000, 3000), "--bg=pyramid", slices=12)
    blocks = {
        name: lay_out(levels[name], Resources(2 << 30, workers=2)).layout for name in ("fuse level 1", "fuse level 2")
    }
    assert [levels[name].count(layout) for name, layout in blocks.items()] == [6, 2]
    assert blocks["fuse level 1"].edge == 500


def test_large_frames_lie_in_few_files_where_memory_allows() -> None:
    plan = make_plan(recipe_of(SEED), imagined(100, (32768, 30720), dtype="uint8"))
    reading, masks = plan.stages[:2]
    layout = lay_out(reading, Resources(memory=2 << 30, workers=2)).layout
    assert sum(reading.file_count(output, layout) for output in reading.outputs) < 100_000
    little = lay_out(reading, Resources(memory=600 << 20, workers=1)).layout
    assert little.chunk <= CHUNK < layout.chunk
    assert lay_out(masks, Resources(memory=2 << 30, workers=2)).layout.chunk <= CHUNK


def test_more_memory_never_makes_smaller_blocks() -> None:
    for stage in stages().values():
        edges = [lay_out(stage, Resources(memory=mb << 20, workers=2)).layout.edge for mb in (500, 1000, 2000, 8000)]
        assert edges == sorted(edges)


def test_every_worker_of_a_large_frame_has_something_to_do() -> None:
    for stage in stages((20000, 20000)).values():
        cut = lay_out(stage, Resources(memory=4 << 30, workers=2))
        assert stage.count(cut.layout) >= 4
        assert cut.at_once == 2


def test_a_tile_that_is_asked_for_is_made_of_whole_chunks() -> None:
    stage = stages()["mask wavelet"]
    for tile in (64, 100, 512, 513, 1000, 1024, 3000):
        layout = lay_out(stage, Resources(memory=64 << 30, workers=1, tile=tile)).layout
        assert layout.chunk <= CHUNK
        assert layout.edge % layout.chunk == 0
        assert tile <= layout.edge < tile + -(-tile // CHUNK)


def test_the_layout_of_an_earlier_run_is_kept_while_it_fits() -> None:
    stage = stages()["mask wavelet"]
    earlier = Layout(100, 300, 3)
    assert lay_out(stage, Resources(memory=4 << 30, workers=2, tile=256), earlier).layout == earlier
    large = Layout(512, 8192, 8)
    assert lay_out(stage, Resources(memory=500 << 20, workers=2), large).layout.edge < 8192


def test_what_does_not_fit_is_refused_with_stage_need_limit_and_a_tile_that_fits() -> None:
    stage = stages()["merge masks"]
    with pytest.raises(Refusal) as caught:
        lay_out(stage, Resources(memory=PROGRAM_BYTES + (20 << 20), workers=2, tile=4096))
    said = str(caught.value)
    assert said.startswith("stage merge masks needs ")
    assert f"allowed is {format_size(PROGRAM_BYTES + (20 << 20))} (--memory)" in said
    fitting = int(re.findall(r"--tile (\d+) would fit", said)[0])
    assert lay_out(stage, Resources(memory=PROGRAM_BYTES + (20 << 20), workers=2, tile=fitting)).at_once >= 1


def test_less_memory_than_the_program_itself_needs_is_refused() -> None:
    with pytest.raises(Refusal, match="give it more with --memory"):
        lay_out(stages()["mask wavelet"], Resources(memory=PROGRAM_BYTES // 2, workers=1))


def test_files_that_can_only_be_decoded_whole_are_read_in_one_go() -> None:
    whole = make_plan(recipe_of(SEED), imagined(3, (5000, 4000), rows_per_segment=5000)).stages[0]
    cut = lay_out(whole, Resources(memory=4 << 30, workers=2))
    assert whole.count(cut.layout) == 3
    bands = make_plan(recipe_of(SEED), imagined(3, (5000, 4000), rows_per_segment=16)).stages[0]
    assert bands.count(lay_out(bands, Resources(memory=4 << 30, workers=2)).layout) > 3


@pytest.mark.parametrize("frame", [(3000, 4000), (1536, 2048), (3456, 5184), (1040, 1388), (2160, 3840)])
def test_chunks_are_of_a_size_that_wastes_little_at_the_frame_s_sides(frame: tuple[int, int]) -> None:
    for name, stage in stages(frame).items():
        cut = lay_out(stage, Resources(memory=4 << 30, workers=2))
        assert 320 < cut.layout.chunk <= CHUNK
        if not name.startswith("normalise"):
            plain = sum(
                math.prod(output.shape(frame, stage.z_batches(cut.layout))) * np.dtype(output.dtype).itemsize
                for output in stage.outputs
            )
            assert stage.bytes_on_disk(cut.layout) < 1.06 * plain, (name, cut.layout)


def test_chunks_of_a_pyramid_still_begin_where_every_level_has_pixels() -> None:
    for stage in stages((3456, 5184), "--bg=enfuse").values():
        layout = lay_out(stage, Resources(memory=4 << 30, workers=2)).layout
        assert layout.chunk % stage.grain == 0


def test_slices_are_shared_out_evenly_among_the_blocks() -> None:
    layout = lay_out(stages(slices=20)["mask wavelet"], Resources(memory=4 << 30, workers=2)).layout
    assert layout.run == 10
