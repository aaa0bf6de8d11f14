"""A video shows every slice and then the result; the montage grows from the slices to the result."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from viewed_stores import OPTIONS, stack_files

from imfuse_tiles.cli.fuse import fuse
from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.viewer import focus_video
from imfuse_tiles.viewer.video_files import write_video

TESTED_MODULES = ("viewer.video_files",)


def fused(folder: Path, *more: str) -> list[np.ndarray]:
    """The frames and the result of a run, (y, x, 3) uint8."""
    files = stack_files(folder / "stack", height=95, width=130)
    words = [*OPTIONS, "--quiet", "--scheduler=sync", f"--store={folder / 'store'}", f"--output={folder / 'r.tif'}"]
    assert fuse([*words, *more, *map(str, files)]) == 0
    result = (tifffile.imread(folder / "r.tif")[..., :3].astype(int) + 128) // 257
    return [*map(tifffile.imread, files), result]


def moving(path: Path) -> list[np.ndarray]:
    """The pictures of an animation."""
    with Image.open(path) as animation:
        pictures = []
        for number in range(getattr(animation, "n_frames", 1)):
            animation.seek(number)
            pictures.append(np.asarray(animation.convert("RGB")).astype(int))
    return pictures


@pytest.mark.parametrize("ingest", ["always", "never"])
def test_the_sweep_shows_every_slice_and_then_the_result(tmp_path: Path, ingest: str) -> None:
    pictures = fused(tmp_path, f"--video={tmp_path / 'v.webp'}", f"--ingest={ingest}")
    shown = moving(tmp_path / "v.webp")
    assert len(shown) == len(pictures) == 5
    grey = np.array([[each.mean(axis=2).std(axis=0) for each in found] for found in (pictures, shown)])
    far = np.abs(grey[0][:, None] - grey[1]).mean(axis=2)  # of contrast along the columns: it survives compression
    assert far.argmin(axis=0).tolist() == [0, 1, 2, 3, 4]


def test_the_montage_grows_until_it_is_the_result(tmp_path: Path) -> None:
    pictures = fused(tmp_path, "--extra", f"--video={tmp_path / 'v.gif'}", "--video-of=montage")
    far = [float(np.abs(picture - pictures[-1]).mean()) for picture in moving(tmp_path / "v.gif")]
    assert far == sorted(far, reverse=True)
    assert far[0] > 2 * far[-1]


def test_a_montage_without_depth_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="--extra"):
        fused(tmp_path, f"--video={tmp_path / 'v.gif'}", "--video-of=montage")
    with pytest.raises(Refusal, match="is for --video FILE"):
        fused(tmp_path, "--extra", "--video-of=montage")
    with pytest.raises(Refusal, match="allowed is"):
        fused(tmp_path, f"--video={tmp_path / 'v.avi'}")
    (tmp_path / "v.webp").write_bytes(b"mine")
    with pytest.raises(AlreadyExists):
        fused(tmp_path, f"--video={tmp_path / 'v.webp'}")
    assert not (tmp_path / "r.tif").exists()


def test_mp4_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    pictures = [np.full((95, 131, 3), (40 * number, 90, 200 - 40 * number), np.uint8) for number in range(4)]
    write_video(tmp_path / "v.mp4", iter(pictures), len(pictures), force=False)
    video, found = cv2.VideoCapture(str(tmp_path / "v.mp4")), []
    while (frame := video.read())[0]:
        found.append(frame[1][..., ::-1].astype(int))
    assert len(found) > 4  # the last one stays
    assert found[0].shape == (96, 132, 3)
    assert all(np.abs(found[number] - pictures[min(number, 3)][0, 0]).max() < 8 for number in range(len(found)))


def test_greys_stay_grey_in_mp4(tmp_path: Path) -> None:
    greys = [0, 20, 64, 128, 200, 255]
    write_video(tmp_path / "v.mp4", (np.full((96, 128, 3), grey, np.uint8) for grey in greys), 6, force=False)
    video = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    for grey in greys:
        found = video.read()[1].reshape(-1, 3).mean(axis=0)
        assert np.abs(found - grey).max() <= 3
        assert np.ptp(found) <= 2


def test_what_is_no_picture_is_dark_in_every_slice(tmp_path: Path) -> None:
    files = stack_files(tmp_path / "stack", height=95, width=130)
    for path in files:
        opacity = np.full((95, 130, 1), 255, np.uint8)
        opacity[:30] = 0
        tifffile.imwrite(path, np.dstack([tifffile.imread(path), opacity]), photometric="rgb", extrasamples=[2])
    words = ["--bg=pyramid", "--align=no", "--quiet", f"--store={tmp_path / 'store'}", f"--output={tmp_path / 'r.tif'}"]
    assert fuse([*words, f"--video={tmp_path / 'v.webp'}", *map(str, files)]) == 0
    shown = moving(tmp_path / "v.webp")
    assert len(shown) == 5
    assert all(np.abs(picture[:24] - 48).mean() < 6 for picture in shown)
    assert all(picture[34:].std() > 10 for picture in shown)


def test_no_video_is_longer_or_larger_than_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert focus_video.chosen_slices(3) == [0, 1, 2]
    chosen = focus_video.chosen_slices(1000)
    assert (len(chosen), chosen[0], chosen[-1]) == (400, 0, 999)
    monkeypatch.setattr(focus_video, "LONGEST", 60)
    fused(tmp_path, f"--video={tmp_path / 'v.webp'}")
    assert {picture.shape for picture in moving(tmp_path / "v.webp")} == {(24, 33, 3)}
