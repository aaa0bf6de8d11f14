"""What tests of simulation share: a stack whose slices lie over each other, and one whose slices do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from rendered import HEIGHT, SLICES, WIDTH

from imfuse_tiles.simulation import render


@pytest.fixture(scope="session")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("stack") / "a", WIDTH, HEIGHT, SLICES, seed=5)


@pytest.fixture(scope="session")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("stack") / "m", WIDTH, HEIGHT, SLICES, seed=5, misalign=True)
