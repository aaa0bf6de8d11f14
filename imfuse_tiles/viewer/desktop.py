"""Showing files to a person: in the desktop's own viewer, or by their paths where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def opener(platform: str, environment: Mapping[str, str]) -> Sequence[str] | None:
    """The command that opens a file in the desktop's viewer, None when there is no desktop.

    Windows has no such command but a function of Python's, which stands as ``startfile``.
    """
    if platform == "win32":
        return ["startfile"]
    if platform == "darwin":
        return ["open"]
    if not environment.get("DISPLAY") and not environment.get("WAYLAND_DISPLAY"):
        return None
    return next(([found] for name in ("xdg-open", "gio") if (found := shutil.which(name))), None)


def show(paths: Sequence[str | Path]) -> None:
    """Open files, each in the program that the desktop has for it; else print their full paths on standard error."""
    command = opener(sys.platform, os.environ)
    for path in paths:
        if command is None or not _opened(command, str(path)):
            print(f"to be looked at: {Path(path).absolute()}", file=sys.stderr)


def _opened(command: Sequence[str], path: str) -> bool:
    try:
        if command[0] == "startfile":
            os.startfile(path)  # type: ignore[attr-defined]  # only there on Windows
        else:
            verb = ["open"] if command[0].endswith("gio") else []
            subprocess.Popen(
                [*command, *verb, path],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
    except OSError:
        return False
    return True
