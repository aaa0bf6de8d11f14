"""Figures with their targets, as a table and as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured value. ``limit``: what it is to keep to, at most, or at least if ``least``; None: no target."""

    table: str
    name: str
    value: float
    unit: str
    limit: float | None = None
    least: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met, None without one."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.least else self.value <= self.limit

    def __str__(self) -> str:
        target = "" if self.limit is None else f"{'at least' if self.least else 'at most':>8} {self.limit:g}"
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        return f"{self.table:<9} {self.name:<44} {self.value:>10.3g} {self.unit:<8} {target:<16} {verdict}"


def written(figures: Iterable[Figure], place: Path | None) -> list[Figure]:
    """Print figures as they come, and write them as JSON if there is a place for it."""
    found = []
    for figure in figures:
        print(figure, flush=True)
        found.append(figure)
    if place is not None:
        place.write_text(json.dumps([{**asdict(each), "met": each.met} for each in found], indent=1) + "\n")
    return found


def figures_parser(name: str, text: str | None, size: str, small: str) -> argparse.ArgumentParser:
    """The arguments that benchmarks of figures have in common. ``size`` is the usual one, ``small`` what is quick."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=text)
    parser.add_argument("--size", default=size, help=f"in pixels ({size})")
    parser.add_argument("--folder", type=Path, help="where stacks and stores lie, on the disk that is measured")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--quick", action="store_true", help=f"{small}: figures mean nothing")
    return parser
