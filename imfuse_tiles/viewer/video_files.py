"""Pictures as a file that moves: MP4 by OpenCV, animated WebP and GIF by Pillow, which are there anyway."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.writing.target import complete_or_absent

#: Endings of names; seconds of a whole sweep, pictures a second at least and at most; seconds that the last one stays.
ENDINGS, SECONDS, SLOWEST, FASTEST, LAST = (".mp4", ".webp", ".gif"), 6.0, 3.0, 25.0, 1.5


def check_ending(path: Path) -> None:
    """Refusal of a name that tells no kind of file."""
    if path.suffix.lower() not in ENDINGS:
        raise Refusal(f"--video {path}: allowed is {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")


def write_video(path: Path, pictures: Iterable[np.ndarray], count: int, force: bool) -> None:
    """Write ``count`` pictures (y, x, 3) uint8, all of one size, the last of which stays for a while.

    AlreadyExists without ``force``; OSError on a full disk. One picture is in memory at a time for MP4.
    """
    rate = min(max((count - 1) / SECONDS, SLOWEST), FASTEST)
    write = _write_mp4 if path.suffix.lower() == ".mp4" else _write_animation
    with complete_or_absent(path, force) as file:
        write(file, pictures, count, rate, path.suffix.lower())


def _write_mp4(file: BinaryIO, pictures: Iterable[np.ndarray], count: int, rate: float, ending: str) -> None:
    """MPEG-4 part 2 (mp4v), which OpenCV's wheels write on every system; H.264 needs a library of its own."""
    import cv2

    with tempfile.TemporaryDirectory() as folder:
        place, video = Path(folder) / "video.mp4", None
        for number, picture in enumerate(pictures, 1):
            even = _neutral(_even(picture))
            video = video or cv2.VideoWriter(str(place), cv2.VideoWriter.fourcc(*"mp4v"), rate, even.shape[1::-1])
            for _ in range(round(LAST * rate) if number == count else 1):
                video.write(np.ascontiguousarray(even[..., ::-1]))
        if video is None or not video.isOpened():
            raise Refusal("--video: this OpenCV writes no MP4; .webp and .gif need none")
        video.release()
        file.write(place.read_bytes())


def _even(picture: np.ndarray) -> np.ndarray:
    """A picture of even height and width, as chroma at half the resolution needs: an odd last row is repeated."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _neutral(picture: np.ndarray) -> np.ndarray:
    """A picture whose greys are grey again when it is shown: OpenCV cuts the fractions of luma and chroma off.

    That is half a level of each on average, which makes greys darker and green.
    """
    given_back = np.minimum(picture + np.array([1, 0, 2], np.uint16), np.array([255, 254, 255], np.uint16))
    return given_back.astype(np.uint8)


def _write_animation(file: BinaryIO, pictures: Iterable[np.ndarray], count: int, rate: float, ending: str) -> None:
    from PIL import Image

    images: Iterator[Image.Image] = map(Image.fromarray, pictures)
    durations = [round(1000 / rate)] * (count - 1) + [round(1000 * LAST)]
    more = {"quality": 85, "method": 2} if ending == ".webp" else {}
    first = next(images)
    first.save(file, format=ending[1:], save_all=True, append_images=images, duration=durations, loop=0, **more)
