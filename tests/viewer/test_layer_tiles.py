"""A tile of any zoom shows the samples of the store, and no more than a few tiles of them are read at once."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from program import until
from viewed_stores import OPTIONS, fused_store, stack_files, store_in_place

from imfuse_tiles.geometry import Region
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.strokes import Stroke, keep_strokes
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import layer_tiles
from imfuse_tiles.viewer.layer_tiles import (
    build_pyramid,
    deepest,
    eight_bit_values,
    halve,
    is_inside,
    reduced_values,
    sparse_values,
    tile_values,
)
from imfuse_tiles.viewer.layers import ViewLayer, layers_of
from imfuse_tiles.viewer.pixel_values import pixel_values
from imfuse_tiles.viewer.session import Shown, ViewSession
from imfuse_tiles.viewer.sparse_samples import sparse_samples
from imfuse_tiles.viewer.tile_cache import TileCache
from imfuse_tiles.viewer.tile_images import colours_of, encoded_tile

TESTED_MODULES = (
    "viewer.layers", "viewer.sparse_samples", "viewer.tile_builder", "viewer.tile_cache", "viewer.tile_images",
    "imageio.writing.encode_tile",
)  # fmt: skip


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> list[ViewLayer]:
    return layers_of(Store.at(fused_store(tmp_path_factory.mktemp("tiles"), height=333, width=411)), 0)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_tiles, "TILE", 32)


def whole(layer: ViewLayer, z: int) -> np.ndarray:
    height, width = layer.frame
    samples = Access(layer.store).read(layer.path, layer.lead(z), Region(0, height, 0, width))
    return layer_tiles.eight_bit_values(layer, samples.reshape(-1, height, width))


def assembled(layer: ViewLayer, z: int, reduction: int, cache: TileCache) -> np.ndarray:
    """All tiles of a reduction side by side."""
    rows, row = [], 0
    while is_inside(layer, (reduction, row, 0)):
        parts, column = [], 0
        while is_inside(layer, (reduction, row, column)):
            parts.append(tile_values(layer, z, (reduction, row, column), cache)[0])
            column += 1
        rows.append(np.concatenate(parts, axis=2))
        row += 1
    return np.concatenate(rows, axis=1)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("number", range(6))
def test_tiles_are_the_whole_frame_halved_again_and_again(layers: list[ViewLayer], number: int, tmp_path: Path) -> None:
    layer, cache = layers[number], TileCache(tmp_path)
    z = max(0, layer.slices - 1)
    for _ in build_pyramid(layer, z, cache):
        pass
    expected = whole(layer, z)
    assert deepest(layer) == 4
    for reduction in range(deepest(layer) + 1):
        assert np.array_equal(assembled(layer, z, reduction, cache), expected)
        expected = halve(expected)


@pytest.mark.usefixtures("small_tiles")
def test_deep_tiles_are_sparse_until_they_are_built(layers: list[ViewLayer], tmp_path: Path) -> None:
    layer, cache, top = layers[0], TileCache(tmp_path), (4, 0, 0)
    values, final = tile_values(layer, 0, top, cache)
    assert not final
    every = -(-21 // layer_tiles.ROWS)  # of the 21 rows of its only chunk, so that few are waited for
    assert np.array_equal(values, whole(layer, 0)[:, :: 16 * every, ::16].repeat(every, axis=1)[:, :21])
    assert np.array_equal(sparse_values(layer, 0, top), whole(layer, 0)[:, ::16, ::16])
    for _ in build_pyramid(layer, 0, cache):
        pass
    assert tile_values(layer, 0, top, cache)[1]
    cache.clear_oldest(most=0)
    assert not tile_values(layer, 0, top, cache)[1]


@pytest.mark.parametrize("per_file", [(1, 1), (2, 2)], ids=["a chunk a file", "four chunks a file"])
def test_rows_that_are_read_alone_are_those_of_whole_chunks(
    per_file: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, box = Store.at(tmp_path / "store"), Region(32, 900, 64, 700)
    stored.create()
    samples = np.random.default_rng(1).integers(0, 65535, (3, 2, 900, 700), np.uint16)
    stored.arrays.create("a", samples.shape, (3, 1, 512, 512), "uint16", {}, per_file=per_file)
    array = stored.arrays.open("a")
    array.write([(0, 3), (0, 2), (0, 900), (0, 700)], samples)
    expected = samples[1:3, 1:2, 32:900:32, 64:700:32]
    assert np.array_equal(sparse_samples(array, [(1, 3), (1, 2)], box, 32), expected)
    few = sparse_samples(array, [(1, 3), (1, 2)], box, 32, 2)
    assert np.array_equal(few[:, :, [0, 7, 8, 14, 15]], expected[:, :, [0, 0, 8, 8, 15]])
    monkeypatch.setattr("imfuse_tiles.viewer.sparse_samples.has_plain_files", lambda array: False)
    assert np.array_equal(sparse_samples(array, [(1, 3), (1, 2)], box, 32), expected)


@pytest.mark.usefixtures("small_tiles")
def test_a_sparse_tile_is_read_once_and_gives_way_to_the_better_one(
    layers: list[ViewLayer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, reads = ViewSession([Shown(layers[0].store)], tmp_path), list[int]()
    monkeypatch.setattr(session.builder, "build", lambda layer, z, place: None)
    read = layer_tiles.sparse_samples
    monkeypatch.setattr(layer_tiles, "sparse_samples", lambda *about: (reads.append(1), read(*about))[1])
    sparse = session.tile(layers[0].id, 0, (4, 0, 0))
    assert session.tile(layers[0].id, 0, (4, 0, 0)) == sparse == (sparse[0], False)
    assert reads == [1]
    for _ in build_pyramid(layers[0], 0, session.cache):
        pass
    better = session.tile(layers[0].id, 0, (4, 0, 0))
    assert better == (better[0], True)
    assert better[0] != sparse[0]


@pytest.mark.usefixtures("small_tiles")
def test_tiles_in_the_background_wait_for_those_that_are_asked_for(
    layers: list[ViewLayer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imfuse_tiles.viewer.tile_builder.PATIENCE", 60.0)
    builder = ViewSession([Shown(layers[0].store)], tmp_path).builder
    with builder.asking():
        builder.build(layers[0], 0, (4, 0, 0))
        time.sleep(0.2)
        assert not builder.built
    assert until(lambda: builder.built)


@pytest.mark.usefixtures("small_tiles")
def test_tiles_of_a_large_frame_are_coarse_at_first_and_sharp_before_all_else(
    layers: list[ViewLayer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_tiles, "LARGE", 0)
    session, name, place, made = ViewSession([Shown(layers[0].store)], tmp_path), layers[0].id, (3, 0, 1), []
    save = session.cache.save
    monkeypatch.setattr(session.cache, "save", lambda *tile: (made.append(tile[2]), save(*tile)))
    with session.builder.asking():
        coarse, final = session.tile(name, 0, place)
        assert not final
        assert session.describe(layers[0])["sharpening"]
        before = session.describe(layers[0])["version"]
    assert until(lambda: session.builder.built)
    sharp = session.tile(name, 0, place)
    assert sharp == (sharp[0], True)
    assert sharp[0] != coarse
    assert made.index(place) == 4  # after those that it is made of
    assert session.describe(layers[0])["version"] != before
    assert not session.describe(layers[0])["sharpening"]


def test_what_is_not_written_yet_is_clear(layers: list[ViewLayer]) -> None:
    layer = replace(layers[0], planes=(0, 4), opacity=True)  # as before it was finished, and known to be opaque
    assert layers[0].planes == (0, 3)
    chunk, away = layer.store.arrays.open(layer.path).chunk_file((0, 0, 0)), layer.store.folder / "away"
    assert sparse_values(layer, 0, (0, 0, 0))[-1].min() == 255
    chunk.rename(away)
    assert sparse_values(layer, 0, (0, 0, 0))[-1].max() == 0
    away.rename(chunk)


def test_tiles_are_encoded_in_colour_and_grey(layers: list[ViewLayer]) -> None:
    for layer in layers:
        values = sparse_values(layer, 0, (0, 0, 0))
        assert encoded_tile(layer, values)[:2] == b"\xff\xd8"
        assert encoded_tile(layer, values, lossless=True)[1:4] == b"PNG"
        assert colours_of(layer, values).shape[2] == (3 if layer.kind in ("colour", "depth") else 1)


def test_encoded_tiles_are_forgotten_before_they_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imfuse_tiles.viewer.tile_cache.MOST_IN_MEMORY", 100)
    cache = TileCache(tmp_path)
    for number in range(9):
        cache.remember(number, bytes(30))
    assert [number for number in range(9) if cache.recall(number)] == [6, 7, 8]


def test_sixteen_bits_become_the_nearest_eight() -> None:
    samples = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256)
    layer = ViewLayer(
        "0-a-result", "Result", "colour", Store.at("nowhere"), "final/a", "a", (0, 1), False, (256, 256), 1
    )
    assert np.array_equal(eight_bit_values(layer, samples), (samples.astype(int) + 128) // 257)


def test_a_fusion_by_detail_shows_the_detail_of_every_slice(tmp_path: Path) -> None:
    store = Store.at(fused_store(tmp_path, ("--bg=pyramid",), height=95, width=130))
    layers = {layer.label: layer for layer in layers_of(store, 0)}
    assert list(layers) == ["Result", "Depth", "Confidence", "Slice", "Detail of slice"]
    sharp = tile_values(layers["Detail of slice"], 1, (0, 0, 0), TileCache(tmp_path / "tiles"))[0][0]
    assert sharp.shape == (48, 65)  # it is kept at half the size
    assert sharp[:, 20:30].mean() > 100 > 3 * sharp[:, 45:].mean()
    curve = pixel_values([layers["Detail of slice"]], 0.4, 0.5, 4)["curve"]["values"]
    assert np.argmax(curve) == 1


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize(
    "options", [OPTIONS, ("--laplacian=level", "--cutless=p60")], ids=["opaque", "with clear pixels"]
)
def test_where_no_stroke_touches_a_retouched_result_is_the_result(tmp_path: Path, options: tuple[str, ...]) -> None:
    files = stack_files(tmp_path / "stack", 333, 411)
    store = Store.at(store_in_place(tmp_path, files, options=options))
    keep_strokes(store, (Stroke(((9.0, 9.0),), 3.0, slice=2),))
    shown = {layer.label: layer for layer in layers_of(store, 0)}
    retouched, result, cache, saved = shown["Result, retouched"], shown["Result"], TileCache(tmp_path / "a"), []
    assert tile_values(retouched, 0, (4, 0, 0), cache)[1] is False
    for _ in build_pyramid(result, 0, cache):
        pass
    shades, final = tile_values(retouched, 0, (4, 0, 0), cache)  # at once, until the strokes are there
    assert not final
    assert np.array_equal(
        colours_of(retouched, shades), colours_of(result, tile_values(result, 0, (4, 0, 0), cache)[0])
    )
    save = cache.save
    cache.save = lambda layer, z, place, values: saved.append(place) or save(layer, z, place, values)  # type: ignore[method-assign,func-returns-value]
    for _ in build_pyramid(retouched, 0, cache):
        pass
    assert saved == [(2, 0, 0), (3, 0, 0), (4, 0, 0)]  # of the others those of the result are taken
    fresh = TileCache(tmp_path / "b")
    for place in ((0, 0, 0), (0, 5, 5), (2, 1, 1), (3, 0, 0), (4, 0, 0)):
        values = reduced_values(retouched, 0, place, cache)
        assert np.array_equal(values, reduced_values(replace(retouched, plain=None), 0, place, fresh))


@pytest.mark.usefixtures("small_tiles")
def test_slices_that_are_read_in_place_are_shown_and_painted_as_if_they_were_stored(tmp_path: Path) -> None:
    files, strokes = stack_files(tmp_path / "stack", 333, 411), (Stroke(((90.0, 90.0),), 50.0, slice=2),)
    stored = Store.at(fused_store(tmp_path / "stored", height=333, width=411))
    in_place = Store.at(store_in_place(tmp_path, files, strokes))
    keep_strokes(stored, strokes)
    keep_strokes(in_place, strokes)
    expected = {layer.label: layer for layer in layers_of(stored, 0)}
    shown = {layer.label: layer for layer in layers_of(in_place, 0)}
    assert list(shown) == list(expected)
    cache = TileCache(tmp_path / "tiles")
    for label in ("Slice", "Result, retouched"):
        for place in ((0, 2, 2), (1, 1, 1)):
            values = [tile_values(layers[label], 1, place, cache)[0] for layers in (shown, expected)]
            assert np.array_equal(*values)
        assert np.array_equal(*(sparse_values(layers[label], 1, (4, 0, 0)) for layers in (shown, expected)))
    for place in ((2, 0, 0), (4, 0, 0)):  # in bands, and by rows
        assert np.array_equal(*(sparse_values(layers["Slice"], 1, place) for layers in (shown, expected)))
    written = tifffile.imread(tmp_path / "result.tif")[64:96, 64:96, 0]  # with the strokes
    tile = tile_values(shown["Result, retouched"], 0, (0, 2, 2), cache)[0][0]
    assert np.array_equal((written.astype(int) + 128) // 257, tile)
    files[1].touch()
    assert "Slice" not in {layer.label for layer in layers_of(in_place, 0)}
