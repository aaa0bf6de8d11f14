"""The model that a stack asks for is found, and no richer one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from imfuse_tiles.kernels.registration import Registration
from imfuse_tiles.kernels.registration_choice import chosen_model
from imfuse_tiles.kernels.registration_matrices import step
from imfuse_tiles.kernels.registration_pyramid import pyramid
from tests.kernels.misaligned import simulated

SIZE = (480, 320)
#: Fields that move a point half the longer side away by so many pixels.
AFFINE, HOMOGRAPHY = (0, 0, 0.7, 0.2, 0.2, -0.7, 0, 0), (0, 0, 0, 0, 0, 0, 1.0, -0.7)


def asked_for(frames: list[np.ndarray]) -> str:
    registration = Registration(*SIZE, len(frames), compare_models=True)
    for frame in frames:
        registration.add(pyramid(frame))
    return chosen_model(registration.misfits)


def bent(frames: list[np.ndarray], field: tuple[float, ...], numbers: range) -> list[np.ndarray]:
    """Frames, some of them moved by multiples of a field."""
    frames = list(frames)
    for n in numbers:
        matrix = step(np.array(field) * (n - len(frames) / 2), *SIZE)
        frames[n] = cv2.warpPerspective(frames[n], matrix, SIZE, flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
                                        borderMode=cv2.BORDER_REFLECT)  # fmt: skip
    return frames


@pytest.mark.parametrize("seed", [3, 11, 21, 31, 40])
def test_moves_by_similarities_ask_for_no_more(seed: int) -> None:
    assert asked_for(simulated(*SIZE, 8, seed)[0]) == "similarity"


@pytest.mark.parametrize("seed", [11, 21])
@pytest.mark.parametrize(("field", "model"), [(AFFINE, "affine"), (HOMOGRAPHY, "homography")])
def test_moves_by_more_ask_for_it(field: tuple[float, ...], model: str, seed: int) -> None:
    assert asked_for(bent(simulated(*SIZE, 8, seed)[0], field, range(8))) == model


def test_a_single_frame_that_is_bent_is_enough() -> None:
    assert asked_for(bent(simulated(*SIZE, 8, 11)[0], AFFINE, range(7, 8))) == "affine"


def test_without_pairs_the_simplest_is_taken() -> None:
    assert chosen_model([]) == "similarity"
