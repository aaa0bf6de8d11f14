"""Mutated images under limits, led by what of the program they reach.

    python benchmarks/headers.py FOLDER SECONDS SEED

FOLDER/seeds holds images to begin with. Ends with 0 when the time is up, or with the traceback of what an image
brought about, which is kept in FOLDER as crash-*. Needs atheris (pip install atheris).
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "hazards")]


def main(folder: Path, seconds: int, number: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["imfuse_tiles.imageio.reading", "tifffile"]):
        from hazards.hostile import MEMORY, SECONDS, read, watch
    place = folder / "image"
    for path in sorted((folder / "seeds").iterdir()):  # what is imported late is imported now
        place.write_bytes(path.read_bytes())
        read(place)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + SECONDS, seconds + SECONDS))
    watch(folder)

    def trial(content: bytes) -> None:
        place.write_bytes(content)
        read(place)

    (folder / "found").mkdir(exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-seed={number}", "-max_len=65536", "-timeout=20", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={folder}/", f"{folder}/found", f"{folder}/seeds"], trial)
    atheris.Fuzz()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(float(sys.argv[2])), int(sys.argv[3]))
