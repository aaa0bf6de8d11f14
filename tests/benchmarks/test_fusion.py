"""The benchmark of the fusion runs, and its table says what it measured."""

import json
import shutil

from benchmarks import fusion


def test_the_quick_form_measures_both_programs_and_compares_their_pictures(tmp_path, capsys):
    (line,) = fusion.main(["--quick", "--json", str(tmp_path / "table.json")])
    said = capsys.readouterr().out
    assert "120x90x3" in said
    assert line.megapixels == 120 * 90 * 3 / 1e6
    assert line.ours.seconds > 0
    if shutil.which("enfuse"):
        assert line.decibels is not None
        assert line.decibels > 38
    assert json.loads((tmp_path / "table.json").read_text())[0]["stack"] == "120x90x3"


def test_without_enfuse_only_our_own_time_is_shown(capsys, monkeypatch):
    monkeypatch.setattr(fusion.shutil, "which", lambda name: None)
    (line,) = fusion.main(["--quick"])
    assert "not installed" in capsys.readouterr().out
    assert line.enfuse is None
    assert str(line).split()[0] == "120x90x3"


def test_results_of_other_programs_are_no_slices(tmp_path):
    folder = tmp_path / "leaves"
    folder.mkdir()
    for name in ("10.png", "2.png", "stacked.png", "depth.png", "demo_output.jpg", "SOURCE.txt"):
        (folder / name).touch()
    assert [(name, [path.name for path in files]) for name, files in fusion.photographed(tmp_path)] == [
        ("leaves", ["2.png", "10.png"])
    ]
