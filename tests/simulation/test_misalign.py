"""Slices that are turned, shifted and lit differently, and the transforms that undo it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from rendered import HEIGHT, SLICES, WIDTH, read

from imfuse_tiles.simulation import misalign, render, score


def test_transforms_undo_the_misalignment(aligned: Path, moved: Path) -> None:
    notes = json.loads((moved / "transforms.json").read_text())
    assert notes["misalign"] is True
    for n, note in enumerate(notes["slices"]):
        picture = read(moved, note["file"][:-4]).astype(np.float32) / 65535
        # truth position -> slice position: what OpenCV's warp calls the inverse map
        matrix = np.array(note["truth_to_slice"])
        straight = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP)
        straight = np.clip(straight / np.sqrt(note["gain"]), 0, 1)
        inner = (slice(20, -20), slice(20, -20))
        there = read(aligned, f"slice_{n:04d}").astype(np.float32) / 65535
        straightened = score(straight[inner], there[inner])["psnr"]
        assert straightened > 34
        if n != SLICES // 2:
            assert score(picture[inner], there[inner])["psnr"] < straightened - 6
        both = np.vstack([note["slice_to_truth"], [0, 0, 1]]) @ np.vstack([matrix, [0, 0, 1]])
        assert np.allclose(both, np.eye(3))
        built = misalign.Transform(note["scale"], note["degrees"], note["shift"][0], note["shift"][1], note["gain"])
        assert np.allclose(built.matrix(WIDTH, HEIGHT), note["slice_to_truth"])


def test_the_middle_slice_stays_and_the_others_breathe(aligned: Path, moved: Path) -> None:
    middle = f"slice_{SLICES // 2:04d}.tif"
    assert (aligned / middle).read_bytes() == (moved / middle).read_bytes()
    assert (aligned / "truth.tif").read_bytes() == (moved / "truth.tif").read_bytes()
    moves = [m for m in misalign.wander(20, 1, 1000, 800)]
    scales = [m.scale for m in moves]
    assert 0.025 < max(scales) - min(scales) < 0.035
    assert moves[10] == misalign.Transform()
    assert any(m.gain != 1 for m in moves)


def test_light_and_white_balance_drift_as_asked_for_and_nothing_else_does(tmp_path: Path, aligned: Path) -> None:
    drifted = render(tmp_path, WIDTH, HEIGHT, SLICES, seed=5, drift=0.3)
    notes = json.loads((drifted / "transforms.json").read_text())
    assert (notes["drift"], notes["misalign"]) == (0.3, False)
    for n, (note, frame) in enumerate(zip(notes["slices"], notes["frames"], strict=True)):
        one, other = (read(folder, f"slice_{n:04d}").astype(float) for folder in (aligned, drifted))
        free = (other < 65000) & (one > 3000)
        gains = [np.median((other / one)[..., c][free[..., c]]) for c in range(3)]
        assert np.allclose(gains, np.sqrt(note["gain"] * np.array(note["tint"])), atol=2e-3)
        assert np.allclose(frame["gains"] or [1, 1, 1], 1 / np.array(gains), atol=2e-3)
        assert frame["matrix"] == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert notes["slices"][-1]["gain"] - notes["slices"][0]["gain"] == pytest.approx(0.3)
