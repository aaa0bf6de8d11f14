"""Whether there is a desktop that opens files and addresses, and by which command."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence


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
