"""What tests of stores share: an empty one."""

from __future__ import annotations

from pathlib import Path

import pytest

from imfuse_tiles.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "store"))
    store.create()
    return store
