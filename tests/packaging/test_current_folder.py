"""Nothing is taken over from the folder that the program is started in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from stacks import frames, written

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.dask_cluster import cluster_from_callable
from imfuse_tiles.options.resources import Resources

ROOT = Path(__file__).parents[2]
#: Modules that the program or the processes it starts import.
MODULES = ("numpy", "zarr", "cv2", "tifffile", "psutil", "numba", "distributed", "imfuse_tiles")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of photographs with modules that leave a trace when they are imported, and configurations."""
    written(tmp_path, frames(2, shape=(60, 50)))
    trace = f"open({str(tmp_path / 'imported')!r}, 'a').write(__name__ + ' ')\n"
    for name in (*MODULES, "evil"):
        (tmp_path / f"{name}.py").write_text(f"{trace}def run(*a, **k): raise SystemExit(9)\n")
    (tmp_path / "configs").mkdir()
    for place in (tmp_path, tmp_path / "configs"):
        (place / "laptop.toml").write_text('scheduler = "evil:run"\n')
        (place / "default.toml").write_text('options = ["--wavelet", "--maskcmd=evil:run"]\n')
    return tmp_path


def test_a_scheduler_named_as_a_function_is_not_looked_for_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place not in ("", ".")])
    with pytest.raises(Refusal, match="evil"):
        cluster_from_callable(Resources(memory=1 << 30, workers=1, scheduler="evil:run"))
    assert not (folder / "imported").exists()


@pytest.mark.parametrize("scheduler", ["laptop", "processes:2", "local:2"])
@pytest.mark.parametrize("way", ["module", "script"])
def test_modules_and_configurations_of_the_current_folder_are_left_alone(
    folder: Path, way: str, scheduler: str
) -> None:
    program = ["-m", "imfuse_tiles"]
    if way == "script":  # as the installed command starts it
        script = folder / "bin" / "imfuse-tiles"
        script.parent.mkdir()
        script.write_text(
            "from imfuse_tiles.cli.main import program\nif __name__ == '__main__':\n    exit(program())\n"
        )
        program = [str(script)]
    else:  # python -m would import the folder's package, as whoever types it must expect
        (folder / "imfuse_tiles.py").unlink()
    words = ["fuse", "--preset", "default", "--scheduler", scheduler, "--quiet", "-o", "result.tif"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, *program, *words, "s00.tif", "s01.tif"], cwd=folder, capture_output=True, text=True,
        env={**environment, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "result.tif\n"), done.stderr
    assert not (folder / "imported").exists(), (folder / "imported").read_text()
