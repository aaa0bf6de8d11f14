"""The tables of the benchmarks, on next to nothing: they run to their end and hold what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.figures import Figure, written
from benchmarks.tables import TABLES, main


def test_every_table_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "--json", str(tmp_path / "figures.json")])
    found = json.loads((tmp_path / "figures.json").read_text())
    assert {each["table"] for each in found} == set(TABLES)
    assert all(each["value"] >= 0 for each in found)
    assert len(capsys.readouterr().out.splitlines()) == len(found)
    too_many = [each["value"] for each in found if each["name"].endswith("too many")]
    assert len(too_many) == 4
    assert set(too_many) == {0}, "a changed option computed more than depends on it"


def test_only_the_tables_named_are_measured() -> None:
    assert {each.table for each in main(["overhead", "--quick"])} == {"overhead"}


def test_an_unknown_table_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cellar"])
    assert "cellar is no table" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("t", "n", 3, "s", 4), True),
        (Figure("t", "n", 5, "s", 4), False),
        (Figure("t", "n", 5, "times", 4, least=True), True),
        (Figure("t", "n", 3, "times", 4, least=True), False),
        (Figure("t", "n", 3, "s"), None),
    ],
)
def test_a_figure_knows_whether_its_target_is_met(figure: Figure, met: bool | None) -> None:
    assert figure.met is met
    assert ("MISSED" in str(figure)) == (met is False)


def test_figures_are_written_with_their_verdict(tmp_path: Path) -> None:
    written([Figure("t", "n", 5, "s", 4)], tmp_path / "f.json")
    assert json.loads((tmp_path / "f.json").read_text())[0]["met"] is False
