"""Despeckling against the same steps written with whole arrays."""

import numpy as np
import pytest

from imfuse_tiles.kernels.despeckle import despeckle, halo


def speckled(height, width, seed=0):
    """Noise, flat steps and single bright and dark pixels: everything that a hull can act on."""
    rng = np.random.default_rng(seed)
    ground = (rng.random((height // 12 + 1, width // 12 + 1)) * 200).repeat(12, 0).repeat(12, 1)
    ground = ground[:height, :width].round() + rng.integers(-3, 4, (height, width))
    ground[rng.random((height, width)) < 0.1] = 255
    ground[rng.random((height, width)) < 0.1] = 0
    return np.ascontiguousarray(np.clip(ground, 0, 255) / 255, np.float32)


def step_by_step(frame, passes):
    """The definition, array by array, with zeros around."""
    f, one, two = np.rint(frame.astype(np.float64) * 65535 * 64) / 64, 257, 514

    def at(plane, dx, dy):
        height, width = plane.shape
        return np.pad(plane, 1)[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    def up(f, dx, dy):
        g = np.where(at(f, dx, dy) >= f + two, f + one, f)
        return np.where((at(g, -dx, -dy) >= g + two) & (at(g, dx, dy) > g), g + one, g)

    def down(f, dx, dy):
        g = np.where(at(f, dx, dy) <= f - two, f - one, f)
        return np.where((at(g, -dx, -dy) <= g - two) & (at(g, dx, dy) < g), g - one, g)

    for _ in range(passes):
        for dx, dy in ((0, 1), (1, 0), (1, 1), (-1, 1)):
            f = down(down(up(up(f, dx, dy), -dx, -dy), -dx, -dy), dx, dy)
    return f / 65535


def frame_despeckled(frame, passes, filling=0.0):
    h = halo(passes)
    return despeckle(np.pad(frame, h, constant_values=filling), passes, (h, h, h, h))


def test_each_pass_needs_eighteen_pixels():
    assert (halo(0), halo(1), halo(4)) == (0, 18, 72)


@pytest.mark.parametrize("shape", [(61, 74), (5, 80), (40, 1), (1, 1)])
@pytest.mark.parametrize("passes", [1, 3])
def test_a_frame_equals_the_definition(passes, shape):
    frame = speckled(*shape)
    result = frame_despeckled(frame, passes)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, step_by_step(frame, passes), atol=6e-8)


def test_what_the_window_holds_outside_the_frame_does_not_matter():
    frame = speckled(30, 33)
    assert np.array_equal(frame_despeckled(frame, 2, 0.0), frame_despeckled(frame, 2, 0.9))


@pytest.mark.parametrize(("ground", "speck", "sixteenth"), [(50, 250, -16), (250, 50, 16)])
def test_a_single_speck_loses_sixteen_steps_in_each_pass(ground, speck, sixteenth):
    frame = np.full((91, 91), ground, np.float32)
    frame[45, 45] = speck
    for passes in (1, 2, 5):
        result = np.rint(frame_despeckled(frame / np.float32(255), passes) * 255)
        assert result[45, 45] == speck + passes * sixteenth


def test_steps_below_two_of_255_stay_as_they_are():
    frame = (100 + np.random.default_rng(0).integers(0, 2, (40, 40))).astype(np.float32) / np.float32(255)
    inner = (slice(9, -9),) * 2
    np.testing.assert_allclose(frame_despeckled(frame, 1)[inner], frame[inner], atol=1.3e-7)


def windows(frame, passes, y, x, height, width):
    """A tile's window, filled with rubbish outside the frame, and how much of it is outside."""
    h = halo(passes)
    padded = np.pad(frame, h, constant_values=np.float32(0.7))
    bottom, right = frame.shape[0] - (y + height), frame.shape[1] - (x + width)
    margins = tuple(max(0, h - room) for room in (y, bottom, x, right))
    return np.ascontiguousarray(padded[y : y + height + 2 * h, x : x + width + 2 * h]), margins


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_a_tile_with_its_halo_gives_the_bits_of_the_whole(passes, seed):
    frame = speckled(150, 161, seed)
    whole = frame_despeckled(frame, passes)
    tiles = [(0, 0, 37, 53), (50, 60, 1, 40), (60, 40, 40, 1), (70, 71, 7, 9), (100, 120, 50, 41), (45, 0, 1, 161)]
    for y, x, height, width in tiles:
        window, margins = windows(frame, passes, y, x, height, width)
        assert np.array_equal(despeckle(window, passes, margins), whole[y : y + height, x : x + width])


def test_an_impulse_outside_the_halo_is_never_felt():
    ground = np.full((91, 91), 0.4, np.float32)
    calm, h = frame_despeckled(ground, 1), halo(1)
    for y, x in np.random.default_rng(5).integers(0, 91, (40, 2)):
        touched = ground.copy()
        touched[y, x] = 1.0
        changed = np.argwhere(frame_despeckled(touched, 1) != calm)
        assert np.abs(changed - (y, x)).max() <= h


def test_rows_outside_the_frame_come_back_as_zeros():
    window = np.full((45, 47), 0.5, np.float32)
    result = despeckle(window, 1, (20, 0, 0, 19))
    assert result.shape == (9, 11)
    assert not result[:2].any()
    assert not result[:, -1:].any()
    assert result[2:, :-1].all()


def test_a_window_without_an_inside_is_refused():
    with pytest.raises(ValueError, match="halo of 18"):
        despeckle(np.zeros((36, 50), np.float32), 1, (0, 0, 0, 0))
