"""Parts of frames: the same pixels as the whole, where the original puts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.alignment import Alignment, FrameTransform
from imfuse_tiles.options.option_parser import parse_option
from imfuse_tiles.options.preparation import FramePart
from imfuse_tiles.simulation import render


def region(text: str, height: int, width: int) -> Region:
    op = parse_option(text)
    assert isinstance(op, FramePart)
    return op.region((height, width))


def test_parts_by_letters() -> None:
    assert region("--crop", 180, 240) == (45, 135, 60, 180)
    assert region("--crop=TL", 180, 240) == (0, 90, 0, 120)
    assert region("--crop=BR", 3000, 4000) == (1850, 2650, 2600, 3400)
    assert region("--crop=60x40+30+20", 180, 240) == (20, 60, 30, 90)
    assert region("--shave=10%", 180, 240) == (18, 162, 24, 216)
    assert region("--shave=5x7", 180, 240) == (7, 173, 5, 235)


@pytest.mark.parametrize("text", ["--crop=60x40", "--crop=TX", "--crop=300x40+0+0", "--crop=0x5+1+1", "--shave=60%",
                                  "--shave=200x5", "--shave=a"])  # fmt: skip
def test_what_leaves_nothing_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        region(text, 180, 240)


def test_a_number_alone_is_stretched_by_at_both_ends() -> None:
    assert parse_option("--contrast-stretch=5%") == parse_option("--contrast-stretch=5%x5%")
    assert parse_option("--contrast-stretch=.5%") == parse_option("--contrast-stretch=.5%x.5%")
    assert parse_option("--contrast-stretch=40") == parse_option("--contrast-stretch=40x40")
    for text in ("--contrast-stretch=101%", "--contrast-stretch=5%5", "--contrast-stretch=p5"):
        with pytest.raises(Refusal):
            parse_option(text)


def test_frames_are_inverted_and_composed_by_their_formulas(tmp_path: Path) -> None:
    codes = np.linspace(0, 65535, 640, dtype=np.uint16).reshape(20, 32)
    tifffile.imwrite(tmp_path / "ramp.tif", codes, photometric="minisblack")
    expected = {"level=90%x10%": np.clip((0.9 - codes / 65535) / 0.8, 0, 1),
                "compose=Interpolate": 0.5 - 0.5 * np.cos(np.pi * codes / 65535)}  # fmt: skip
    for number, (option, wanted) in enumerate(expected.items()):
        place = tmp_path / str(number)
        assert main(["prepare", "--quiet", f"--{option}", "-o", str(place), str(tmp_path / "ramp.tif")]) == 0
        assert np.abs(tifffile.imread(place / "ramp.tif") - wanted * 65535).max() <= 1


def test_soft_edges_become_hard_ones_unless_opacity_is_ignored(tmp_path: Path) -> None:
    frame = np.random.default_rng(1).integers(1000, 60000, (60, 80, 4), dtype=np.uint16)
    frame[..., 3] = np.clip((np.arange(80) - 10) * 3000, 0, 65535)
    tifffile.imwrite(tmp_path / "soft.tif", frame, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    words, part = ["prepare", "--quiet", "--crop=40x30+5+5"], frame[5:35, 5:45]
    assert main([*words, "-o", str(tmp_path / "a"), str(tmp_path / "soft.tif")]) == 0
    assert main([*words, "--ignore-alpha", "-o", str(tmp_path / "b"), str(tmp_path / "soft.tif")]) == 0
    made, opaque = tifffile.imread(tmp_path / "a" / "soft.tif"), part[..., 3] >= 0.98 * 65535
    assert np.array_equal(made[..., 3], opaque * np.uint16(65535))
    assert np.array_equal(made[opaque], part[opaque])
    border = made[:, np.argmax(opaque[0]), None, :3]
    assert (made[..., :3] == border)[~opaque].all()
    assert np.array_equal(tifffile.imread(tmp_path / "b" / "soft.tif"), part[..., :3])


def sets(shared: Path) -> list[dict[str, Any]]:
    """What the original made of options, and the options."""
    return json.loads((shared / "oracle" / "prepare" / "manifest.json").read_text())


#: Decibels that are to be reached at least; what only moves pixels is exact.
THRESHOLDS = {"p01": 999, "p02": 999, "p04": 999, "p08": 999, "p06": 90, "p09": 90, "p25": 90} | {
    name: 80 for name in ("p10", "p11", "p13", "p14", "p16", "p18", "p20", "p21", "p23", "p24")
}


@pytest.mark.parametrize("name", THRESHOLDS)
def test_prepared_frames_are_those_of_the_original(name: str, shared: Path, tmp_path: Path) -> None:
    words = next(entry["options"] for entry in sets(shared) if entry["file"] == f"{name}.npz")
    images = [str(path) for path in sorted((shared / "oracle" / "stack").glob("*.tif"))]
    assert main(["prepare", "--quiet", "--workers=1", *words, "-o", str(tmp_path / "o"), *images]) == 0
    made = tifffile.imread(tmp_path / "o" / "s03.tif")
    assert made.dtype == np.uint16
    assert decibels(made[..., :3], np.load(shared / "oracle" / "prepare" / f"{name}.npz")["frame"]) >= THRESHOLDS[name]


def test_every_set_of_the_original_has_its_threshold(shared: Path) -> None:
    assert {entry["file"].removesuffix(".npz") for entry in sets(shared)} == THRESHOLDS.keys()


def decibels(one: np.ndarray, other: np.ndarray) -> float:
    """The peak signal-to-noise ratio of 16-bit frames of the same size, 999 if they are equal."""
    assert one.shape == other.shape
    error = float(((one.astype(float) - other) ** 2).mean())
    return 999 if error == 0 else 10 * np.log10(65535**2 / error)


def test_a_part_of_aligned_frames_is_a_part_of_the_whole(tmp_path: Path) -> None:
    folder = render(tmp_path / "in", 480, 320, 4, 3, misalign=True)
    images = [str(path) for path in sorted(folder.glob("slice_*.tif"))]
    words = ["align", "--quiet", "--balance=no", "--save-transforms", str(tmp_path / "t.json")]
    assert main([*words, "-o", str(tmp_path / "a"), *images]) == 0
    assert main([*words, "--crop=100x80+150+120", "--shave=10x5", "-o", str(tmp_path / "b"), *images]) == 0
    for image in images:
        whole, part = (tifffile.imread(tmp_path / run / Path(image).name) for run in "ab")
        assert np.array_equal(part, whole[125:195, 160:240])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = render(tmp_path_factory.mktemp("scene"), 480, 400, 4, 3)
    return [str(path) for path in sorted(folder.glob("slice_*.tif"))]


#: How like the whole a part is, in decibels, as far as halos allow: exact where nothing is measured over the whole
#: picture; else limits of masks, noise, and the grid of pyramids are those of the part.
ALIKE = {"--bg=mean": 999.0, "--bg=max --frameresize=100%": 999.0, "--bg=median --gamma": 999.0, "--wavelet": 35.0,
         "--preset=default": 40.0, "": 55.0, "--preset=workflow-blur": 40.0, "--bg=enfuse": 50.0}  # fmt: skip


@pytest.mark.parametrize("words", ALIKE)
def test_a_part_for_tuning_shows_what_the_whole_does(words: str, scene: list[str], tmp_path: Path) -> None:
    def fused(name: str, *more: str) -> np.ndarray:
        place = [
            "--quiet",
            "--align=no",
            "--balance=no",
            "--store",
            str(tmp_path / name),
            "-o",
            str(tmp_path / f"{name}.tif"),
        ]
        assert main(["fuse", *place, *more, *words.split(), *scene]) == 0
        return tifffile.imread(tmp_path / f"{name}.tif")[..., :3]

    part, whole = fused("part", "--crop=256x240+128+96"), fused("whole")[96:336, 128:384]
    inner = np.s_[48:-48, 48:-48]
    assert decibels(part[inner], whole[inner]) >= ALIKE[words]


def test_a_move_is_that_of_the_corner_that_moves_most() -> None:
    turned = (1.0, 0.01, 0.0, -0.01, 1.0, 0.0, 0.0, 0.0, 1.0)
    found = Alignment("affine", "a", (101, 51), (FrameTransform("a", turned),))
    assert found.moves() == [pytest.approx(np.hypot(0.5, 1.0))]
