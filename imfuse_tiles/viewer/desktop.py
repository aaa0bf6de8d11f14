"""Showing files to a person: in the desktop's own viewer, or by their paths where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def open_command(platform: str, environment: Mapping[str, str]) -> Sequence[str] | None:
    """The command that opens a file in the desktop's viewer, None where there is no display.

    Windows has no such command but a function of Python's, written as ``startfile``.
    """
    if platform == "win32":
        return ["startfile"]
    if platform == "darwin":
        return ["open"]
    if not environment.get("DISPLAY") and not environment.get("WAYLAND_DISPLAY"):
        return None
    return next(([path] for name in ("xdg-open", "gio") if (path := shutil.which(name))), None)


def show(files: Mapping[str, str | Path]) -> None:
    """Open files, given by role, in the desktop's viewer; print their full paths on standard error where it fails."""
    command = open_command(sys.platform, os.environ)
    for role, path in files.items():
        if command is None:
            print(f"no display found; {role}: {Path(path).absolute()}", file=sys.stderr)
        elif not _open(command, str(path)):
            print(f"no viewer could be started; {role}: {Path(path).absolute()}", file=sys.stderr)


def _open(command: Sequence[str], path: str) -> bool:
    """Start the viewer; whether it could be started."""
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
