"""Showing results in whatever the desktop has."""

from __future__ import annotations

from pathlib import Path

import pytest

from imfuse_tiles.viewer import desktop


def test_each_desktop_has_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop.shutil, "which", lambda name: f"/bin/{name}")
    assert desktop.open_command("darwin", {}) == ["open"]
    assert desktop.open_command("win32", {}) == ["startfile"]
    assert desktop.open_command("linux", {"DISPLAY": ":0"}) == ["/bin/xdg-open"]
    assert desktop.open_command("linux", {"WAYLAND_DISPLAY": "wayland-0"}) == ["/bin/xdg-open"]
    assert desktop.open_command("linux", {"DISPLAY": ""}) is None
    monkeypatch.setattr(desktop.shutil, "which", lambda name: None)
    assert desktop.open_command("linux", {"DISPLAY": ":0"}) is None


def test_without_a_desktop_paths_are_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(desktop, "open_command", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    desktop.show({"result": "r.tif"})
    assert capsys.readouterr() == ("", f"no display found; result: {tmp_path / 'r.tif'}\n")


def test_a_viewer_is_started_for_every_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = tmp_path / "viewer"
    program.write_text(f'#!/bin/sh\necho "$1" >> {log}\n')
    program.chmod(0o755)
    monkeypatch.setattr(desktop, "open_command", lambda *_: [str(program)])
    started = []
    popen = desktop.subprocess.Popen
    monkeypatch.setattr(desktop.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)))
    desktop.show({"result": "a.tif", "mask": "b.tif"})
    for process in started:
        process.wait(10)
    assert sorted(log.read_text().split()) == ["a.tif", "b.tif"]


def test_a_viewer_that_cannot_start_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(desktop, "open_command", lambda *_: ["/no/such/viewer"])
    desktop.show({"mask": "/x/r.tif"})
    assert "no viewer could be started; mask: /x/r.tif" in capsys.readouterr().err
