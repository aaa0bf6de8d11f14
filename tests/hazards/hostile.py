"""Reads mutated images in a process that may not use much memory or time, nor open any other file or connection.

    python hostile.py FOLDER EXAMPLES SEED

Ends with 0, or with the traceback of what a hostile image brought about.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import open_frame, read_headers
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.reading.detect import series_in
from imfuse_tiles.imageio.reading.own_results import is_own_result
from imfuse_tiles.imageio.size_metadata import read_physical_size

MEMORY, SECONDS = 3 << 30, 120
ALLOWED = tuple(
    {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, *sys.path, "/usr", "/proc/self", "/dev")}
)


class Strayed(BaseException):
    """A file or a connection was opened that has no business here."""


def watch(folder: Path) -> None:
    """End the program when it opens anything but the image and its own libraries."""

    def hook(event: str, about: tuple[object, ...]) -> None:
        if event in ("socket.connect", "subprocess.Popen", "os.system", "os.exec"):
            raise Strayed(event)
        if event == "open" and isinstance(about[0], str | bytes):
            path = os.path.realpath(os.fsdecode(about[0]))
            if not path.startswith((str(folder), *ALLOWED)) and not path.endswith(".py"):  # hypothesis reads programs
                raise Strayed(path)

    sys.addaudithook(hook)


def read(path: Path) -> None:
    """All that a run would read of an image."""
    for about in (read_tags, read_physical_size, is_own_result, series_in):
        with suppress(Refusal):
            about(path)
    with suppress(Refusal):
        for header in read_headers(path, "any")[0][:2]:
            with open_frame(header) as frame:
                step = max(1, min(header.height, (16 << 20) // (header.width * header.channels * 4)))
                for y0 in range(0, min(header.height, 8 * step), step):
                    frame.rows(y0, min(y0 + step, header.height))


def mutated(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """An image with a few bytes of its beginning or end changed, and perhaps cut."""

    def change(original: bytes, edits: list[tuple[int, int]], end: float) -> bytes:
        content = bytearray(original)
        for place, value in edits:
            content[place % len(content)] = value
        return bytes(content[: max(1, int(len(content) * end))])

    places = st.one_of(st.integers(0, 400), st.integers(-400, -1), st.integers(0, 1 << 20))
    values = st.one_of(st.sampled_from([0, 1, 127, 128, 255]), st.integers(0, 255))
    edits = st.lists(st.tuples(places, values), min_size=1, max_size=8)
    return st.builds(change, st.sampled_from(seeds), edits, st.one_of(st.just(1.0), st.floats(0, 1)))


def main(folder: Path, examples: int, number: int) -> None:
    seeds = [path.read_bytes() for path in sorted((folder / "seeds").iterdir())]
    place = folder / "image"
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    for content in seeds:  # what is imported late is imported now
        place.write_bytes(content)
        read(place)
    set_hypothesis_home_dir(folder / "fuzzer")
    watch(folder)

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated(seeds))
    def trial(content: bytes) -> None:
        place.write_bytes(content)
        read(place)

    trial()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
