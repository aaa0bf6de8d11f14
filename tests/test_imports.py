"""Modules import downwards only, rooms of one floor do not see each other, and a heavy library has one home."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Container, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import imfuse_tiles

ROOT = Path(imfuse_tiles.__file__).parent
NAME = ROOT.name

#: From the ground up. A room is a module or a folder of them; a new one gets its place here.
FLOORS = (
    ("errors", "frozen", "lazy_numpy"),
    ("kernels", "geometry", "storage"),
    ("imageio", "options", "simulation"),
    ("stages", "reference"),
    ("planning",),
    ("execution",),
    ("viewer",),
    ("cli",),
    ("__main__",),
)

#: Where a library may be imported; all others have no home and are not to be used.
HOMES = {
    "numpy": {
        "cli",
        "execution",
        "imageio",
        "kernels",
        "lazy_numpy",
        "planning",
        "reference",
        "simulation",
        "stages",
        "storage",
        "viewer",
    },
    "numba": {"kernels"},
    "cv2": {"kernels", "viewer"},
    "scipy": {"kernels"},
    "pywt": {"kernels"},
    "zarr": {"execution", "storage"},
    "crc32c": {"storage"},
    "numcodecs": {"storage"},
    "filelock": {"kernels", "storage"},
    "fsspec": {"storage"},
    "dask": {"execution"},
    "distributed": {"execution"},
    "dask_jobqueue": {"execution"},
    "tifffile": {"imageio", "simulation", "cli"},
    "imagecodecs": {"imageio"},
    "isal": {"imageio"},
    "simplejpeg": {"imageio"},
    "PIL": {"imageio", "options", "viewer"},
    "rawpy": {"imageio"},
    "pillow_heif": {"imageio"},
    "pylibCZIrw": {"imageio"},
    "nd2": {"imageio"},
    "liffile": {"imageio"},
    "pyjpegxl": {"imageio"},
    "rich": {"cli"},
    "tornado": {"viewer"},
    "psutil": {"cli", "planning", "storage"},
}


def module_of(path: Path) -> str:
    """The dotted name of a file of the project."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def import_nodes(path: Path) -> tuple[ast.AST, ...]:
    """The statements of a file that import."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


def imported(path: Path) -> Iterator[str]:
    """The dotted names of everything that a file imports, wherever in it."""
    package = module_of(path) if path.stem == "__init__" else module_of(path).rpartition(".")[0]
    for node in import_nodes(path):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            base = (above + (node.module or "")).rstrip(".")
            yield from (f"{base}.{each.name}" for each in node.names) if base == NAME else [base]


def room_of(module: str) -> str:
    """The room that a module of the package belongs to; empty for what the package itself holds."""
    name = module.split(".")[1] if "." in module else ""
    there = (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file()
    return name if name and there else ""


def uses() -> dict[str, set[str]]:
    """What each room imports: rooms by their names, libraries with a colon before theirs."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in ROOT.rglob("*.py"):
        room = room_of(module_of(path))
        for module in imported(path):
            top = module.partition(".")[0]
            if top == NAME:
                found[room].add(room_of(module))
            elif top not in sys.stdlib_module_names:
                found[room].add(f":{top}")
    return {room: names - {room, ""} for room, names in found.items()}


USES = uses()
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def test_every_room_has_its_floor() -> None:
    there = {room_of(module_of(path)) for path in ROOT.rglob("*.py")} - {""}
    assert there - LEVEL.keys() == set(), "give each new room its place in FLOORS"
    assert LEVEL.keys() - there == set(), "FLOORS names rooms that are gone"


@pytest.mark.parametrize("room", LEVEL)
def test_a_room_sees_only_floors_below_its_own(room: str) -> None:
    seen = [name for name in USES.get(room, ()) if not name.startswith(":")]
    assert [name for name in seen if LEVEL[name] >= LEVEL[room]] == []


def module_imports() -> dict[str, set[str]]:
    """The modules of the package that each of them imports; a package only where a name is taken from its face."""
    modules = {module_of(path): path for path in ROOT.rglob("*.py")}
    return {module: set(taken(path, modules)) - {module} for module, path in modules.items()}


def taken(path: Path, modules: Container[str]) -> Iterator[str]:
    """The modules that a file takes names from."""
    for node in import_nodes(path):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in modules)
        elif isinstance(node, ast.ImportFrom) and (node.module or "") in modules:
            names = [f"{node.module}.{each.name}" for each in node.names]
            yield from (name if name in modules else str(node.module) for name in names)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Removing the modules that import nothing that is left, again and again, leaves none."""
    left = module_imports()
    while ground := [module for module, names in left.items() if not names & left.keys()]:
        for module in ground:
            del left[module]
    assert left == {}


def test_the_house_stays_small() -> None:
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"]
    loose = [path for path in ROOT.glob("*.py") if not path.stem.startswith("__")]
    assert len(folders) <= 11
    assert len(loose) <= 5
    assert len(FLOORS) <= 10


def test_the_package_itself_imports_nothing() -> None:
    assert not USES.get("")


def test_kernels_know_nothing_but_kernels() -> None:
    assert [name for name in USES["kernels"] if not name.startswith(":")] == []


@pytest.mark.parametrize("room", sorted(USES))
def test_a_library_is_used_only_where_it_is_at_home(room: str) -> None:
    libraries = {name[1:] for name in USES[room] if name.startswith(":")}
    assert {name for name in libraries if room not in HOMES.get(name, ())} == set()


def declared() -> set[str]:
    """Names of the packages that the program and its tests are installed with."""
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["project"]
    said = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    return {plain(re.split(r"[^\w.-]", each)[0]) for each in said}


def test_every_declared_dependency_is_used() -> None:
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["project"]
    used = {name[1:] for names in USES.values() for name in names if name.startswith(":")}
    packages = packages_distributions()
    distributions = {plain(distribution) for name in used for distribution in packages.get(name, [name])}
    assert {plain(re.split(r"[^\w.-]", text)[0]) for text in project["dependencies"]} - distributions == set()


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_tests_and_program_import_only_what_is_installed_with_them() -> None:
    """Otherwise the tests run here and not on a fresh machine."""
    own = {path.stem for folder in ("tests", "benchmarks") for path in (ROOT.parent / folder).rglob("*.py")}
    packages, there, missing = packages_distributions(), declared(), {}
    for path in [*ROOT.rglob("*.py"), *(ROOT.parent / "tests").rglob("*.py")]:
        for name in {module.partition(".")[0] for module in imported(path) if not module.startswith(".")}:
            if not name or name in {NAME, "tests", "benchmarks", *own, *sys.stdlib_module_names}:
                continue
            if not {plain(each) for each in packages.get(name, [name])} & there:
                missing[name] = str(path.relative_to(ROOT.parent))
    assert missing == {}


def test_the_test_reads_imports_as_python_does(tmp_path: Path) -> None:
    """The rules above are only worth what this reading is."""
    assert set(imported(ROOT / "simulation" / "render.py")) >= {f"{NAME}.errors", f"{NAME}.simulation.stack", "numpy"}
    assert f"{NAME}.kernels" in set(imported(ROOT / "options" / "shared_filters.py"))
    assert set(imported(ROOT / "cli" / "main.py")) >= {f"{NAME}.errors", f"{NAME}.__version__"}
    assert "kernels" in USES["stages"]
    assert ":numba" in USES["kernels"]
