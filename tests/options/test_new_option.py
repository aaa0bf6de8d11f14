"""A new option is one new file: the program with one more mask filter knows it everywhere and passes the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from stacks import frames, written

ROOT = Path(__file__).parents[2]
OPTION = '''"""The mean of a pixel and of two others in its row."""

from __future__ import annotations

from typing import ClassVar

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import integer
from imfuse_tiles.options.mask_filters import MaskFilter


@frozen
class MaskSoften(MaskFilter, name="masksoften"):
    """Soften the mask along its rows."""

    examples: ClassVar = ("", "n3")

    n: int = integer(1, "distance of the others in pixels", low=1, high=9)

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(self.n)

    def apply(self, mask: Window) -> Window:
        return mask.filtered(self.softened, self.halo(mask.frame))

    def softened(self, plane: np.ndarray) -> np.ndarray:
        """A plane (y, x) without the halo around it."""
        rows = plane[self.n : -self.n]
        middle = slice(self.n, plane.shape[1] - self.n)
        softened: np.ndarray = (rows[:, : -2 * self.n] + rows[:, middle] + rows[:, 2 * self.n :]) / np.float32(3)
        return softened
'''


def all_but_bytecode(folder: str, names: list[str]) -> list[str]:
    """What other processes may be writing just now: all in ``__pycache__`` but complete bytecode."""
    return [name for name in names if Path(folder).name == "__pycache__" and not name.endswith(".pyc")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one more file, and with the machine code that there is already."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("imfuse_tiles", "tests", "benchmarks", "configs"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=all_but_bytecode)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy2(ROOT / name, folder / name)
    compiled = ROOT / "imfuse_tiles" / "kernels" / "__pycache__"
    compiled.mkdir(exist_ok=True)
    shutil.rmtree(folder / "imfuse_tiles" / "kernels" / "__pycache__", ignore_errors=True)
    (folder / "imfuse_tiles" / "kernels" / "__pycache__").symlink_to(compiled)
    (folder / "imfuse_tiles" / "options" / "mask_soften.py").write_text(OPTION)
    return folder


def python(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python with the copied project."""
    environment = {**os.environ, "PYTHONPATH": str(project)}
    return subprocess.run([sys.executable, *words], cwd=project, env=environment, capture_output=True, text=True)


def printed(project: Path, *words: str) -> str:
    """What a command of the copied program prints."""
    done = python(project, "-m", "imfuse_tiles", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_reads_it_and_explains_it(project: Path) -> None:
    assert "--masksoften    n " in printed(project, "ops")
    assert "distance of the others in pixels [1]" in printed(project, "ops", "masksoft")
    assert "Soften the mask along its rows." in printed(project, "fuse", "--help")
    assert "| `--masksoften` | `n1` | Soften the mask along its rows. |" in printed(project, "help", "options")
    refused = python(project, "-m", "imfuse_tiles", "fuse", "--masksoften=x5", "a.tif", "b.tif")
    assert (refused.returncode, "--masksoften takes n " in refused.stderr) == (2, True)


def test_the_program_plans_it_and_runs_it(project: Path, tmp_path: Path) -> None:
    import tifffile

    files = [str(path) for path in written(tmp_path / "stack", frames(3, shape=(80, 70)))]
    plan = printed(project, "fuse", "--wavelet", "--masksoften=n2", "--dry-run", *files)
    assert "--masksoften=n2" in plan
    results = []
    for options in ([], ["--masksoften=n9"]):
        out = tmp_path / f"result{len(options)}.tif"
        printed(project, "fuse", "--wavelet", *options, "-o", str(out), "--store", str(tmp_path / "store"), *files)
        results.append(tifffile.imread(out))
    assert not np.array_equal(*results)


def test_it_passes_the_tests_that_every_option_passes(project: Path) -> None:
    """Tile equals whole, halo, values, canonical text, keys, tests of its module, the manual, benchmarks."""
    files = ["tests/options/test_contract.py", "tests/options/test_halos.py", "tests/options/test_grammar.py",
             "tests/cli/test_manual.py::test_every_option_and_command_is_explained",
             "tests/benchmarks/test_ops.py::test_every_option_is_measured_beside_others_or_says_why_not",
             "tests/test_structure.py", "tests/test_imports.py"]  # fmt: skip
    chosen = "masksoften or every_option or all_local or structure or imports"
    report = project / "report.xml"
    done = python(
        project, "-m", "pytest", "-n0", "-p", "no:cacheprovider", f"--junitxml={report}", "-k", chosen, *files
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.findall(r'<testcase [^>]*name="(\w+)\[[^"]*masksoften', report.read_text())
    assert {
        "test_a_mask_filtered_in_tiles_is_the_filtered_mask",
        "test_a_mask_filter_does_not_look_beyond_its_halo",
        "test_the_canonical_text_of_every_example_reads_back_as_the_same_option",
    } <= set(passed)


def test_its_module_needs_no_test_of_its_own(project: Path) -> None:
    done = python(project, "-c", "import sys; sys.path[:0] = ['tests']; import test_mirror as mirror; "
                  "print([name for name in mirror.untested() if 'soften' in name])")  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
