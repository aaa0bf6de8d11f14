"""The comparison of pictures with the truth runs, and its scores mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality.__main__ import main
from benchmarks.quality.scenes import rendered
from benchmarks.quality.scores import depth_score, score


def test_a_small_scene_is_fused_and_scored(capsys: pytest.CaptureFixture[str]) -> None:
    table = main(["--quick"])
    assert set(table[0].scores) >= {"auto", "default", "bg=enfuse", "best slice"}
    assert "auto over best slice" in capsys.readouterr().out


def test_the_truth_scores_best_and_a_slice_worse() -> None:
    sample = rendered("smooth", 3, 3, 8, 0.002, 0.0, (96, 128))
    assert score(sample.truth, sample).ssim == pytest.approx(1)
    first, best = score(sample.slices[0], sample), score(sample.best_slice, sample)
    assert first.inside < best.inside < score(sample.truth, sample).inside
    assert depth_score(sample.depth * 2, sample).median == 0
    assert depth_score(np.zeros_like(sample.depth), sample).ninety > 0.2
