"""Size and times of what a frame lies in."""

from __future__ import annotations

import stat
from pathlib import Path

from imfuse_tiles.imageio.reading.header import FileFacts, refuse


def file_facts(path: Path) -> FileFacts:
    """Size and time of a regular file that has content, or Refusal."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        lost = path.is_symlink() and not isinstance(error, PermissionError)
        raise refuse(path, "is a link to a file that is not there" if lost else os_reason(error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise refuse(path, "is a directory; give the image files in it")
    if not stat.S_ISREG(status.st_mode):
        raise refuse(path, "is not a regular file")
    if status.st_size == 0:
        raise refuse(path, "is empty (0 bytes)")
    return FileFacts(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def os_reason(error: OSError | ValueError) -> str:
    """What the operating system said, in lower case as messages go on."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return (getattr(error, "strerror", None) or str(error)).lower()
