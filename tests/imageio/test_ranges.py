"""What is white: said where it is not full scale, never everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import read_rows
from imfuse_tiles.imageio.stack import Stack

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.normalise_samples",)
SCENE = np.linspace(0, 1, 20 * 30, dtype=np.float32).reshape(20, 30)


@pytest.fixture
def frames(tmp_path: Path):
    """Write grey frames and give their paths."""

    def write(*pictures: np.ndarray) -> list[Path]:
        paths = [tmp_path / f"f{number}.tif" for number in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            tifffile.imwrite(path, picture, photometric="minisblack")
        return paths

    return write


def first(stack: Stack) -> np.ndarray:
    return read_rows(stack.headers[0], 0, 20)[0]


@pytest.mark.parametrize(("high", "level"), [(255, 255), (200, 255), (65535, 65535), (3000, 4095), (100, 100)])
def test_floats_beyond_1_are_scaled_by_a_range_that_is_said(frames, high, level):
    stack = open_stack(frames(SCENE * high, SCENE * high))
    assert np.allclose(first(stack), SCENE * high / np.float32(level), rtol=1e-3)
    assert f"samples range up to {high}: " in stack.notices[0]
    assert "is taken as white (--white=" in stack.notices[0]


def test_floats_up_to_1_stay_as_they_are(frames):
    stack = open_stack(frames(SCENE, SCENE))
    assert np.array_equal(first(stack), SCENE)
    assert (stack.notices, stack.headers[0].white) == ((), 0)


def test_what_overshoots_stays_and_is_said(frames):
    stack = open_stack(frames(SCENE * np.float32(1.3) - np.float32(0.1), SCENE))
    assert first(stack).max() == pytest.approx(1.2)
    assert stack.notices[0].startswith("samples range down to -0.1")
    assert stack.notices[1].startswith("samples range up to 1.2: above 1 is white")


def test_a_white_level_can_be_given_and_makes_another_stack(frames):
    paths = frames(SCENE * 4, SCENE * 4)
    stacks = [open_stack(paths, white=white) for white in (4, 8, None)]
    assert [float(first(stack).max()) for stack in stacks] == pytest.approx([1, 0.5, 1], rel=1e-3)
    assert len({stack.digest for stack in stacks}) == 3


def test_a_frame_of_another_range_is_refused_when_it_is_read(frames):
    paths = frames(*[SCENE, SCENE * 255, SCENE, SCENE, SCENE])  # only the first, middle and last are looked at before
    header = open_stack(paths).headers[1]
    with pytest.raises(Refusal, match=r"f1\.tif: has samples up to 255, but 1 is taken as white; say --white=255"):
        read_rows(header, 0, 20)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_bits_that_are_not_used_can_be_filled(frames, dtype):
    codes = (SCENE * 100).astype(dtype)
    stack = open_stack(frames(codes, codes), white=100)
    full = np.iinfo(dtype).max
    assert np.array_equal(first(stack), np.floor(codes / 100 * full + 0.5).astype(dtype))
    assert first(open_stack(frames(codes), white=50)).max() == full


@pytest.mark.parametrize("white", [0, 70000, 99.5])
def test_other_levels_are_refused(frames, white):
    with pytest.raises(Refusal, match="--white"):
        open_stack(frames((SCENE * 100).astype("uint16")), white=white)
