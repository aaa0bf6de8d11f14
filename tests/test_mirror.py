"""Every module has its test where one looks for it: ``test_NAME.py`` in the folder of tests of its room.

Modules that are tested by what is made of them are named in ``TESTED_MODULES`` of the file that tests them.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import imfuse_tiles

ROOT = Path(imfuse_tiles.__file__).parent
TESTS = Path(__file__).parent


def dotted_name(path: Path) -> str:
    """The name of a module below the package, such as kernels.fold."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def modules_named_in(path: Path) -> list[str]:
    """The modules that a file of tests names in ``TESTED_MODULES``."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TESTED_MODULES":
            return list(ast.literal_eval(node.value))
    return []


MODULES = {dotted_name(path): path for path in ROOT.rglob("*.py") if not path.stem.startswith("__")}
FILES = sorted(TESTS.rglob("test_*.py"))
NAMED = Counter(module for path in FILES for module in modules_named_in(path))


def own_test(module: str) -> bool:
    """Whether there is ``test_NAME.py`` in the room's folder of tests, or in a folder of it."""
    room, _, name = module.rpartition(".")
    folder = TESTS / room.replace(".", "/")
    return any(folder.rglob(f"test_{name}.py")) if room else (folder / f"test_{name}.py").is_file()


def declares_options(path: Path) -> bool:
    """Whether a module declares options, which the tests of every option take from the registry."""
    classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    return any(keyword.arg == "name" for node in classes for keyword in node.keywords)


def untested() -> list[str]:
    """Modules that no file of tests stands for; tests/options/test_contract.py does for those that declare options."""
    optional = {module for module, path in MODULES.items() if path.parent.name == "options" and declares_options(path)}
    return [module for module in MODULES if not own_test(module) and not NAMED[module] and module not in optional]


def test_every_module_has_its_test() -> None:
    assert untested() == [], "add test_NAME.py in the folder of the room, or name it in TESTED_MODULES of what tests it"


def test_every_room_has_its_folder_of_tests() -> None:
    rooms = {path.name for path in ROOT.iterdir() if any(path.glob("*.py"))}
    assert [room for room in rooms if not any((TESTS / room).rglob("test_*.py"))] == []


def test_modules_are_named_once_and_only_while_they_have_no_test_of_their_own() -> None:
    assert [module for module in NAMED if module not in MODULES] == []
    assert [module for module, times in NAMED.items() if times > 1 or own_test(module)] == []
