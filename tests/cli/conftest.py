"""What tests of the command line share: a folder with a stack, and the program in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import Shell
from stacks import frames, written

from imfuse_tiles.cli.main import main


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stack of three frames in ``in``, where the command runs, and a cache of its own."""
    written(tmp_path / "in", frames(3, shape=(80, 70)))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def shell(place: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs the command line; images of the stack take the place of IMAGES. Gives exit code, output, errors."""

    def run(*words: str) -> tuple[int, str, str]:
        images = sorted(str(path) for path in (place / "in").glob("s*.tif"))
        capsys.readouterr()
        code = main([each for word in words for each in (images if word == "IMAGES" else [word])])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
