"""``view`` prints an address that answers, shows stores and pictures, and ends when nobody looks or on a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest
from program import begin, finished, run
from viewed_stores import fused_store, stack_files

from imfuse_tiles.cli.view import store_of, view
from imfuse_tiles.errors import Refusal
from imfuse_tiles.viewer.layers import layers_of

TESTED_MODULES = ("execution.picture_stores",)


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def state(address: str) -> dict[str, list[dict[str, object]]]:
    with urlopen(f"{address}ask/state", b"{}") as answer:
        found: dict[str, list[dict[str, object]]] = json.load(answer)
    return found


def test_a_store_and_a_picture_are_served_until_a_signal(tmp_path: Path) -> None:
    store = fused_store(tmp_path)
    environment = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    process = begin("view", store, tmp_path / "result.tif", env=environment)
    address = address_of(process)
    found = state(address)
    assert address.startswith("http://127.0.0.1:")
    assert [shown["name"] for shown in found["stores"]] == ["store", "result.tif"]
    assert {layer["label"] for layer in found["layers"] if layer["store"] == 1} == {"Picture"}
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert (ended.code, ended.out) == (0, "")
    assert "no display found" in ended.err


def test_a_server_that_nobody_asks_ends(tmp_path: Path) -> None:
    ended = run("view", fused_store(tmp_path), "--no-browser", "--idle", "1")
    assert ended.code == 0


@pytest.mark.parametrize("words", [[], ["nothing-here"], ["--port", "70000", "."], ["--port", "x", "."]])
def test_what_cannot_be_shown_is_refused_in_a_line(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refused:
        view(words)
    assert "\n" not in str(refused.value)


def test_pictures_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    picture = stack_files(tmp_path / "pictures")[0]
    store = store_of(str(picture))
    written = {name: os.stat(store.folder / name).st_mtime_ns for name, _ in store.files.list_files("source")}
    assert store_of(str(picture)) == store
    assert written == {name: os.stat(store.folder / name).st_mtime_ns for name, _ in store.files.list_files("source")}
    assert [layer.label for layer in layers_of(store, 0)] == ["Picture"]
