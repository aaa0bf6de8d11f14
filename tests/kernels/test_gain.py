"""Frequency responses against pictures of the shapes, drawn pixel by pixel."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from imfuse_tiles.kernels.gain import centred_response, continuous_response, gain_columns
from imfuse_tiles.kernels.response import SHAPES, Response

SIZE = 64


def whole(response, size=SIZE):
    return gain_columns(response, size, 0, size // 2 + 1)


def half_of_picture(picture):
    """A picture of the spectrum, frequency 0 in pixel size/2: its left half, turned round, is the right one."""
    size = len(picture)
    half = np.empty((size, size // 2 + 1))
    for ky in range(-size // 2, size // 2):
        half[ky, 0] = picture[size // 2 + ky, size // 2]
        for kx in range(1, size // 2 + 1):
            # Row 0 stands for both the lowest and the highest frequency.
            half[ky, kx] = picture[(size // 2 - ky) % size, size // 2 - kx]
    return half


def drawn(ramp, size=SIZE):
    """The picture of a ramp, a function of the distances x, y from the middle of an even number of pixels."""
    place = np.abs(np.arange(size) - (size - 1) / 2)
    return np.clip(ramp(place[None, :], place[:, None]), 0, 1)


RADIUS = SIZE * 60 // 200
RAMPS = {
    "circle": lambda x, y: 1 - np.hypot(x, y) / (RADIUS - 0.5),
    "square": lambda x, y: 1 - (np.maximum(x, y) - 0.5) / (RADIUS - 1),
    "rhombus": lambda x, y: 1 - ((x + y) / np.sqrt(2) - 0.5) / (RADIUS - 1),
    "cross": lambda x, y: 1 - (np.minimum(x, y) - 0.5) / (RADIUS - 1),
    "xcross": lambda x, y: 1 - (np.abs(x - y) / np.sqrt(2) - 0.5) / (RADIUS - 1),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_gradient_is_the_picture_whose_middle_lies_half_a_frequency_before_zero(shape):
    expected = half_of_picture(drawn(RAMPS[shape]))
    # The highest negative frequency is its own mirror image: the picture ends one pixel short of it.
    rows = np.arange(SIZE) != SIZE // 2
    np.testing.assert_allclose(whole(Response(r=60, shape=shape))[rows], expected[rows], atol=1e-12)


@pytest.mark.parametrize(
    ("word", "bend"),
    [
        ("gaussian", lambda v: np.exp(-((1 - v) ** 2) / np.sqrt(2 * np.pi))),
        ("log1000", lambda v: 1 - np.log(1000 * (1 - v) + 1) / np.log(1001)),
        ("log10", lambda v: 1 - np.log(10 * (1 - v) + 1) / np.log(11)),
        ("inverselog10", lambda v: 1 - 11.0 ** ((1 - v) - 1) / 10),
        ("pow2", lambda v: v**2),
    ],
)
def test_conversions_are_stretched_to_0_and_1_over_the_picture(word, bend):
    picture = bend(drawn(RAMPS["circle"]))
    picture = (picture - picture.min()) / (picture.max() - picture.min())
    gain = whole(Response(r=60, conversion=word))
    rows = np.arange(SIZE) != SIZE // 2
    np.testing.assert_allclose(gain[rows], half_of_picture(picture)[rows], atol=1e-12)
    assert gain[0, 0] == 1
    assert gain.min() == 0


def test_a_gradient_and_a_cosine_are_not_stretched():
    top = 1 - np.sqrt(0.5) / (RADIUS - 0.5)
    assert whole(Response(r=60))[0, 0] == pytest.approx(top, abs=1e-12)
    cosine = whole(Response(r=60, conversion="cos0.5"))[0, 0]
    assert cosine == pytest.approx(0.5 - 0.5 * np.cos(np.pi * top), abs=1e-12)


def test_a_radius_beyond_the_corners_is_stretched_from_the_corner():
    corner = (-SIZE // 2 + 1, SIZE // 2)
    assert whole(Response(r=200))[corner] == pytest.approx(1 - np.hypot(31.5, 31.5) / 63.5, abs=1e-12)
    stretched = whole(Response(r=200, conversion="pow2"))
    assert stretched[corner] == pytest.approx(0, abs=1e-12)
    assert stretched[0, 0] == 1


def test_the_sigmoid_keeps_the_ends_and_has_its_midpoint():
    ramp = np.linspace(0, 1, 101)
    steep = continuous_response(Response(r=100, s=5, p=30), 1 - ramp, 0)
    assert steep[[0, 100]] == pytest.approx([0, 1], abs=1e-12)
    logistic = 1 / (1 + np.exp(-5 * (np.array([0, 0.3, 1]) - 0.3)))
    assert steep[30] == pytest.approx((0.5 - logistic[0]) / (logistic[2] - logistic[0]), abs=1e-12)
    # The midpoint is where the curve is steepest.
    assert np.argmax(np.diff(steep)) in (29, 30)


def test_a_negative_sigmoid_undoes_the_positive_one():
    ramp = np.linspace(0, 1, 101)
    flat = continuous_response(Response(r=100, s=-4), 1 - ramp, 0)
    again = continuous_response(Response(r=100, s=4), 1 - flat, 0)
    np.testing.assert_allclose(again, ramp, atol=1e-12)
    assert np.all(np.diff(flat) > 0)


@pytest.mark.parametrize("word", ["gradient", "log1000", "solid"])
def test_a_high_pass_is_what_the_low_pass_holds_back(word):
    low, high = (whole(Response(conversion=word, N=n)) for n in (0, 1))
    np.testing.assert_array_equal(high, 1 - low)


def test_a_solid_disk_lies_on_frequency_zero_and_falls_within_one_frequency():
    gain = whole(Response(r=60, conversion="solid"))
    assert np.all(gain[0, : RADIUS + 1] == 1)
    assert np.all(gain[0, RADIUS + 1 :] == 0)
    distance = np.hypot(13, 14)
    assert RADIUS < distance < RADIUS + 1
    assert gain[13, 14] == gain[-13, 14] == pytest.approx((1 - (distance - RADIUS)) ** 2)


def test_s_blurs_a_solid_disk():
    sharp, soft = (whole(Response(r=60, conversion="solid", s=s)) for s in (0, 2))
    full = np.fft.fftshift(np.hstack([sharp, sharp[:, -2:0:-1]]))
    # The mean of three samples a third apart adds 2/27 to the variance.
    expected = np.fft.ifftshift(gaussian_filter(full, np.sqrt(4 + 2 / 27), mode="nearest", truncate=5))
    np.testing.assert_allclose(soft[:, :-1], expected[:, : SIZE // 2], atol=2e-4)


def test_columns_can_be_asked_for_in_parts():
    for response in (Response(), Response(r=25, conversion="log1000"), Response(conversion="solid", s=1.5)):
        parts = [gain_columns(response, SIZE, k, min(k + 5, SIZE // 2 + 1)) for k in range(0, SIZE // 2 + 1, 5)]
        np.testing.assert_array_equal(np.hstack(parts), whole(response))


def test_a_finer_grid_samples_the_same_response():
    for response in (Response(), Response(shape="cross")):
        fine = gain_columns(response, SIZE, 0, 9, 2 * SIZE, 0.5)
        coarse = gain_columns(response, SIZE, 0, 5)
        np.testing.assert_allclose(fine[::2, ::2], coarse, atol=1e-12)


def test_the_centred_response_is_even_and_agrees_away_from_zero():
    size = 4096
    for response in (Response(), Response(r=25, conversion="log1000"), Response(conversion="gaussian")):
        even = centred_response(response, size, 256)
        np.testing.assert_array_equal(even[1:128], even[:128:-1])
        grid = gain_columns(response, size, 0, 129, 256, 16)
        assert np.abs(even - grid)[8:-8, 8:].max() < 1e-3


@pytest.mark.parametrize(
    ("response", "fx", "fy", "expected"),
    [
        (Response(r=75), 0.375, 0, 0.5),
        (Response(r=75), 0.3, 0.4, 1 / 3),
        (Response(r=50, shape="square"), 0.25, -0.1, 0.5),
        (Response(r=50, shape="rhombus"), 0.25, 0.25, 1 - np.sqrt(0.5)),
        (Response(r=50, shape="cross"), 0.25, 0.9, 0.5),
        (Response(r=50, shape="xcross"), 0.7, -0.7, 1.0),
        (Response(r=50, conversion="log10"), 0.25, 0, 1 - np.log(6) / np.log(11)),
        (Response(r=50, conversion="solid"), 0.3, 0.39, 1.0),
        (Response(r=50, conversion="solid"), 0.3, 0.41, 0.0),
    ],
)
def test_the_clean_response_at_single_frequencies(response, fx, fy, expected):
    assert float(continuous_response(response, fx, fy)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("response", [Response(), Response(conversion="pow2"), Response(shape="cross")])
def test_the_gridded_response_nears_the_clean_one_as_frames_grow(response):
    errors = []
    for size in (512, 4096):
        step = size / 64
        frequency = np.fft.fftfreq(64)[:, None] * 2
        exact = continuous_response(response, np.arange(33) / 32, frequency)
        errors.append(np.abs(gain_columns(response, size, 0, 33, 64, step) - exact).max())
    assert errors[1] < errors[0] / 6 < 3e-3
