"""Tiles of a pyramid: every one once, after those it is made of, and the same whatever is known already."""

import tracemalloc

import numpy as np
import pytest

from imfuse_tiles.imageio.writing.pyramid import Pyramid, levels_to, pyramid_tiles
from imfuse_tiles.kernels.halve import halve


class Known:
    """Tiles that were made before."""

    def __init__(self, tiles):
        self.tiles = tiles
        self.read_tiles = []

    def has(self, tile):
        return tile in self.tiles

    def read(self, tile):
        self.read_tiles.append(tile)
        return self.tiles[tile]


def pyramid_of(shape=(3, 150, 230), edge=32):
    image = np.random.default_rng(1).integers(0, 65536, shape, np.uint16)
    pyramid = Pyramid(shape[1:], shape[0], "uint16", edge, levels_to(shape[1:], edge))
    return image, pyramid, lambda region: image[:, region.y0 : region.y1, region.x0 : region.x1]


@pytest.mark.parametrize("shape", [(3, 150, 230), (1, 1, 1), (1, 7, 300), (2, 64, 64), (1, 65, 33)])
def test_levels_are_the_picture_halved_again_and_again(shape):
    image, pyramid, read = pyramid_of(shape)
    tiles, seen = list(pyramid_tiles(pyramid, read)), set()
    assert len(tiles) == sum(np.prod(pyramid.grid(level)) for level in range(pyramid.levels))
    for tile, samples in tiles:
        whole = image
        for _ in range(tile.level):
            whole = halve(whole)
        region = pyramid.region(tile)
        assert np.array_equal(samples, whole[:, region.y0 : region.y1, region.x0 : region.x1])
        rows, columns = pyramid.grid(tile.level - 1) if tile.level else (0, 0)
        below = {(tile.level - 1, row, column) for row in (2 * tile.row, 2 * tile.row + 1)
                 for column in (2 * tile.column, 2 * tile.column + 1) if row < rows and column < columns}  # fmt: skip
        assert below <= seen
        seen.add(tile)
    assert len(seen) == len(tiles)


@pytest.mark.parametrize("count", [1, 7, 8, 20, 30, 46, 53])
def test_a_stopped_pyramid_goes_on(count):
    _, pyramid, read = pyramid_of()
    every = dict(pyramid_tiles(pyramid, read))
    known = Known(dict(list(every.items())[:count]))
    regions = []
    rest = dict(pyramid_tiles(pyramid, lambda region: regions.append(region) or read(region), known))
    assert known.tiles.keys() | rest.keys() == every.keys()
    assert all(np.array_equal(samples, every[tile]) for tile, samples in rest.items())
    # Of level 0 only the rows are read again that were not whole.
    whole_rows = sum(tile.level == 0 for tile in known.tiles) // pyramid.grid(0)[1]
    assert len(regions) == (pyramid.grid(0)[0] - whole_rows) * pyramid.grid(0)[1]


def test_levels_end_where_the_longest_side_fits():
    assert [levels_to((1, longest), 512) for longest in (1, 512, 513, 1024, 1025)] == [1, 1, 2, 2, 3]


def test_memory_is_that_of_rows_of_tiles():
    pyramid = Pyramid((1500, 30_000), 1, "uint16", 128, levels_to((1500, 30_000), 128))
    tracemalloc.start()
    for _ in pyramid_tiles(pyramid, lambda region: np.zeros((1, *region.shape), np.uint16)):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * pyramid.memory < peak < pyramid.memory  # the picture has 90 MB, this 11
