"""All benchmarks go through one door, and each has a form that takes seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, listing, main
from benchmarks.chains import tried

ROOT = Path(__file__).parents[2]
#: Parts of the package ``benchmarks`` that are no benchmark of their own.
SHARED = {"__init__", "__main__", "chains", "damages", "figures", "notes", "peaks"}
#: Their quick forms run in tests of their own.
TESTED = {"tables", "soak", "ops", "fusion", "attacks.trials", "quality.__main__", "disk", "unchanged", "contact_sheet",
          "readme_picture"}  # fmt: skip


def test_every_benchmark_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.strip() == listing()
    assert all(f"  {name} " in listing() for name in BENCHMARKS)


def test_every_module_is_a_benchmark_or_part_of_one() -> None:
    modules = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    reached = {module for module, _, _ in BENCHMARKS.values()}
    others = modules - reached - SHARED
    sources = [(ROOT / "benchmarks" / f"{module.replace('.', '/')}.py").read_text() for module in reached]
    assert {module for module in reached if "." not in module} <= modules
    assert [name for name in others if not any(name in source for source in sources)] == []


@pytest.mark.parametrize("name", [name for name, (module, _, _) in BENCHMARKS.items() if module not in TESTED])
def test_the_quick_form_runs(name: str) -> None:
    with tried():
        assert main([name, "--quick"]) == 0


def test_the_door_is_a_program() -> None:
    command = [sys.executable, "-m", "benchmarks"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip() == listing()


def test_one_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cellar"]) == 2
    assert "cellar: no such benchmark" in capsys.readouterr().err
