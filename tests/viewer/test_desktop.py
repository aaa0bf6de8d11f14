"""Each desktop has its own command to open an address."""

from __future__ import annotations

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
