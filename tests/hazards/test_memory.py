"""Memory: what the plan says is never less than a run takes and at most three times as much; the rest is refused."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from program import LONG, run, soon
from stacks import written

OPTIONS = ["--wavelet=p5", "--maskwave=p100", "--cutwave=p50", "--bg=mean"]
SLICES, EDGES = (4, 16), (384, 768)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory):
    """Files of noise, as many and as large as wanted."""
    folder = tmp_path_factory.mktemp("stacks")

    def made(slices: int, edge: int) -> list[Path]:
        place = folder / f"{slices}x{edge}"
        if not place.exists():
            noise = np.random.default_rng(edge).integers(0, 255, (1, 3, edge, edge), np.uint8)
            written(place, np.concatenate([np.roll(noise, 7 * z, axis=3) for z in range(slices)]))
        return sorted(place.glob("*.tif"))

    return made


def projected(words: list[object]) -> int:
    ended = run("plan", "--json", *words)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["memory_bytes"]


def measured(words: list[object], place: Path, **how: object) -> int:
    ended = run("fuse", "--quiet", "-o", place / "r.tif", "--report", place / "report.json", *words, **how)
    assert ended.code == 0, ended.err
    return json.loads((place / "report.json").read_text())["peak_rss_bytes"]


def words(files: list[Path], place: Path, *more: object) -> list[object]:
    return [*OPTIONS, "--workers", "2", "--store", place / "store", *more, *files]


@pytest.mark.parametrize(
    "how", [("--memory", "400M"), ("--memory", "1G"), ("--memory", "2G", "--tile", "768")], ids=str
)
def test_the_plan_says_no_less_than_a_run_takes_and_at_most_three_times_as_much(how, stack, place):
    said = words(stack(4, 768), place, *how)
    need, peak = projected(said), measured(said, place)
    assert peak <= need <= 3 * peak


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of a part of a program are only known on Linux")
@pytest.mark.parametrize(
    "options",
    [
        "--wavelet --maskmorph=close,r2 --cutwave --finalblur=s2 --finalgamma --bg=mean",
        "--statistic=r3 --prepresize=p50 --maskstat=r3 --cutless --layered",
        "--bg=enfuse --bg=max",
    ],
)
def test_no_block_takes_more_than_its_stage_declares(options, stack):
    script = Path(__file__).with_name("block_memory.py")
    said = [sys.executable, script, "512", options, *stack(4, 768)]
    ended = subprocess.run([str(word) for word in said], capture_output=True, text=True, timeout=LONG)
    assert ended.returncode == 0, ended.stderr
    stages = [line.split("\t") for line in ended.stdout.splitlines()]
    assert len(stages) > 5
    assert [(name, need, took) for name, need, took in stages if int(took) > int(need)] == []


def test_memory_hardly_grows_with_slices_or_area(stack, place):
    peaks, how = {}, ("--memory", "400M", "--tile", "128", "--align=no")  # comparing frames takes more of larger ones
    for slices, edge in ((SLICES[0], EDGES[0]), (SLICES[1], EDGES[0]), (SLICES[0], EDGES[1])):
        here = place / f"{slices}x{edge}"
        here.mkdir()
        peaks[slices, edge] = measured(words(stack(slices, edge), here, *how), here)
    least = peaks[SLICES[0], EDGES[0]]
    assert max(peaks.values()) <= 1.1 * least, peaks


def test_a_limit_on_the_address_space_is_kept(stack, place):
    """Libraries reserve more than they use, so the limit is one gigabyte above what is allowed."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1600 << 20, 1600 << 20))

    measured(words(stack(4, 768), place, "--memory", "600M"), place, limits=limits)


def test_memory_that_runs_out_is_said_and_the_same_command_goes_on(stack, place):
    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20))

    said = ["fuse", "--quiet", "-o", place / "r.tif", *words(stack(4, 768), place, "--tile", "768", "--memory", "2G")]
    ended = run(*said, limits=limits)
    assert ended.code in (0, 4), ended.err
    if ended.code == 4:
        assert "memory" in ended.line
    assert run(*said).code == 0


@pytest.mark.parametrize("tile", ["2048", "512"])
def test_what_cannot_fit_is_refused_within_two_seconds_with_the_tile_that_would(tile, stack, place):
    files = stack(4, 768)
    said = ["-o", place / "r.tif", *words(files, place, "--memory", "330M", "--tile")]
    said[said.index("--tile") :] = ["--tile", tile, *files]
    ended = soon("fuse", *said, seconds=2)
    assert ended.code == 2, ended.err
    for part in ("stage ", " needs ", " allowed is 346 MB", "--tile "):
        assert part in ended.line
    assert list(place.iterdir()) == []
    fits = ended.line.split("--tile ")[1].split(" ")[0]
    said[said.index("--tile") + 1] = fits
    assert run("plan", *said).code == 0


def test_less_memory_than_the_program_itself_takes_is_refused(stack, place):
    ended = run("fuse", "-o", place / "r.tif", *words(stack(4, 384), place, "--memory", "100M"))
    assert (ended.code, "give it more with --memory" in ended.line) == (2, True)
    assert list(place.iterdir()) == []
