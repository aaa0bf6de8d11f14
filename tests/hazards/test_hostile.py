"""Images made to harm: no crash, no hang, no memory beyond measure, no other file opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from corpus import BAD, IMAGE8, ODD, SPOILED, jpeg, png_of, tiff


def planted(folder: Path) -> Path:
    """Images to start from: every layout that is read, and every kind of bad file that is one."""
    seeds = folder / "seeds"
    seeds.mkdir()
    for name, make in {**ODD, **SPOILED}.items():
        if name != "a strip that grows beyond measure":
            make(seeds / name)
    for name in (
        "a TIFF in a circle",
        "a sparse TIFF",
        "seventy pages",
        "a PNG that fills the memory",
        "an animated PNG",
    ):
        BAD[name][0](seeds / name)
    tiff(seeds / "jpeg in tiff", IMAGE8, compression="jpeg", tile=(16, 16))
    jpeg(seeds / "progressive", progressive=True)
    png_of(IMAGE8)(seeds / "png")
    return folder


def planted_formats(folder: Path) -> Path:
    """A small file of each further format, and TIFF files that tell of times, channels and slices."""
    from tests.imageio.reading.test_jpeg_xl import jpeg_xl_with_profile_and_packed_exif
    from tests.imageio.reading.test_readers import written
    from tests.imageio.reading.test_series import written as written_series

    (folder / "seeds").mkdir(exist_ok=True)
    for ending in ("jxl", "jp2", "j2k", "webp", "avif", "heic", "dng", "lif", "nd2", "czi"):
        written(folder / "seeds" / f"a.{ending}")
    (folder / "seeds" / "profile.jxl").write_bytes(jpeg_xl_with_profile_and_packed_exif())
    np.save(folder / "seeds" / "a.npy", IMAGE8)
    tifffile.imwrite(folder / "seeds" / "z.ome.tif", IMAGE8[..., :2].transpose(2, 0, 1), metadata={"axes": "ZYX"})
    for kind in ("ome.tif", "imagej.tif", "virtual.tif"):
        written_series(folder / "seeds", kind)
    return folder


@pytest.mark.parametrize(("number", "plant"), [(0, planted), (1, planted), (2, planted_formats)])
def test_mutated_images_are_read_or_refused_within_bounds(number, plant, tmp_path):
    script = Path(__file__).with_name("hostile.py")
    ended = subprocess.run(
        [sys.executable, script, plant(tmp_path), "400", str(number)], capture_output=True, text=True, timeout=480
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


def test_files_beyond_measure_are_refused_under_a_memory_limit(tmp_path, called):
    """The program itself, with a limit that what the files claim would break."""
    import resource

    from program import run

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    names = ["a strip that grows beyond measure", "a PNG that fills the memory", "a TIFF of endless width",
             "a TIFF of endless rows"]  # fmt: skip
    makers = {**SPOILED, **{name: make for name, (make, _) in BAD.items()}}
    for name in names:
        makers[name](tmp_path / "bad.tif")
        ended = run("fuse", "--bg=max", "--quiet", "--memory", "600M", "--workers", "1", "--store", tmp_path / "store",
                    "-o", tmp_path / "r.tif", tmp_path / "bad.tif", limits=limits)  # fmt: skip
        assert (ended.code, "bad.tif: " in ended.line) == (2, True), ended.err
        assert not (tmp_path / "store").exists()
