"""The benchmark of the options, on a tile of 64 pixels: it covers every option, and its contenders do the same work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.notes import NOTES
from benchmarks.ops import Line, main, options, own, pictures
from benchmarks.others import contenders
from imfuse_tiles.options.cuts import CutFilter
from imfuse_tiles.options.final_steps import FinalStep
from imfuse_tiles.options.grammar import REGISTRY
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.options.option_parser import parse_arguments


def test_every_option_is_measured_beside_others_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    lines = json.loads((tmp_path / "figures.json").read_text())
    kinds = MaskGenerator | MaskFilter | CutFilter | FinalStep
    assert {line["name"] for line in lines} == {name for name, kind in REGISTRY.items() if issubclass(kind, kinds)}
    for line in lines:
        assert line["ours"] >= 0
        assert line["others"] or line["note"], f"{line['name']} has neither a contender nor a note"
    shown = capsys.readouterr().out
    assert "slower than the best other" in shown
    assert all(line["name"] in shown for line in lines)


def test_a_line_compares_with_the_best_of_the_others() -> None:
    line = Line("blur", "", 3.0, {"OpenCV": 2.0, "SciPy": 9.0}, "")
    assert (line.best, line.ratio, line.slow) == ("OpenCV", 1.5, True)
    assert not Line("blur", "", 2.0, {"OpenCV": 2.0}, "").slow
    assert Line("cutless", "", 2.0, {}, "why").ratio is None


def test_notes_speak_of_options_that_there_are() -> None:
    assert set(NOTES) <= set(REGISTRY)


def test_only_the_options_named_are_measured_with_all_their_examples() -> None:
    found = [text for _, text in options(["cutalpha"], True)]
    assert found == list(REGISTRY["cutalpha"].examples)


@pytest.mark.parametrize(
    ("name", "text", "close"),
    [("blur", "s1,S2", 2e-2), ("laplacian", "n7", 1e-4), ("sobel", "", 1e-4), ("compass", "Darken", 1e-4),
     ("morphology", "edgein,Diamond,r2", 1e-6), ("statistic", "r4", 2e-3), ("statistic", "mean,r3", 1e-6),
     ("wavelet", "p20", 1e-6), ("comet", "s2", 1e-5), ("channel", "HSL,2", 1e-6), ("chroma", "", 1e-6),
     ("compose", "", 1e-6), ("log", "s1", 1e-4), ("diffstat", "r3,grad,stdev", 2e-3), ("fft", "r40", 1e-5)],
)  # fmt: skip
def test_the_contender_does_the_same_work(name: str, text: str, close: float) -> None:
    p, op = pictures(96), parse_arguments(name, text)
    job: Any = own(op, p)
    ours = job().data
    theirs = contenders(op)["SciPy" if name == "fft" else "OpenCV"](p)
    middle = (slice(40, -40),) * 2  # our tile goes on beyond its edge, theirs repeats it
    assert np.abs(ours[middle] - theirs[middle]).max() < close
