"""Frames on cells of 8 x 8 pixels: means down, splines up, one result for every tiling."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from imfuse_tiles.kernels.cells import (
    EDGE,
    MARGIN,
    enlarge8,
    enlarged_source,
    reduce8,
    reduced_region,
    reduced_shape,
    reduced_source,
)
from tests.kernels.tiles import window


def plane(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def reduced(frame, tile):
    """The reduced plane, filled by tiles; also how often each cell was written."""
    height, width = frame.shape
    cells, count = np.full(reduced_shape(height, width), np.nan, np.float32), 0
    for y in range(0, height, tile[0]):
        for x in range(0, width, tile[1]):
            place = reduced_region((y, x, min(y + tile[0], height), min(x + tile[1], width)), height, width)
            top, left, bottom, right = place
            cells[top:bottom, left:right] = reduce8(window(frame, reduced_source(place)))
            count += (bottom - top) * (right - left)
    return cells, count / cells.size


def test_cells_are_means():
    x = plane(64, 104)
    expected = x.astype(float).reshape(8, 8, 13, 8).mean((1, 3))
    cells = reduce8(x)
    assert cells.dtype == np.float32
    np.testing.assert_allclose(cells, expected, atol=3e-7)


@pytest.mark.parametrize("shape", [(100, 203), (96, 64), (7, 9), (1, 300)])
@pytest.mark.parametrize("tile", [(8, 8), (40, 24), (1000, 1000), (16, 1000)])
def test_tiles_fill_every_cell_once_with_the_same_bits(shape, tile):
    frame = plane(*shape)
    cells, times = reduced(frame, tile)
    assert times == 1
    np.testing.assert_array_equal(cells, reduced(frame, (2048, 2048))[0])


def test_the_ring_holds_the_replicated_edge_and_ragged_cells_are_filled_with_it():
    frame = plane(20, 27)
    cells = reduced(frame, (64, 64))[0]
    assert cells.shape == (3 + 2 * EDGE, 4 + 2 * EDGE)
    padded = np.pad(frame.astype(float), ((8, 12), (8, 13)), "edge")
    np.testing.assert_allclose(cells, padded.reshape(5, 8, 6, 8).mean((1, 3)), atol=3e-7)


@pytest.mark.parametrize("region", [(4, 0, 16, 16), (0, 0, 12, 16), (0, 3, 8, 50), (0, 0, 16, 20)])
def test_a_tile_that_cuts_cells_is_refused(region):
    with pytest.raises(ValueError, match="cuts cells of 8 pixels of a 30 x 50 frame"):
        reduced_region(region, 30, 50)


def test_a_window_that_is_no_whole_number_of_cells_is_refused():
    with pytest.raises(ValueError, match=r"\(8, 12\)"):
        reduce8(plane(8, 12))


def test_a_ramp_stays_a_ramp_at_its_place():
    y, x = np.mgrid[-MARGIN : 6 + MARGIN, -MARGIN : 9 + MARGIN].astype(np.float32)
    pixel_y, pixel_x = (np.mgrid[:48, :72] + 0.5) / 8 - 0.5
    region = (0, 0, 48, 72)
    np.testing.assert_allclose(enlarge8(x, region), pixel_x, atol=2e-6)
    np.testing.assert_allclose(enlarge8(y, region), pixel_y, atol=2e-6)


def test_pixels_are_cubic_splines_of_the_cells():
    cells = plane(6 + 2 * MARGIN, 9 + 2 * MARGIN)
    place = np.mgrid[:48, :72]
    expected = map_coordinates(cells.astype(float), (place + 0.5) / 8 - 0.5 + MARGIN, order=3, prefilter=False)
    np.testing.assert_allclose(enlarge8(cells, (0, 0, 48, 72)), expected, atol=1e-6)


@pytest.mark.parametrize("region", [(0, 0, 37, 53), (3, 5, 4, 70), (47, 0, 48, 72), (8, 16, 24, 17), (15, 9, 41, 66)])
def test_any_region_of_the_enlarged_plane_has_the_bits_of_the_whole(region):
    cells = plane(6 + 2 * MARGIN, 9 + 2 * MARGIN)
    whole = enlarge8(cells, (0, 0, 48, 72))
    top, left, bottom, right = enlarged_source(region)
    part = enlarge8(cells[top:bottom, left:right], region)
    np.testing.assert_array_equal(part, whole[region[0] : region[2], region[1] : region[3]])


def test_cells_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"needs \(6, 7\) cells, not \(4, 4\)"):
        enlarge8(plane(4, 4), (0, 8, 16, 32))
