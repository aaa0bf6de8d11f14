"""A fusion in tiles equals the plain pyramids of whole frames, and the picture that enfuse makes."""

import shutil
import subprocess

import numpy as np
import pytest
import tifffile

from imfuse_tiles.execution.fuse_stack import fuse_images
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.kernels.pyramid import levels_for
from imfuse_tiles.kernels.quality import grey
from imfuse_tiles.options.fusion_weights import FusionWeights
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.planning.block_layout import layout_of_edge
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.pyramid_levels import level_groups
from tests.kernels.halving import matrix, spread

#: Modules without a test file of their own name.
TESTED_MODULES = ("stages.fusion_weights", "stages.pyramid_levels")

WORDS = ["enfuse", "enfuse,soft", "enfuse,exposure=50,saturation", "enfuse,soft,exposure"]


def frames(size, count=4, dtype="uint8", planes=3, seed=0):
    """Slices, each rough in another part of the frame and smooth elsewhere; (y, x, planes)."""
    random, top = np.random.default_rng(seed), {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    smooth = np.linspace(0.2, 0.8, size[1])[None, :, None] * np.ones((*size, planes))
    rough = random.random((*size, planes))
    place = np.linspace(0, count, size[1])[None, :, None]
    made = [np.where(np.abs(place - z - 0.5) < 0.7, rough, smooth + 0.02 * z) for z in range(count)]
    return [(np.clip(each, 0, 1) * top).astype(dtype) for each in made]


def written(folder, pictures):
    paths = [folder / f"s{z:02}.tif" for z in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        tifffile.imwrite(path, picture.squeeze(), photometric="rgb" if picture.shape[-1] == 3 else "minisblack")
    return paths


def fused(folder, paths, words="enfuse", **how):
    """The picture that a background of these words is, frames as they lie, as float codes (y, x, planes)."""
    store, out = folder / "store", folder / "out.tif"
    shutil.rmtree(store, ignore_errors=True)
    recipe = Recipe((parse_arguments("bg", words), parse_arguments("align", "no")))
    fuse_images(paths, recipe, out, store=store, force=True, **how)
    picture = tifffile.imread(out).astype(float)
    return picture if picture.ndim == 3 else picture[..., None]


def masks(pictures, fusion):
    """What each slice counts at every pixel, (z, y, x)."""
    from imfuse_tiles.geometry import Window

    planes = [np.moveaxis(each, -1, 0) for each in pictures]
    weights = np.stack([fusion.weights(Window.whole(each)).data for each in planes]).astype(float)
    total, count = weights.sum(axis=0), len(pictures)
    if fusion.soft:
        made = weights / np.where(total > 0, total, 1)
    else:
        made = (np.arange(count)[:, None, None] == weights.argmax(axis=0)).astype(float)
    return np.where(total > 0, made, 1 / count)


def plain(pictures, fusion):
    """The fusion of whole frames, level by level in float64, in codes of 16 bits (y, x, planes)."""
    scale = 65535 / {"uint8": 255, "uint16": 65535, "float32": 1}[pictures[0].dtype.name]
    levels, blended = levels_for(*pictures[0].shape[:2]), None
    for picture, mask in zip(pictures, masks(pictures, fusion), strict=True):
        rest, mask, parts = np.moveaxis(picture.astype(float), -1, 0) * scale, mask[None], []
        for _ in range(levels - 1):
            height, width = rest.shape[1:]
            low = matrix(height) @ rest @ matrix(width).T
            parts.append(mask * (rest - spread(height) @ low @ spread(width).T))
            rest, mask = low, matrix(height) @ mask @ matrix(width).T
        parts.append(mask * rest)
        blended = parts if blended is None else [a + b for a, b in zip(blended, parts, strict=True)]
    result = blended[-1]
    for detail in blended[-2::-1]:
        result = detail + spread(detail.shape[1]) @ result @ spread(detail.shape[2]).T
    return np.moveaxis(np.clip(np.floor(result + 0.5), 0, 65535), 0, -1)


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("size", [(150, 203), (33, 70)])
def test_the_picture_is_that_of_plain_pyramids(tmp_path, words, size):
    pictures = frames(size)
    found = fused(tmp_path, written(tmp_path, pictures), words, tile=64)
    assert np.abs(found - plain(pictures, FusionWeights.parse("", words))).max() <= 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("planes", [1, 3])
def test_all_types_of_samples_and_grey_stacks_are_fused(tmp_path, dtype, planes):
    pictures = frames((70, 90), dtype=dtype, planes=planes)
    found = fused(tmp_path, written(tmp_path, pictures), tile=32)
    assert found.shape[-1] == planes
    assert np.abs(found - plain(pictures, FusionWeights())).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (5, 9), (9, 300), (17, 18)])
def test_frames_of_any_size_are_fused(tmp_path, size):
    pictures = frames(size, count=2)
    found = fused(tmp_path, written(tmp_path, pictures), tile=16)
    assert np.abs(found - plain(pictures, FusionWeights())).max() <= 1


@pytest.mark.parametrize("words", WORDS)
def test_every_tile_size_gives_the_same_bytes(tmp_path, words):
    paths = written(tmp_path, frames((161, 215), count=3))
    whole = fused(tmp_path, paths, words, tile=512, workers=1)
    for tile in (24, 50, 128):
        assert np.array_equal(fused(tmp_path, paths, words, tile=tile, workers=2), whole), tile


def test_a_long_narrow_frame_is_tiled_at_all_its_levels(tmp_path):
    paths = written(tmp_path, frames((30, 1500), count=2))
    assert np.array_equal(fused(tmp_path, paths, tile=64), fused(tmp_path, paths, tile=2048))


def test_a_slice_more_than_a_byte_can_count_is_chosen(tmp_path):
    pictures = [np.full((12, 12, 1), 100, np.uint8) for _ in range(260)]
    pictures[257] = frames((12, 12), planes=1)[0]
    found = fused(tmp_path, written(tmp_path, pictures))
    assert np.abs(found - plain(pictures, FusionWeights())).max() <= 1


def test_equal_slices_fuse_to_themselves(tmp_path):
    picture = frames((120, 90), dtype="uint16")[1]
    found = fused(tmp_path, written(tmp_path, [picture] * 3), tile=64)
    assert np.abs(found - picture).max() <= 1


def test_soft_masks_sum_to_one():
    pictures = frames((40, 50))
    pictures[0][:20], pictures[1][:20] = 0, 0
    for words in WORDS:
        assert np.allclose(masks(pictures, FusionWeights.parse("", words)).sum(axis=0), 1), words


@pytest.mark.parametrize("frame", [(1, 1), (180, 240), (33, 5000), (3000, 4000), (32768, 32768), (9, 10**7)])
def test_the_groups_hold_every_level_once_and_know_what_a_block_needs(frame):
    found = level_groups(frame)
    assert [group.first for group in found] == list(np.cumsum([0, *(group.count for group in found)])[:-1])
    assert sum(group.count for group in found) == levels_for(*frame)
    assert [group.last for group in found] == [False] * (len(found) - 1) + [True]
    for group in found:
        block = Region(0, *group.frame[:1], 0, group.frame[1])
        assert all(need == group.own(block, level) for level, need in enumerate(group.needed(block)))
        grain = group.grain
        block = Region(8 * grain, 9 * grain, 16 * grain, 20 * grain)
        wide = [max(0, a - b) for a, b in zip(block[::2], group.needed(block)[0][::2], strict=True)]
        assert group.whole or max(wide) <= group.halo.radius


def test_blocks_begin_on_pixels_that_every_level_has(tmp_path):
    paths = written(tmp_path, frames((90, 110), count=2))
    plan = make_plan(Recipe((parse_arguments("bg", None),)), open_stack(paths))
    grains = {stage.name: stage.grain for stage in plan.stages if stage.grain > 1}
    assert grains == {"fusion levels 0-2": 8, "fusion levels 3-4": 2}
    for stage in plan.stages:
        for edge in (16, 100, 1000):
            layout = layout_of_edge(stage, edge)
            assert layout.chunk % stage.grain == layout.edge % stage.grain == 0


def test_a_damaged_level_is_computed_again(tmp_path):
    paths = written(tmp_path, frames((90, 110), count=3))
    before = fused(tmp_path, paths, tile=32)
    rest = sorted((tmp_path / "store" / "blend").glob("*-rest"))[0]
    chunk = next(rest.glob("c/0/2/1/1"))
    raw = bytearray(chunk.read_bytes())
    raw[5] ^= 1
    chunk.write_bytes(raw)
    for path in (tmp_path / "store" / "numbers").glob("*.json"):
        path.unlink()
    for path in (*(tmp_path / "store" / "image").glob("*/c"), *(tmp_path / "store" / "final").glob("*/c")):
        shutil.rmtree(path)
    fuse_images(
        paths, Recipe((parse_arguments("bg", None),)), tmp_path / "again.tif", store=tmp_path / "store", tile=32
    )
    assert np.array_equal(tifffile.imread(tmp_path / "again.tif"), before)


# Against the original and against enfuse


def decibels(a, b):
    return 10 * np.log10(65535**2 / max(np.mean((a - b) ** 2), 1e-9))


def test_the_picture_is_that_of_the_original(tmp_path, shared):
    oracle = shared / "oracle"
    expected = np.load(oracle / "bg_enfuse.npz")["result"].astype(float)
    found = fused(tmp_path, sorted((oracle / "stack").glob("s0*.tif")), tile=64)
    assert decibels(found, expected) > 100


@pytest.mark.parametrize("words", WORDS)
def test_the_picture_is_that_of_enfuse(tmp_path, words):
    program = shutil.which("enfuse")
    if program is None:
        pytest.skip("the program enfuse is not installed")
    # Three slices: enfuse counts a pixel without weight as 255 // N parts of 255, which is a third only for some N.
    pictures, fusion = frames((300, 410), count=3, dtype="uint16", seed=5), FusionWeights.parse("", words)
    paths = written(tmp_path, pictures)
    weights = [f"--{name}-weight={getattr(fusion, name) / 100}" for name in ("contrast", "exposure", "saturation")]
    mask = "--soft-mask" if fusion.soft else "--hard-mask"
    subprocess.run([program, *weights, mask, "-d", "16", "-o", tmp_path / "enfuse.tif", *paths], check=True,
                   capture_output=True)  # fmt: skip
    expected = tifffile.imread(tmp_path / "enfuse.tif")[..., :3].astype(float)
    assert decibels(fused(tmp_path, paths, words, tile=100), expected) > 95


def test_the_grey_of_a_slice_is_what_contrast_is_measured_on():
    red = np.zeros((3, 8, 8), np.uint8)
    red[0] = 255
    assert (grey(red) == 21845).all()
