"""Every command that takes a store, run in a process that ends at once when it does what no store may make it do."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.attacks.small_run import Ended, Place
from imfuse_tiles.cli.main import main
from imfuse_tiles.cli.reopen_run import reopen_run
from imfuse_tiles.errors import ImfuseError
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.retouching import Retouching
from imfuse_tiles.viewer.session import Shown, ViewSession
from imfuse_tiles.viewer.tuning import Tuner

ALIGNED = ("--align=auto", "--wavelet=p7")
FORBIDDEN = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pickle.find_class", "socket.connect"}


def commands(place: Place) -> list[list[str]]:
    """Every command that takes a store. ``look``, ``tune``, ``retouch``: what the page of ``view`` asks."""
    store, file = str(place.store), str(place.work / "exported.tif")
    return [
        place.words("--force"), place.words(), place.words(options=("--align=no", "--wavelet=p7", "-X")),
        place.words("--force=mask"), place.words("--lean", "--force=focus"),
        place.words("--part", "1/2", "--wait", "0"),
        place.words("--force", options=ALIGNED),
        ["plan", *place.words()[1:]], ["status", store], ["verify", store], ["verify", "--repair", store],
        ["cache", "gc", "--keep", "0", store], ["cache", "gc", "--older", "1", store], ["cache", "rm", store],
        ["export", store], ["export", store, "-o", file], ["export", store, "--what=slice:2", "-o", file],
        ["export", store, "--what=depth", "--pyramid", "-o", file], ["sheet", store, "-o", f"{file}.png"],
        ["look", store], ["look", store], ["tune", store], ["tune", store], ["retouch", store, file],
    ]  # fmt: skip


def run_watched(words: list[str], outside: Path) -> int:
    """Run a command; the process ends when it runs a program or opens a file in the folder ``outside``.

    The images that a store names may lie anywhere: ``tune`` may read what it is not to write.
    """
    watch(outside, reading=words[0] != "tune")
    if words[0] not in ("look", "tune", "retouch"):
        return main(words)
    try:
        ask(words[0], Path(words[1]), words[-1])
    except (ImfuseError, Damaged) as error:  # as the page's server answers
        print(f"imfuse-tiles: {error}", file=sys.stderr)
        return 2
    return 0


def ask(what: str, folder: Path, file: str) -> None:
    """What the page of a store asks: everything that it shows, a region with the run's options, a retouched file."""
    store = Store.at(str(folder))
    store.check()
    if what == "look":
        session = ViewSession([Shown(store)], folder.parent / "tiles")
        session.pixel({"store": 0, "x": 0.5, "y": 0.3})
        for layer in session.state({})["layers"]:
            session.tile(layer["id"], 0, (layer["top"], 0, 0))
            session.tile(layer["id"], max(0, layer["slices"] - 1), (0, 0, 0))
    elif what == "tune":
        tuner = Tuner(lambda: reopen_run(store))
        tuner.tune({"form": tuner.options({})["form"], "region": [3, 2, 20, 9], "quick": True})
    else:
        asked = Retouching(store).questions
        asked["strokes"]({})
        asked["export"]({"result": file})


def leads_to(path: str, flags: int) -> str:
    """Where a file is opened, with the links on the way followed as the flags have it."""
    if flags & os.O_NOFOLLOW:
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return os.path.realpath(path)


def watch(outside: Path, reading: bool = True) -> None:
    """End this process when it runs a program or opens what lies outside, also to read it if ``reading``."""

    def hook(event: str, about: tuple[Any, ...]) -> None:
        strays = (
            event == "open"
            and isinstance(about[0], str)
            and (reading or about[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            and leads_to(about[0], about[2]).startswith(str(outside))
        )
        if event in FORBIDDEN or strays:
            os.write(2, f"STRAYED: {event} {about[0]!r}\n".encode())
            os._exit(99)

    sys.addaudithook(hook)


def verdict_of(ended: Ended, words: list[str], place: Place, right: dict[str, bytes]) -> str:
    """ "right", or what is wrong with how a command ended."""
    if ended.hung:
        return "hangs"
    if "STRAYED" in ended.err:
        return f"STRAYED {ended.err[-300:]}"
    if words[0] == "verify" and ended.code == 5 and not ended.lines:
        return "right"
    # a damaged result is not shown (5); limits that somebody made up let no mask be strong, which is told (6)
    allowed = (0, 2, 3, 4, 5, 6) if words[0] in ("export", "sheet") else (0, 2, 3, 4, 6)
    if not ended.is_plain or ended.code not in allowed:
        return f"exit code {ended.code}: {ended.err[-500:]}"
    if ended.code == 0 and words in commands(place)[:2] and place.results() != right:
        return "WRONG BYTES"
    return "right"
