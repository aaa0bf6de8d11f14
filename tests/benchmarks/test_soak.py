"""The long trials, made short: each runs to its end and finds no promise broken."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path

import pytest

from benchmarks.damages import WAYS, spoil
from benchmarks.soak import TRIALS, main


@pytest.mark.parametrize("trial", TRIALS)
def test_a_trial_runs_and_finds_nothing_broken(trial: str, tmp_path: Path) -> None:
    assert main([trial, "--quick", "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["broken"] == 0
    if trial == "headers":
        assert figures["mutated by hypothesis"] >= 20
        assert (figures["mutated by atheris"] > 0) == (importlib.util.find_spec("atheris") is not None)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_damage_changes_a_file(way: str, tmp_path: Path) -> None:
    before = bytes(range(1, 256)) * 40
    path = tmp_path / "chunk"
    path.write_bytes(before)
    spoil(path, way, random.Random(1))
    assert not path.exists() or path.read_bytes() != before
