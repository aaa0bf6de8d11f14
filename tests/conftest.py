"""What all tests share: no store outside temporary folders, and where the original's pictures are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None, max_examples=60)
settings.load_profile("here")


@pytest.fixture(autouse=True, scope="session")
def _no_store_at_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stores that are given no place go to a temporary folder."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of pictures made by the original, beside the project or where IMFUSE_SHARED says."""
    folder = Path(os.environ.get("IMFUSE_SHARED") or Path(__file__).parents[1] / "../shared").resolve()
    if not (folder / "oracle" / "manifest.json").is_file():
        pytest.skip(f"the original's pictures are not at {folder}; IMFUSE_SHARED may name their folder")
    return folder
