"""Images that changed without a new time: --check-inputs tells them by their content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import tifffile
from program import reported
from stacks import frames, written

from imfuse_tiles.cli.main import main
from imfuse_tiles.imageio import open_stack as opening


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    return written(tmp_path / "in", frames(3, shape=(90, 80)))


def digest(images: list[Path], check: bool) -> str:
    return opening.open_stack(images, check_inputs=check).digest


def test_content_alone_decides(images: list[Path], tmp_path: Path) -> None:
    moved = [Path(shutil.copy(path, tmp_path / f"m{path.name}")) for path in images]
    assert digest(images, False) != digest(moved, False)
    assert digest(images, True) == digest(moved, True) != digest(images, False)
    assert digest(images[::-1][:2], True) != digest(images, True)
    raw = bytearray(moved[1].read_bytes())
    raw[len(raw) // 2] ^= 1
    moved[1].write_bytes(raw)
    assert digest(images, True) != digest(moved, True)


def test_a_run_uses_what_is_there_until_a_pixel_changes(images: list[Path], tmp_path: Path) -> None:
    def run(result: str) -> tuple[bytes, int]:
        report = tmp_path / "report.json"
        words = ["fuse", "--wavelet", "--quiet", "--check-inputs", "--store", str(tmp_path / "store"), "--report",
                 str(report), "-o", str(tmp_path / result), *map(str, images)]  # fmt: skip
        assert main(words) == 0
        return (tmp_path / result).read_bytes(), sum(stage["computed"] for stage in reported(report).values())

    first, computed = run("a.tif")
    assert computed
    for path in images:
        os.utime(path)
    assert run("b.tif") == (first, 0)
    samples = tifffile.imread(images[0])
    samples[40:50, 40:50] = 0
    state, plain = images[0].stat(), images[0].read_bytes()
    tifffile.imwrite(images[0], samples, photometric="rgb")
    assert len(plain) == images[0].stat().st_size
    os.utime(images[0], ns=(state.st_atime_ns, state.st_mtime_ns))
    again, computed = run("c.tif")
    assert computed
    assert again != first
