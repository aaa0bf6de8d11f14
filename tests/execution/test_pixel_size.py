"""Frames that are resized or turned tell of another size of their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.cli.main import main
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.size_metadata import read_physical_size


@pytest.mark.parametrize(("words", "width", "height"), [
    (["--crop=40x30+2+2"], 0.5, 0.25), (["--resize=50%"], 1.0, 0.5), (["--resize=20x60!"], 2.0, 0.25),
    (["--resize=50%", "--rotate=90"], 0.5, 1.0),
])  # fmt: skip
def test_pixels_are_as_large_as_what_they_show(tmp_path: Path, words: list[str], width: float, height: float) -> None:
    samples = np.random.default_rng(5).integers(0, 255, (60, 80, 3), np.uint8)
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, samples, resolution=(1e4 / 0.5, 1e4 / 0.25), resolutionunit="CENTIMETER")
    assert read_physical_size(tmp_path / "a.tif") == PhysicalSize(0.5, 0.25)
    images = [str(tmp_path / name) for name in ("a.tif", "b.tif")]
    assert main(["prepare", "--quiet", *words, "-o", str(tmp_path / "out"), *images]) == 0
    found = read_physical_size(tmp_path / "out" / "a.tif")
    assert (found.x, found.y) == pytest.approx((width, height), rel=1e-3)
    if words == ["--resize=50%"]:
        fuse = ["fuse", "--quiet", "--align=no", "--bg=mean", "--frameresize=50%", "-o", str(tmp_path / "f.tif")]
        assert main([*fuse, *images]) == 0
        assert read_physical_size(tmp_path / "f.tif").x == pytest.approx(1.0, rel=1e-3)
