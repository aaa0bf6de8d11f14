"""Presets, cluster files and the manual are found however the package is installed, and in a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: Prints the folder of the presets, how many there are, the scheduler of a cluster file and a page of the manual.
PROGRAM = """
import imfuse_tiles.options
from imfuse_tiles.cli.main import main
from imfuse_tiles.cli.manual import page, topics
from imfuse_tiles.options import config_files
main(["presets", "--path"])
print(len(config_files.list_presets()), config_files.load_cluster_file("laptop")["scheduler"])
assert page("options").count("--wavelet") and len(topics()) > 7
"""


def source_tree(folder: Path) -> Path:
    """A copy of what an installation is built from, since building leaves files behind."""
    names = ["pyproject.toml", "README.md", "configs", "imfuse_tiles"]
    files = subprocess.run(
        ["tar", "--create", "--exclude=__pycache__", *names], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    folder.mkdir()
    subprocess.run(["tar", "--extract"], cwd=folder, check=True, input=files.stdout)
    return folder


def pip(*words: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source_tree(folder / "source"))
    (file,) = folder.glob("*.whl")
    return file


def found_from(path: Path | None, folder: Path, python: str = sys.executable) -> list[str]:
    """The lines of PROGRAM where the package is taken from ``path`` if given, started in an empty folder."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run([python, "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def presets() -> int:
    return sum("options" in tomllib.loads(path.read_text()) for path in (ROOT / "configs").glob("*.toml"))


def test_a_checkout_needs_no_installation(tmp_path: Path) -> None:
    assert found_from(ROOT, tmp_path / "empty") == [str(ROOT / "configs"), f"{presets()} threads:2"]


def test_the_packages_are_the_folders() -> None:
    settings = PYPROJECT["tool"]["setuptools"]
    folders = {
        str(path.parent.relative_to(ROOT)).replace("/", ".") for path in ROOT.glob("imfuse_tiles/**/__init__.py")
    }
    assert set(settings["packages"]) == folders | {"imfuse_tiles.configs"}
    assert settings["package-dir"] == {"imfuse_tiles.configs": "configs"}


def test_the_wheel_holds_all_that_is_no_module_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if not name.endswith(".py")}
    inside = {name for name in names if ".dist-info/" not in name}
    data = [*(ROOT / "configs").iterdir(), *(ROOT / "imfuse_tiles").glob("manual/*.md")]
    expected = {f"imfuse_tiles/{path.parent.name}/{path.name}" for path in data}
    expected |= {f"imfuse_tiles/viewer/page/{path.name}" for path in (ROOT / "imfuse_tiles/viewer/page").iterdir()}
    plain = {f"imfuse_tiles/{name}" for name in ("LICENSE", "py.typed", "__init__.pyi", "napari.yaml")}
    assert inside == expected | plain & inside
    assert inside >= {"imfuse_tiles/napari.yaml", "imfuse_tiles/LICENSE", "imfuse_tiles/py.typed"}
    assert any(name.endswith("licenses/imfuse_tiles/LICENSE") for name in names)


def test_a_wheel_need_not_be_unpacked(wheel: Path, tmp_path: Path) -> None:
    assert found_from(wheel, tmp_path / "empty") == [f"{wheel}/imfuse_tiles/configs/", f"{presets()} threads:2"]


def test_any_folder_will_do(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    pip("install", "--quiet", "--no-deps", "--target", target, wheel)
    lines = found_from(target, tmp_path / "empty")
    assert lines == [str(target / "imfuse_tiles" / "configs"), f"{presets()} threads:2"]


def test_an_editable_installation_uses_the_checkout(tmp_path: Path) -> None:
    source, environment = source_tree(tmp_path / "source"), tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip("--python", python, "install", "--quiet", "--no-deps", "--editable", source)
    lines = found_from(None, tmp_path / "empty", str(python))
    assert lines == [str(source / "configs"), f"{presets()} threads:2"]
