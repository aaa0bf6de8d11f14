"""The comparison of pictures with the truth runs, and its scores mean what they say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.quality.__main__ import main, stacked
from benchmarks.quality.cut_pairs import EDGE, cut_pairs
from benchmarks.quality.pair_scores import chen_blum, edge_preservation
from benchmarks.quality.pairs import find_pairs, pair_lines
from benchmarks.quality.scenes import rendered
from benchmarks.quality.scores import depth_score, score


def test_a_small_scene_is_fused_and_scored(capsys: pytest.CaptureFixture[str]) -> None:
    table = main(["--quick"])
    assert set(table[0].scores) >= {"auto", "default", "bg=enfuse", "best slice"}
    assert "auto over best slice" in capsys.readouterr().out


def test_rows_of_a_sheet_may_differ_in_width() -> None:
    sheet = stacked([np.zeros((2, 4, 3)), np.zeros((2, 6, 3))])
    assert sheet.shape == (4, 6, 3)
    assert sheet[:2, 4:].all()
    assert not sheet[2:].any()


def test_the_truth_scores_best_and_a_slice_worse() -> None:
    sample = rendered("smooth", 3, 3, 8, 0.002, 0.0, (96, 128))
    assert score(sample.truth, sample).ssim == pytest.approx(1)
    first, best = score(sample.slices[0], sample), score(sample.best_slice, sample)
    assert first.inside < best.inside < score(sample.truth, sample).inside
    assert depth_score(sample.depth * 2, sample).median == 0
    assert depth_score(np.zeros_like(sample.depth), sample).ninety > 0.2


def test_measures_without_truth_prefer_the_picture_that_shows_both() -> None:
    sample = rendered("pair", 5, 2, 8, 0.0, 0.0, (128, 160))
    a, b, truth = (each.mean(axis=-1).astype(float) * 255 for each in (*sample.slices, sample.truth))
    assert edge_preservation(a, a, a) == pytest.approx(0.9994 / (1 + np.exp(-7.5)) * 0.9879 / (1 + np.exp(-4.4)))
    assert chen_blum(a, a, a) == pytest.approx(1)
    assert edge_preservation(a, b, truth) > max(edge_preservation(a, b, each) for each in (a, b, (a + b) / 2))
    assert chen_blum(a, b, truth) > chen_blum(a, b, (a + b) / 2)


def test_pairs_of_a_folder_are_fused_and_scored(tmp_path: Path) -> None:
    for number in range(2):
        for letter, picture in zip("AB", rendered("pair", number, 2, 8, 0.0, 0.0, (64, 80)).slices, strict=True):
            cv2.imwrite(str(tmp_path / f"scene-{number}-{letter}.png"), np.uint8(picture[..., ::-1] * 255))
    mean = {"mean": lambda files, _: sum(cv2.imread(str(file))[..., ::-1] / 255 for file in files) / 2}
    lines = list(pair_lines(tmp_path, lambda: mean))
    assert [line.name for line in lines] == ["scene-0", "scene-1", "mean"]
    for number in range(2):
        assert lines[2].scores["mean"][number] == pytest.approx(
            np.mean([pair.scores["mean"][number] for pair in lines[:2]])
        )
    (tmp_path / "scene-1-B.png").unlink()
    with pytest.raises(SystemExit, match="holds 3 pictures"):
        find_pairs(tmp_path)


def test_pairs_cut_from_photographs_are_sharp_in_different_places(tmp_path: Path) -> None:
    (tmp_path / "stacks" / "dots").mkdir(parents=True)
    picture = np.random.default_rng(2).integers(0, 256, (700, 600, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "stacks" / "dots" / "a.png"), picture)
    cut_pairs(tmp_path / "stacks", tmp_path / "pairs", 1)
    ((near, far),) = find_pairs(tmp_path / "pairs")
    first, second = (cv2.imread(str(file), cv2.IMREAD_GRAYSCALE).astype(float) for file in (near, far))
    assert first.shape == (EDGE, EDGE)
    contrast = [cv2.GaussianBlur(cv2.Laplacian(each, -1) ** 2, (0, 0), 5) for each in (first, second)]
    assert 0.1 < (contrast[0] > 2 * contrast[1]).mean() < 0.9
    assert 0.1 < (contrast[1] > 2 * contrast[0]).mean() < 0.9
