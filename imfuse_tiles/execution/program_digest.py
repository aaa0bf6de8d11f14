"""What a worker must share with the run that it computes for: the version of the program, and its arithmetic.

A run on machines or processes of their own sends the digest of its program with every block, and a worker that has
another refuses: one of an older installation that joins late, or that was started before the program was changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse_tiles import __version__
from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.processes import describe_process

if TYPE_CHECKING:  # a run in threads needs none of these, and they take long to load
    from importlib.resources.abc import Traversable

#: The modules whose code decides values.
ARITHMETIC = ("geometry.py", "kernels", "options", "stages", "imageio", "storage")
#: The libraries whose code does.
LIBRARIES = ("numpy", "numba", "scipy", "opencv-python-headless", "PyWavelets", "imagecodecs")
#: When this process had loaded the program, in seconds since 1970.
LOADED = time.time()


@lru_cache(maxsize=1)
def program_digest() -> str:
    """The version of the program with a digest of its code that decides values, and of the libraries' versions."""
    import hashlib
    from importlib.resources import files

    package, digest = files("imfuse_tiles"), hashlib.sha256()
    for name in ARITHMETIC:
        for place, content in _sources(package / name, name):
            digest.update(f"{place} {len(content)} ".encode() + content)
    for library in LIBRARIES:
        digest.update(f"{library} {_version(library)} ".encode())
    return f"{__version__} ({digest.hexdigest()[:12]})"


def check_program(expected: str) -> None:
    """Refusal in a worker whose program is not the one that a run expects; an empty digest is of this process."""
    if not expected:
        return
    own = program_digest()
    if own != expected:
        raise Refusal(f"{describe_process()} computes with imfuse-tiles {own}, this run with {expected}; "
                      "install the same version and libraries there, or end that worker")  # fmt: skip
    if _last_change() > LOADED:
        raise Refusal(f"{describe_process()} began before its imfuse-tiles was changed; start that worker again")


@lru_cache(maxsize=1)
def _last_change() -> float:
    """When the code that decides values was last written, in seconds since 1970; 0 where it is in an archive."""
    from importlib.resources import files

    package = files("imfuse_tiles")
    paths = [Path(str(package), name) for name in ARITHMETIC] if isinstance(package, Path) else []
    sources = (source for path in paths for source in ([path] if path.is_file() else path.rglob("*.py")))
    return max((source.stat().st_mtime for source in sources), default=0.0)


def _sources(place: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    """The Python files in a folder of the package, by their names in it."""
    if place.is_file():
        if name.endswith(".py"):
            yield name, place.read_bytes()
        return
    for entry in sorted(place.iterdir(), key=lambda entry: entry.name):
        if entry.name != "__pycache__":
            yield from _sources(entry, f"{name}/{entry.name}")


def _version(library: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:  # another build of it
        return "unknown"
