"""The words of a fusion, and the weights they ask for."""

import numpy as np
import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.kernels import quality
from imfuse_tiles.options.backgrounds import parse_image_spec
from imfuse_tiles.options.fusion_weights import FusionWeights
from imfuse_tiles.options.option_parser import parse_arguments


@pytest.mark.parametrize(
    ("said", "fusion", "canonical"),
    [
        ("enfuse", FusionWeights(), "enfuse"),
        ("ENFUSE,hard", FusionWeights(), "enfuse"),
        ("enfuse,soft", FusionWeights(soft=True), "enfuse:soft"),
        ("enfuse:soft:exposure", FusionWeights(True, exposure=100), "enfuse:soft:exposure"),
        (
            "enfuse,saturation20%,exposure=50",
            FusionWeights(exposure=50, saturation=20),
            "enfuse:exposure=50:saturation=20",
        ),
        ("exposure,contrast=0,enfuse", FusionWeights(contrast=0, exposure=100), "enfuse:contrast=0:exposure"),
    ],
)
def test_words_ask_for_a_fusion_and_its_text_reads_back(said, fusion, canonical):
    assert FusionWeights.parse("--bg", said) == fusion
    assert str(fusion) == canonical
    assert FusionWeights.parse("--bg", canonical) == fusion


@pytest.mark.parametrize("said", ["enfuse,exposure=101", "enfuse,contrast=0", "enfuse,sharp", "enfuse,exposure=-5"])
def test_a_fusion_of_nothing_or_of_unknown_words_is_refused(said):
    with pytest.raises(Refusal, match=r"--bg: .*enfuse"):
        FusionWeights.parse("--bg", said)


def test_the_words_stand_behind_background_and_generator_and_after_colons_in_i():
    assert parse_arguments("bg", "enfuse,soft,exposure").image_spec == parse_image_spec("--bg", "enfuse:soft:exposure")
    assert str(parse_arguments("bg", None)) == "--bg=enfuse"
    assert str(parse_arguments("enfuse", "w15")) == "--enfuse=w15"
    assert str(parse_arguments("enfuse", "soft,w15,exposure50")) == "--enfuse=w15,enfuse:soft:exposure=50"
    assert parse_arguments("enfuse", "soft").I == parse_arguments("wavelet", "I=enfuse:soft").I == "enfuse:soft"


def test_a_background_that_is_no_fusion_takes_no_second_word():
    with pytest.raises(Refusal, match=r"--bg: black,white is not known"):
        parse_arguments("bg", "black,white")


def stack(size=(20, 30)):
    return (np.random.default_rng(0).random((3, *size)) * 65535).astype(np.uint16)


def test_the_measures_add_up_by_their_percents_and_the_border_has_no_contrast():
    planes = stack()
    found = FusionWeights(contrast=50, exposure=20, saturation=100).weights(Window.whole(planes)).data
    grey, contrast = quality.grey(planes), np.zeros((20, 30))
    contrast[2:-2, 2:-2] = quality.contrast(grey, (0, 0, 0, 0)) / 65535
    expected = 0.5 * contrast + 0.2 * quality.exposure(grey) + quality.saturation(planes)
    assert np.allclose(found, expected, atol=1e-6)
    assert not FusionWeights().weights(Window.whole(planes)).data[:2].any()


@pytest.mark.parametrize(
    "fusion", [FusionWeights(), FusionWeights(contrast=0, exposure=100), FusionWeights(exposure=30, saturation=40)]
)
@pytest.mark.parametrize("region", [Region(0, 20, 0, 30), Region(5, 9, 0, 3), Region(17, 20, 10, 30)])
def test_a_window_has_the_weights_of_the_frame(fusion, region):
    planes = stack()
    whole = fusion.weights(Window.whole(planes))
    around = region.with_halo(fusion.halo, (20, 30))
    window = Window.whole(planes).cropped(around)
    assert np.array_equal(fusion.weights(window).cropped(region).data, whole.cropped(region).data)


@pytest.mark.parametrize("size", [(1, 1), (4, 9), (3, 3)])
def test_frames_smaller_than_the_window_of_contrast_have_none(size):
    assert not FusionWeights().weights(Window.whole(stack(size))).data.any()
    assert FusionWeights().halo == Halo.uniform(2)
