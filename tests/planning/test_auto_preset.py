"""What a run without options chooses, and what it says of the frames."""

from pathlib import Path

import numpy as np
import pytest
from stacks import frames, recipe_of, stack_of

from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.planning import frame_survey
from imfuse_tiles.planning.auto_preset import Choice, choose

TESTED_MODULES = ("planning.frame_survey",)


def chosen(folder: Path, stack: np.ndarray, recipe: Recipe | None = None) -> Choice:
    return choose(recipe or Recipe(()), stack_of(folder, stack))


def test_a_stack_in_order_of_focus_is_fused_with_its_neighbours_in_mind(tmp_path: Path) -> None:
    choice = chosen(tmp_path, frames(9))
    assert str(choice.recipe) == "--bg=pyramid"
    assert "9 frames of 0.1 megapixels, in order of focus" in choice.reasons


def test_a_shuffled_stack_is_told_from_one_in_order(tmp_path: Path) -> None:
    choice = chosen(tmp_path, frames(9)[[4, 0, 7, 2, 5, 8, 1, 6, 3]])
    assert str(choice.recipe) == "--bg=pyramid:unordered"
    assert any("in no order of focus" in reason for reason in choice.reasons)


def test_a_frame_out_of_order_is_told(tmp_path: Path) -> None:
    choice = chosen(tmp_path, frames(9)[[1, 2, 3, 0, 4, 5, 6, 7, 8]])
    assert str(choice.recipe) == "--bg=pyramid"
    reason = choice.reasons[0]
    assert reason.startswith("9 frames of 0.1 megapixels, mostly in order of focus: ")
    assert reason.endswith("(--order=focus sorts them)")


def test_copies_of_a_frame_are_in_order(tmp_path: Path) -> None:
    reasons = chosen(tmp_path, frames(9)[[0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 8]]).reasons
    assert reasons[0] == "11 frames of 0.1 megapixels, in order of focus"


def test_an_order_that_was_not_looked_at_is_not_told(tmp_path: Path) -> None:
    assert chosen(tmp_path, frames(4)).reasons[0] == "4 frames of 0.1 megapixels"


def test_noise_is_told(tmp_path: Path) -> None:
    random, stack = np.random.default_rng(2), np.full((4, 3, 200, 220), 0.4)
    stack[:, :, :, :120] += random.normal(0, 0.1, (3, 200, 120))
    noisy = np.rint(np.clip(stack + random.normal(0, 0.01, stack.shape), 0, 1) * 65535).astype(np.uint16)
    reason = next(each for each in chosen(tmp_path, noisy).reasons if each.startswith("noise"))
    assert 0.8 < float(reason.split()[1]) < 1.3
    assert any("of the picture is sharp in no frame" in each for each in chosen(tmp_path, noisy).reasons)


def test_doubled_frames_and_drifting_brightness_are_told(tmp_path: Path) -> None:
    stack = frames(5)
    stack[2] = stack[1]
    stack[4] = stack[4] // 2
    reasons = chosen(tmp_path, stack).reasons
    assert "frames 2 and 3 are the same" in reasons
    assert any(reason.startswith("brightness differs by") for reason in reasons)


def test_options_that_are_given_stay(tmp_path: Path) -> None:
    assert str(chosen(tmp_path, frames(3), recipe_of("--finalgamma")).recipe).split() == [
        "--finalgamma",
        "--bg=pyramid",
    ]


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (40, 17)])
def test_any_stack_is_looked_at(tmp_path: Path, shape: tuple[int, int]) -> None:
    assert str(chosen(tmp_path, frames(2, 1, "float32", shape)).recipe) == "--bg=pyramid"


def test_one_small_frame_is_told(tmp_path: Path) -> None:
    assert chosen(tmp_path, frames(1, 3, "uint8", (20, 30))).reasons[0] == (
        "one frame of 30 x 20 pixels: nothing to fuse it with"
    )


def test_large_frames_that_are_only_decoded_whole_are_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_survey, "DECODED", 1000)
    monkeypatch.setattr("imfuse_tiles.imageio.reading.header.Header.random_access", False)
    choice = chosen(tmp_path, frames(3))
    assert choice.reasons == ("3 frames of 0.1 megapixels, too large to look at beforehand",)
