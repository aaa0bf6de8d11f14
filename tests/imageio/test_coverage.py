"""Transparent parts of frames are no picture: read with their coverage, filled from the nearest pixels that are."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import open_frame, read_rows

TESTED_MODULES = ("imageio.reading.covered_rows",)
SCENE = np.random.default_rng(5).integers(0, 65535, (190, 60, 3), np.uint16)
HEIGHT = len(SCENE)


@pytest.fixture
def frame(tmp_path: Path):
    """Write a frame whose alpha is 0 outside rows and columns (top, bottom, left, right), as TIFF or PNG."""

    def write(name: str, covered=(0, HEIGHT, 0, 60), kind="unassalpha", alpha=65535, **how: object) -> Path:
        path, picture = tmp_path / name, np.zeros((HEIGHT, 60, 4), np.uint16)
        top, bottom, left, right = covered
        picture[..., :3] = SCENE
        picture[top:bottom, left:right, 3] = alpha
        picture[picture[..., 3] == 0] = 0
        if path.suffix == ".png":
            path.write_bytes(imagecodecs.png_encode(picture))
        else:
            tifffile.imwrite(path, picture, photometric="rgb", extrasamples=[kind], **how)
        return path

    return write


def edge_repeated(picture: np.ndarray, top: int, bottom: int, left: int, right: int) -> np.ndarray:
    """A picture (y, x, c) whose margins repeat the edge of what is inside."""
    inner = picture[top:bottom, left:right]
    return np.pad(inner, ((top, len(picture) - bottom), (left, picture.shape[1] - right), (0, 0)), mode="edge")


@pytest.mark.parametrize("ending", ["tif", "png"])
def test_straight_margins_repeat_the_edge_in_every_band(frame, ending):
    place = (70, 150, 7, 51)
    stack = open_stack([frame(f"a.{ending}", place), frame(f"b.{ending}")])
    assert (stack.frame, stack.planes, stack.covered) == ((HEIGHT, 60), 3, True)
    assert stack.notices == (f"{stack.headers[0].name} has transparent parts, which are no picture (--ignore-alpha "
                             "takes the colours there)",)  # fmt: skip
    with open_frame(stack.headers[0]) as opened:
        for step in (9, 64, 190):
            rows = np.concatenate([opened.rows(y, min(y + step, HEIGHT)) for y in range(0, HEIGHT, step)], axis=1)
            assert np.array_equal(np.moveaxis(rows[:3], 0, -1), edge_repeated(SCENE, *place))
            inside = np.zeros((HEIGHT, 60), np.uint16)
            inside[70:150, 7:51] = 65535
            assert np.array_equal(rows[3], inside)
    assert read_rows(stack.headers[1], 0, 3).shape == (3, 3, 60)


def test_opaque_frames_with_alpha_are_as_without_looking(frame):
    paths = [frame("a.tif"), frame("b.png", alpha=30000)]
    stack, plain = open_stack(paths), open_stack(paths, ignore_alpha=True)
    assert (stack.headers, stack.digest, stack.notices) == (plain.headers, plain.digest, ())
    assert not stack.covered


def test_colours_are_taken_where_alpha_is_ignored(frame):
    paths = [frame("a.tif", (3, 40, 0, 60)), frame("b.tif")]
    whole = open_stack(paths, ignore_alpha=True)
    assert (whole.covered, whole.notices) == (False, ())
    assert whole.digest != open_stack(paths).digest


def test_a_turned_frame_is_filled_after_the_turn(frame):
    paths = [frame(f"{name}.tif", (10, 120, 0, 60), extratags=[(274, "H", 1, 6, True)]) for name in "ab"]
    stack = open_stack(paths)
    assert stack.frame == (60, HEIGHT)
    upright = np.rot90(edge_repeated(SCENE, 10, 120, 0, 60), -1)
    assert np.array_equal(np.moveaxis(read_rows(stack.headers[0], 7, 31)[:3], 0, -1), upright[7:31])


def test_half_transparent_pixels_beside_opaque_ones_are_no_picture(frame, tmp_path):
    picture = np.dstack([SCENE, np.full((HEIGHT, 60), 65535, np.uint16)])
    picture[:, :4, 3] = 30000
    tifffile.imwrite(tmp_path / "h.tif", picture, photometric="rgb", extrasamples=["unassalpha"])
    rows = read_rows(open_stack([tmp_path / "h.tif", frame("o.tif")]).headers[0], 0, HEIGHT)
    assert np.array_equal(np.moveaxis(rows[:3], 0, -1), edge_repeated(SCENE, 0, HEIGHT, 4, 60))


def test_colours_stored_times_their_opacity_are_divided_by_it(frame, tmp_path):
    alpha = np.full((HEIGHT, 60), 32768, np.uint16)
    picture = np.dstack([np.rint(SCENE * (32768 / 65535)), alpha]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "h.tif", picture, photometric="rgb", extrasamples=["assocalpha"])
    rows = read_rows(open_stack([tmp_path / "h.tif", frame("o.tif")]).headers[0], 0, HEIGHT)
    assert np.abs(np.moveaxis(rows[:3], 0, -1).astype(int) - SCENE).max() <= 2
    assert (rows[3] == 65535).all()


def test_floats_that_are_no_numbers_may_lie_where_nothing_is_seen(frame, tmp_path):
    picture = np.dstack([SCENE / np.float32(65535), np.ones((HEIGHT, 60))]).astype(np.float32)
    picture[:20] = [np.nan, np.inf, -1, 0]
    for name in "ab":
        tifffile.imwrite(tmp_path / f"{name}.tif", picture, photometric="rgb", extrasamples=["unassalpha"])
    rows = read_rows(open_stack([tmp_path / "a.tif", tmp_path / "b.tif"]).headers[0], 0, HEIGHT)
    assert np.array_equal(rows[:3, 5], rows[:3, 20])
    assert rows[3, :, 0].tolist() == [0.0] * 20 + [1.0] * 170


def test_a_frame_without_any_picture_is_refused_with_a_way_out(frame):
    with pytest.raises(Refusal, match=r"b\.tif: is wholly transparent; --ignore-alpha"):
        open_stack([frame("a.tif"), frame("b.tif", alpha=0)])


@pytest.mark.parametrize("colour", [0, 2])
def test_the_transparent_colour_of_a_png_is_no_picture(tmp_path, frame, colour):
    picture = np.random.default_rng(3).integers(1, 255, (20, 30, 3 if colour else 1), np.uint8)
    picture[:6] = 0

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 30, 20, 8, colour, 0, 0, 0)), (b"tRNS", bytes(2 * picture.shape[2])),
             (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]  # fmt: skip
    for name in "ab":
        content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
        (tmp_path / f"{name}.png").write_bytes(content)
    rows = read_rows(open_stack([tmp_path / "a.png", tmp_path / "b.png"]).headers[0], 0, 20)
    expected = picture.copy()
    expected[:6] = picture[6]
    assert np.array_equal(np.moveaxis(rows[:-1], 0, -1), expected)
    assert (rows[-1] > 0).any(axis=1).tolist() == [False] * 6 + [True] * 14
