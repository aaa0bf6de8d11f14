"""Stores in napari, as its own plugin engine finds and calls the reader; without napari and without a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stacks import frames, written

import imfuse_tiles
from imfuse_tiles import Recipe, fuse_images, open_store
from imfuse_tiles.execution.napari_reader import get_reader

#: Modules without a test file of their own name.
TESTED_MODULES = ("execution.outcome",)

MANIFEST = Path(imfuse_tiles.__file__).with_name("napari.yaml")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("run")
    recipe = Recipe.from_options(["--wavelet", "--cutwave", "--align=no"])
    images, store = written(folder, frames(2, shape=(90, 700))), folder / "store"
    return fuse_images(images, recipe, folder / "r.ome.zarr", store=store, extra=True)


def test_the_plugin_engine_takes_the_manifest_and_reads_a_store(outcome, monkeypatch):
    npe2 = pytest.importorskip("npe2")
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    manager = npe2.PluginManager()
    manager.register(manifest)
    monkeypatch.setattr(npe2.PluginManager, "instance", lambda: manager)
    layers = npe2.read([outcome.store], stack=False)
    assert [shown["name"] for _, shown, kind in layers if kind == "image"] == ["result", "mask", "depth"]
    final = open_store(outcome.store)["final"][:]
    (result,), shown, _ = layers[0]
    assert shown["rgb"]
    assert np.array_equal(result.compute(scheduler="threads"), np.moveaxis(final[: result.shape[2]], 0, -1))
    assert np.array_equal(layers[2][0][0].compute(scheduler="threads"), final[5])


def test_what_is_no_store_is_left_to_other_readers(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    assert get_reader(str(tmp_path)) is None
    assert get_reader(str(tmp_path / "a.tif")) is None
    assert get_reader(str(tmp_path / "missing")) is None
    assert get_reader([str(tmp_path)]) is None


def test_planes_have_names(outcome):
    arrays = outcome.arrays
    assert arrays.planes("final") == ("red", "green", "blue", "opacity", "mask", "depth", "depth opacity")
    assert (arrays.planes("source"), arrays.planes("merge")) == (("red", "green", "blue"), ())
    assert np.array_equal(arrays.dask("final", "depth").compute(scheduler="threads"), arrays["final"][5])
    assert arrays.dask("source", "green").shape == (2, 90, 700)
    with pytest.raises(KeyError, match="has no plane sharpness; it has red, green"):
        arrays.dask("final", "sharpness")
    assert [level.shape for level in arrays.levels()] == [(7, 90, 700)]


def test_a_notebook_shows_the_result(outcome):
    import base64
    import io
    import re

    from PIL import Image

    text = outcome._repr_html_()
    assert "700 x 90 pixels of 2 frames" in text
    assert "r.ome.zarr" in text
    data = re.search('src="data:image/jpeg;base64,([^"]+)"', text)
    shown = Image.open(io.BytesIO(base64.b64decode(data[1])))
    assert shown.size == (175, 23)
    planes = outcome.arrays["final"][:4].astype(float) / 65535
    assert abs(np.asarray(shown).mean() / 255 - (planes[:3] * planes[3]).mean()) < 0.02
    assert type(outcome)()._repr_html_().startswith("<div><table>")
