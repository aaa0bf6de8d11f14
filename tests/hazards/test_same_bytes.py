"""The same bytes whatever the tile, the workers, the scheduler, the memory and the order of the files."""

from __future__ import annotations

import random

import pytest

WAYS = [
    ("--tile", "64"),
    ("--tile", "100", "--workers", "1"),
    ("--tile", "100", "--workers", "5"),
    ("--tile", "128"),
    ("--tile", "256"),
    ("--tile", "2048"),
    ("--tile", "37", "--memory", "400M"),
    ("--memory", "3G"),
    ("--scheduler", "sync"),
    ("--lean", "--tile", "64"),
    ("--lean", "--scheduler", "processes:2", "--memory", "2G"),
    ("--scheduler", "threads:3", "--tile", "64"),
    ("--scheduler", "processes:2", "--memory", "2G"),
    ("--scheduler", "local:2", "--memory", "2G", "--tile", "128"),
]


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
@pytest.mark.parametrize("seed", [0])
def test_how_a_run_is_cut_and_spread_changes_no_byte(way, seed, undisturbed, called, place):
    words = undisturbed.words(place / "store", place / "r.tif", *way)
    names = set(map(str, undisturbed.files))
    files = [word for word in words if word in names]
    random.Random(seed).shuffle(files)
    assert called(*(word for word in words if word not in names), *files).code == 0
    assert undisturbed.same(place / "r.tif")


@pytest.mark.parametrize("first", [("--tile", "64"), ("--tile", "256")])
def test_a_run_goes_on_in_other_tiles_with_the_same_bytes(first, undisturbed, called, place):
    """A store half made in one way is finished in another."""
    from imfuse_tiles.storage.store import Store

    store = place / "store"
    assert called(*undisturbed.words(store, place / "r.tif", *first)).code == 0
    (place / "r.tif").unlink()
    for kind in ("merge", "final"):
        key = next(path.name for path in (store / kind).iterdir() if path.is_dir())
        names = list(Store(str(store)).journal(key).completed_blocks())
        with Store(str(store)).journal(key).appending() as record:
            for name in names[::2]:
                record({"lost": name})
        Store(str(store)).numbers.delete(key)
    Store(str(store)).journal(next(path.name for path in (store / "montage").iterdir() if path.is_dir())).forget()
    assert called(*undisturbed.words(store, place / "r.tif", "--tile", "128", "--force")).code == 0
    assert undisturbed.same(place / "r.tif")
