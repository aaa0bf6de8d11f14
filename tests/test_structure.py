"""Classes stay small: what a value can do fits on one page, the rest are functions over it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import imfuse_tiles

ROOT = Path(imfuse_tiles.__file__).parent

#: Public methods and properties that a class may declare in its own body.
LIMIT = 12


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Every class of the program with the file that declares it."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                yield str(path.relative_to(ROOT)), node


def is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).split("[")[0].split(".")[-1] == "Protocol" for base in node.bases)


def public_names(node: ast.ClassDef) -> set[str]:
    """Public methods and properties declared in a class's own body; a property and its setter count once."""
    return {
        item.name
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_")
    }


def test_no_class_declares_more_methods_than_a_reader_can_keep_in_mind() -> None:
    counts = {f"{path}: {node.name}": len(public_names(node)) for path, node in classes() if not is_protocol(node)}
    assert len(counts) > 100
    assert {name: count for name, count in counts.items() if count > LIMIT} == {}


def test_the_test_counts_what_a_class_declares_itself() -> None:
    text = """
class A(Base):
    def one(self): ...
    async def two(self): ...
    @property
    def three(self): ...
    @three.setter
    def three(self, value): ...
    def _four(self): ...
    def __len__(self): ...
    five: int = 5
class B(typing.Protocol[T]):
    def one(self): ...
"""
    one, other = (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    assert public_names(one) == {"one", "two", "three"}
    assert (is_protocol(one), is_protocol(other)) == (False, True)
