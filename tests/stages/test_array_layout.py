"""Blocks cover every sample of every output once, in whole chunks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from stacks import imagined, recipe_of

from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.stage import Stage


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Stage, Layout]:
    """A stage of a plan for some frame and a layout for it."""
    frame = draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    stages = make_plan(recipe_of("--wavelet --maskwave"), imagined(slices=draw(st.integers(1, 7)), frame=frame)).stages
    chunk = draw(st.integers(1, 40))
    return draw(st.sampled_from(stages)), Layout(chunk, chunk * draw(st.integers(1, 3)), draw(st.integers(1, 8)))


@given(cuts())
def test_blocks_cover_every_sample_of_every_output_once_in_whole_chunks(cut: tuple[Stage, Layout]) -> None:
    stage, layout = cut
    layout = Layout(layout.chunk, layout.edge, 1 if stage.banded else min(layout.run, stage.slices))
    blocks = list(stage.blocks(layout))
    assert len(blocks) == stage.count(layout) == len({block.name for block in blocks})
    for output in stage.outputs:
        shape = output.shape(stage.frame, stage.z_batches(layout))
        chunks = output.chunks(stage.frame, layout.chunk)
        seen = 0
        for block in blocks:
            box = output.box(block)
            for (start, stop), chunk, size in zip(box, chunks, shape, strict=True):
                assert start % chunk == 0
                assert stop % chunk == 0 or stop == size
                assert 0 <= start < stop <= size
            volume = 1
            for start, stop in box:
                volume *= stop - start
            seen += volume
        total = 1
        for size in shape:
            total *= size
        assert seen == total
        assert stage.bytes_on_disk(layout) >= total


def test_the_result_lies_in_chunks_that_are_exported_in_low_bands() -> None:
    stage = make_plan(recipe_of("--wavelet"), imagined(frame=(4000, 9000))).result
    (output,) = stage.outputs
    assert output.chunks(stage.frame, 512) == (7, 128, 512)
    assert output.chunks(stage.frame, 37) == (7, 37, 37)
