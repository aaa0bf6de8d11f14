"""Halos add up, windows know where the frame ends, and tiles cover it exactly once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse_tiles.geometry import Frame, Halo, Region, Window, tile_indices, tile_region, total_halo

halos = st.builds(Halo, *[st.integers(0, 9)] * 4)
frames = st.tuples(st.integers(1, 40), st.integers(1, 40))


@st.composite
def places(draw: st.DrawFn) -> tuple[Frame, Region]:
    """A frame and a region in it."""
    frame = draw(frames)
    y0, x0 = (draw(st.integers(0, side - 1)) for side in frame)
    y1, x1 = draw(st.integers(y0 + 1, frame[0])), draw(st.integers(x0 + 1, frame[1]))
    return frame, Region(y0, y1, x0, x1)


def numbered(frame: Frame, planes: int = 2) -> np.ndarray:
    return np.arange(planes * frame[0] * frame[1], dtype=np.float32).reshape(planes, *frame)


def window(frame: Frame, region: Region) -> Window:
    data = numbered(frame)[:, region.y0 : region.y1, region.x0 : region.x1]
    return Window(data, region, frame)


# Halos


def test_the_halo_of_a_chain_is_the_sum_of_its_parts_side_by_side() -> None:
    assert total_halo(iter([Halo(1, 2, 3, 4), Halo.uniform(4), Halo()])) == Halo(5, 6, 7, 8)
    assert total_halo(iter([])) == Halo()


def test_parallel_branches_take_the_larger_halo_and_repetition_multiplies() -> None:
    assert Halo(1, 5, 0, 2).maximum(Halo(3, 1, 0, 2)) == Halo(3, 5, 0, 2)
    assert Halo(1, 2, 3, 4).times(3) == Halo(3, 6, 9, 12)
    assert Halo(1, 5, 0, 2).radius == 5


@given(halos, halos, halos)
def test_chaining_is_associative_and_never_smaller_than_its_parts(a: Halo, b: Halo, c: Halo) -> None:
    assert a.plus(b).plus(c) == a.plus(b.plus(c))
    assert a.plus(b).maximum(a) == a.plus(b)


# Regions and tiles


@given(places(), halos)
def test_a_grown_region_holds_the_halo_as_far_as_the_frame_goes(place: tuple[Frame, Region], halo: Halo) -> None:
    frame, region = place
    grown = region.with_halo(halo, frame)
    wanted = {(y, x) for y in range(region.y0 - halo.top, region.y1 + halo.bottom)
              for x in range(region.x0 - halo.left, region.x1 + halo.right)}  # fmt: skip
    inside = {(y, x) for y, x in wanted if 0 <= y < frame[0] and 0 <= x < frame[1]}
    assert inside == {(y, x) for y in range(grown.y0, grown.y1) for x in range(grown.x0, grown.x1)}


@given(frames, st.integers(1, 50))
def test_tiles_cover_every_pixel_once(frame: Frame, edge: int) -> None:
    seen = np.zeros(frame, int)
    for row, column in tile_indices(frame, edge):
        region = tile_region(frame, edge, row, column)
        seen[region.y0 : region.y1, region.x0 : region.x1] += 1
        assert max(region.shape) <= edge
    assert (seen == 1).all()


# Windows


@given(places(), halos)
def test_a_window_padded_and_shrunk_by_a_halo_keeps_its_sides_on_the_border(
    place: tuple[Frame, Region], halo: Halo
) -> None:
    frame, region = place
    around = window(frame, region.with_halo(halo, frame))
    padded, shrunk = around.padded(halo), around.valid_region(halo)
    height, width = padded.shape[-2:]
    assert shrunk.shape == (height - halo.top - halo.bottom, width - halo.left - halo.right)
    assert shrunk.slices_in(around.region)
    assert (shrunk.y0 <= region.y0, shrunk.y1 >= region.y1) == (True, True)
    assert (shrunk.x0 <= region.x0, shrunk.x1 >= region.x1) == (True, True)


@given(places(), halos, st.sampled_from(["edge", "reflect", "constant", "symmetric"]))
def test_a_padded_window_is_a_cut_out_of_the_padded_frame(place: tuple[Frame, Region], halo: Halo, rule: str) -> None:
    """Mirrors show on one side what lies on the other, so they need a halo as wide there."""
    frame, region = place
    halo = Halo.uniform(halo.radius) if rule in ("reflect", "symmetric") else halo
    around = window(frame, region.with_halo(halo, frame))
    made = around.border_padding(halo)
    whole = np.pad(numbered(frame), [(0, 0), (halo.top, halo.bottom), (halo.left, halo.right)], mode=rule)
    y0, x0 = around.region.y0 - made.top + halo.top, around.region.x0 - made.left + halo.left
    padded = around.padded(halo, rule)
    height, width = padded.shape[-2:]
    assert np.array_equal(padded, whole[:, y0 : y0 + height, x0 : x0 + width])


@given(places(), halos)
def test_a_filter_gives_each_plane_without_the_halo(place: tuple[Frame, Region], halo: Halo) -> None:
    """Taking the halo off is the identity in the valid convention."""
    frame, region = place
    around = window(frame, region.with_halo(halo, frame))

    def trimmed(plane: np.ndarray) -> np.ndarray:
        height, width = plane.shape
        return plane[halo.top : height - halo.bottom, halo.left : width - halo.right]

    kept = around.filtered(trimmed, halo)
    assert kept.data.shape == (2, *kept.region.shape)
    assert np.array_equal(kept.data, around.cropped(kept.region).data)
    assert np.array_equal(kept.cropped(region).data, window(frame, region).data)


def test_a_single_plane_stays_a_single_plane_under_a_filter() -> None:
    plane = Window.whole(np.ones((4, 5), np.float32))
    assert plane.filtered(lambda each: each * 2, Halo()).data.shape == (4, 5)
    stacked = Window.whole(np.ones((1, 3, 4, 5), np.float32))
    assert stacked.filtered(lambda each: each * 2, Halo()).data.shape == (1, 3, 4, 5)


def test_two_windows_meet_where_they_overlap() -> None:
    frame = (10, 10)
    large, small = window(frame, Region(0, 10, 2, 9)), window(frame, Region(3, 8, 0, 7))
    assert large.common_region(small) == Region(3, 8, 2, 7)
    one, other = large.common_data(small)
    assert np.array_equal(one, other)
    assert one.shape == (2, 5, 5)


def test_cropping_to_the_same_region_copies_nothing() -> None:
    whole = Window.whole(numbered((4, 4)))
    assert whole.cropped(Region(0, 4, 0, 4)) is whole
    assert np.shares_memory(whole.cropped(Region(1, 2, 1, 2)).data, whole.data)


@pytest.mark.parametrize("halo", [Halo(31, 0, 0, 0), Halo.uniform(31)])
def test_a_frame_smaller_than_the_halo_is_mirrored_as_often_as_it_takes(halo: Halo) -> None:
    small = Window.whole(numbered((3, 2)))
    assert small.padded(halo, "reflect").shape == (2, 3 + halo.top + halo.bottom, 2 + halo.left + halo.right)
    assert small.valid_region(halo) == Region(0, 3, 0, 2)


@given(places(), halos, st.integers(1, 400))
def test_bands_cover_a_region_from_top_to_bottom_and_are_one_where_the_halo_is_large(
    place: tuple[Frame, Region], halo: Halo, pixels: int
) -> None:
    _, region = place
    bands = list(region.bands(halo, pixels))
    assert [band.y0 for band in bands] == [region.y0, *(band.y1 for band in bands[:-1])]
    assert bands[-1].y1 == region.y1
    assert {(band.x0, band.x1) for band in bands} == {(region.x0, region.x1)}
    if halo.top + halo.bottom > max(16, pixels // region.shape[1]) // 4:
        assert len(bands) == 1


def test_a_region_knows_where_a_smaller_one_begins_in_it() -> None:
    assert Region(3, 9, 10, 20).offset(Region(5, 6, 10, 11)) == (2, 0)
