"""The fusion by local energy: tiles equal whole frames, noise is found, depth is right, nothing that no slice shows."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from stacks import frames, ran, recipe_of, stack_of

from imfuse_tiles.errors import Refusal
from imfuse_tiles.kernels import detail_energy
from imfuse_tiles.options.focus_pyramid import FocusPyramid, level_count
from imfuse_tiles.reference import fused
from imfuse_tiles.reference.pyramid import PyramidReference


def focused(
    count: int = 6, size: tuple[int, int] = (150, 210), noise: float = 0.0, seed: int = 3
) -> tuple[np.ndarray, ...]:
    """Slices (z, planes, y, x) uint16 of a textured slope from front (left) to back, the truth, and its depth."""
    random = np.random.default_rng(seed)
    truth = np.stack([cv2.GaussianBlur(random.random(size), (0, 0), 1) for _ in range(3)])
    truth = np.clip(0.5 + (truth - truth.mean()) / truth.std() * 0.13, 0.05, 0.95)
    depth = np.broadcast_to(np.linspace(0, count - 1, size[1]), size)
    blurs = np.stack([truth, *(np.stack([cv2.GaussianBlur(each, (0, 0), 0.5 * step) for each in truth])
                               for step in range(1, 2 * count))])  # fmt: skip
    slices = []
    for z in range(count):
        away = np.abs(depth - z) * 2
        low, share = np.floor(away).astype(int), away % 1
        rows, columns = np.mgrid[: size[0], : size[1]]
        near, far = (np.stack([blurs[np.minimum(low + k, len(blurs) - 1), c, rows, columns] for c in range(3)])
                     for k in (0, 1))  # fmt: skip
        slices.append(near * (1 - share) + far * share + random.normal(0, noise, truth.shape))
    return np.rint(np.clip(slices, 0, 1) * 65535).astype(np.uint16), truth, depth


@pytest.mark.parametrize("tile", [32, 64, 100, 256, 1000])
def test_the_tile_size_changes_no_bit_of_picture_and_depth(tmp_path: Path, tile: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(3, 3, "uint8", (181, 243))
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=tile)
    assert np.array_equal(result, fused(recipe, stack, 255))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 200), (17, 16), (33, 70)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_frames_of_any_size_and_number_are_fused(tmp_path: Path, shape: tuple[int, int], count: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(count, 3, "uint16", shape)
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=16)
    assert np.array_equal(result, fused(recipe, stack, 65535))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("planes", [1, 3], ids=["grey", "colour"])
def test_every_kind_of_sample_is_fused(tmp_path: Path, dtype: str, planes: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(3, planes, dtype, (120, 90))
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(result, fused(recipe, stack, {"uint8": 255, "float32": 1}[dtype]))


def test_an_image_to_compare_with_may_be_the_fusion(tmp_path: Path) -> None:
    recipe, stack = recipe_of("--statistic=I=pyramid --cutalpha"), frames(3, 3, "uint16", (90, 120))
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(result, fused(recipe, stack, 65535))


def test_equal_slices_fuse_to_themselves() -> None:
    stack = np.stack([frames(1, shape=(90, 70))[0]] * 4)
    picture = PyramidReference(FocusPyramid(), stack, 65535).pictures[0]
    assert np.abs(picture.astype(int) - stack[0]).max() <= 1


def test_the_fusion_is_nearer_to_the_truth_than_any_slice_or_their_best_pixels() -> None:
    stack, truth, depth = focused(noise=0.01)
    picture = PyramidReference(FocusPyramid(), stack, 65535).pictures[0] / 65535
    best = np.take_along_axis(stack, np.rint(depth).astype(int)[None, None], 0)[0] / 65535
    error = [np.sqrt(np.mean((each - truth) ** 2)) for each in (picture, best)]
    assert error[0] < error[1]


@pytest.mark.parametrize("overshoot", [0, 25])
def test_nothing_appears_that_no_slice_shows(overshoot: int) -> None:
    """Bright spots on a dark background that no slice has in focus: where halos are seen first."""
    spots = np.zeros((120, 160))
    for y, x, radius in ((30, 40, 3), (80, 50, 8), (60, 120, 5)):
        cv2.circle(spots, (x, y), radius, 1.0, -1)
    slices = [np.clip(0.05 + 0.9 * (cv2.GaussianBlur(spots, (0, 0), 3.0 * z) if z else spots), 0, 1) for z in range(5)]
    stack = np.rint(np.stack(slices)[:, None] * 65535).astype(np.uint16)
    picture = PyramidReference(FocusPyramid(overshoot=overshoot), stack, 65535).pictures[0].astype(float)
    least, most = stack.min(axis=0).astype(float), stack.max(axis=0).astype(float)
    room = (most - least) * overshoot / 100 + 1
    assert (picture >= least - room).all()
    assert (picture <= most + room).all()
    assert np.abs(picture - stack[0]).mean() < 0.002 * 65535


@pytest.mark.parametrize("deviation", [0.002, 0.01, 0.03])
def test_noise_is_measured(deviation: float) -> None:
    stack, _, _ = focused(noise=deviation, size=(200, 280))
    smooth = np.rint(np.clip(0.5 + np.random.default_rng(1).normal(0, deviation, stack.shape), 0, 1) * 65535)
    stack[..., :100] = smooth[..., :100]
    found = PyramidReference(FocusPyramid(), stack, 65535).variance ** 0.5
    assert 0.75 * deviation < found < 1.35 * deviation


def test_the_noise_of_nothing_but_steps_is_that_of_the_steps() -> None:
    stack = np.full((3, 3, 70, 70), 100, np.uint8)
    assert PyramidReference(FocusPyramid(), stack, 255).variance == pytest.approx(1 / 255**2 / 12)


def test_the_gains_of_noise_are_those_of_the_pyramid() -> None:
    from imfuse_tiles.geometry import Region, Window
    from imfuse_tiles.options.focus_pyramid import Level

    noise = np.random.default_rng(0).normal(0.5, 0.01, (1, 512, 512)).astype(np.float32)
    for number, gain in enumerate(detail_energy.GAINS[:4]):
        frame = noise.shape[1:]
        level = Level(number, frame, 1.0)
        low = level.reduced(Window.whole(noise), Region(0, level.above[0], 0, level.above[1])).data
        energy = detail_energy.energy(noise, low, ((0, 0), (0, 0)), frame, Region(0, frame[0], 0, frame[1]), 1.0)
        assert energy[8:-8, 8:-8].mean() / 1e-4 == pytest.approx(gain, rel=0.12)
        noise = low


def test_depth_lies_between_slices_and_is_sure_where_there_is_detail() -> None:
    stack, _, depth = focused(noise=0.004)
    value, sure = PyramidReference(FocusPyramid(), stack, 65535).depth
    found = len(stack) - 1 - value[0] * len(stack)
    error = np.abs(found - depth)[10:-10, 20:-20]
    assert np.median(error) < 0.2
    assert np.quantile(error, 0.9) < 0.5
    assert np.median(sure) > 0.7


def test_smooth_places_take_their_depth_from_sure_neighbours() -> None:
    stack, _, depth = focused(noise=0.002, size=(160, 240))
    stack[:, :, 60:90, 100:130] = 30000
    value, sure = PyramidReference(FocusPyramid(), stack, 65535).depth
    found = len(stack) - 1 - value[0] * len(stack)
    hole = (slice(66, 84), slice(106, 124))
    assert np.median(np.abs(found - depth)[hole]) < 1.5
    assert np.median(sure[hole]) < np.median(sure[20:50, 100:130])


def test_words_are_read_and_shown() -> None:
    assert str(FocusPyramid.read("--bg", "pyramid,noise=0.50%,overshoot=10")) == "pyramid:noise=0.5:overshoot=10"
    assert FocusPyramid.read("--bg", str(FocusPyramid(noise=1.5))) == FocusPyramid(noise=1.5)
    assert str(FocusPyramid()) == "pyramid"
    assert str(FocusPyramid.read("--bg", "pyramid,noise=1,unordered")) == "pyramid:unordered:noise=1"


@pytest.mark.parametrize("words", ["pyramid,sharp", "pyramid,noise=101", "pyramid,noise", "pyramid,levels=3"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(Refusal, match=words.split(",")[1]):
        FocusPyramid.read("--bg", words)


def test_levels_leave_eight_to_fifteen_pixels() -> None:
    assert [level_count((side, 50000)) for side in (1, 15, 16, 63, 64, 2000, 32768)] == [2, 2, 2, 2, 3, 7, 12]


def glints(size: tuple[int, int] = (140, 180)) -> tuple[np.ndarray, np.ndarray]:
    """Slices (z, 1, y, x) uint16 of strong glints on a weak texture, the third in focus; and the truth."""
    random, light = np.random.default_rng(7), np.full((140, 180), 0.08)
    light += 0.02 * cv2.GaussianBlur(random.random(light.shape) - 0.5, (0, 0), 1) / 0.15
    for y, x in random.integers(15, 125, (25, 2)):
        light[y : y + 2, x : x + 2] = 4.0
    slices = [cv2.GaussianBlur(light, (0, 0), 0.5 + 1.2 * abs(z - 2)) for z in range(5)]
    stack, truth = (np.clip(each, 0, 1) ** (1 / 2.2) for each in (np.stack(slices)[:, None], slices[2]))
    return np.rint(stack * 65535).astype(np.uint16), truth


def test_clipped_highlights_stay_as_small_as_in_the_slice_in_focus() -> None:
    stack, truth = glints()
    picture = PyramidReference(FocusPyramid(), stack, 65535).pictures[0][0] / 65535
    clipped = truth > 0.7
    assert (picture > 0.7).sum() < 1.4 * clipped.sum()  # 1.7 times if the light around them did not count
    assert np.abs(picture - truth).mean() < 0.002


@pytest.mark.parametrize("tile", [32, 100])
def test_highlights_change_with_no_tile(tmp_path: Path, tile: int) -> None:
    recipe, (stack, _) = recipe_of("--bg=pyramid"), glints()
    assert stack[2].max() == 65535
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=tile)
    assert np.array_equal(result, fused(recipe, stack, 65535))
