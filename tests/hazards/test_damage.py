"""What was damaged on disk is found before it is used, and computed again with what depends on it."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import crc32c
import pytest
from program import reported

from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = ("stages.array_metadata", "stages.integrity")


def deleted(chunk: Path) -> None:
    chunk.unlink()


def emptied(chunk: Path) -> None:
    os.truncate(chunk, 0)


def truncated(chunk: Path) -> None:
    os.truncate(chunk, chunk.stat().st_size * 2 // 3)


def flipped(chunk: Path) -> None:
    raw = bytearray(chunk.read_bytes())
    at = random.Random(len(raw)).randrange(8 * len(raw))
    raw[at // 8] ^= 1 << at % 8
    chunk.write_bytes(raw)


def zeroed(chunk: Path) -> None:
    raw = chunk.read_bytes()
    filler = bytes(4096) if any(raw[4096:8192]) else b"\1" * 4096
    chunk.write_bytes(raw[:4096] + filler + raw[8192:])


def rewritten(chunk: Path) -> None:
    """Other samples with a checksum that is right: only the journal knows better."""
    samples = bytearray(chunk.read_bytes()[:-4])
    samples[len(samples) // 2] ^= 64
    chunk.write_bytes(samples + crc32c.crc32c(bytes(samples)).to_bytes(4, "little"))


DAMAGES = [deleted, emptied, truncated, flipped, zeroed, rewritten]
#: Arrays, the stage that makes each, and the arrays and numbers made from it.
ARRAYS = {
    "source": ("read frames", ("mask", "peak", "merge", "montage", "final", "image")),
    "mask": ("mask blur", ("merge", "montage", "final")),
    "peak": ("mask blur", ()),
    "merge": ("merge masks", ("montage", "final")),
    "montage": ("montage", ("final",)),
    "image": ("max image", ("final",)),
    "final": ("write result", ()),
}


def array(store: Path, kind: str) -> Path:
    return next(path for path in (store / kind).iterdir() if path.is_dir())


def forget(store: Path, kinds: tuple[str, ...]) -> None:
    """As if the run had been killed before these arrays were begun."""
    for kind in kinds:
        Store(str(store)).journal(array(store, kind).name).forget()
    if "merge" in kinds or not kinds:
        for path in (store / "journal").iterdir():
            if "counts" in path.read_text():
                Store(str(store)).journal(path.name).forget()


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_chunk_is_found_before_it_is_used_and_only_its_block_is_computed_again(
    damage, kind, undisturbed, called, place
):
    store, result, report = undisturbed.copy(place / "store"), place / "r.tif", place / "report.json"
    name, made_from_it = ARRAYS[kind]
    forget(store, made_from_it if kind not in ("final", "image") else ())
    if kind in ("peak", "image"):
        forget(store, ("merge", "montage", "final"))
    chunks = sorted(path for path in array(store, kind).rglob("c/**/*") if path.is_file())
    damage(chunks[len(chunks) // 2])
    assert called(*undisturbed.words(store, result, "--report", report)).code == 0
    assert undisturbed.same(result)
    stage = reported(report)[name]
    assert stage["computed"] == 1 < stage["blocks"]


def torn(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 7)


def dropped(path: Path) -> None:
    path.unlink()


def shortened(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))


def altered(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


def garbled(path: Path) -> None:
    with path.open("ab") as file:
        file.write(os.urandom(64))


@pytest.mark.parametrize("harm", [torn, dropped, shortened, altered, garbled])
@pytest.mark.parametrize("kind", ["source", "mask", "merge", "montage", "final"])
def test_a_harmed_journal_is_followed_no_further_than_it_can_be_trusted(harm, kind, undisturbed, called, place):
    store, result = undisturbed.copy(place / "store"), place / "r.tif"
    harm(store / "journal" / array(store, kind).name)
    assert called(*undisturbed.words(store, result)).code == 0
    assert undisturbed.same(result)


@pytest.mark.parametrize("harm", [torn, dropped, altered, emptied])
def test_harmed_numbers_are_summed_up_again(harm, undisturbed, called, place):
    store, result, report = undisturbed.copy(place / "store"), place / "r.tif", place / "report.json"
    for path in sorted((store / "numbers").iterdir()):
        harm(path)
    assert called(*undisturbed.words(store, result, "--report", report)).code == 0
    assert undisturbed.same(result)
    assert sum(stage["computed"] for stage in reported(report).values()) == 0


def test_numbers_that_say_something_else_are_not_believed(undisturbed, called, place):
    store, result = undisturbed.copy(place / "store"), place / "r.tif"
    forget(store, ("merge", "montage", "final"))
    path = store / "numbers" / f"{array(store, 'mask').name}.json"
    said = json.loads(path.read_text())
    said["numbers"]["high"] = 0.001
    path.write_text(json.dumps(said))
    assert called(*undisturbed.words(store, result)).code == 0
    assert undisturbed.same(result)


@pytest.mark.parametrize("harm", [torn, dropped, altered, emptied])
def test_a_harmed_description_of_an_array_is_not_followed(harm, undisturbed, called, place):
    store, result = undisturbed.copy(place / "store"), place / "r.tif"
    for kind in ARRAYS:
        harm(array(store, kind) / "zarr.json")
    assert called(*undisturbed.words(store, result)).code == 0
    assert undisturbed.same(result)


def test_half_written_files_of_dead_writers_are_swept_away(undisturbed, called, place):
    store, result = undisturbed.copy(place / "store"), place / "r.tif"
    forget(store, ("final",))
    half = [array(store, "final") / "c" / "0" / "0" / "0.nowhere.partial", store / "numbers" / "k.json.partial"]
    for path in half:
        path.write_bytes(b"half")
    assert called(*undisturbed.words(store, result)).code == 0
    assert undisturbed.same(result)
    assert not any(path.exists() for path in half)


@pytest.mark.parametrize("seed", range(4))
def test_a_store_damaged_all_over_gives_the_same_bytes(seed, undisturbed, called, place):
    store, result, chance = undisturbed.copy(place / "store"), place / "r.tif", random.Random(seed)
    forget(store, chance.choice([("final",), ("montage", "final"), ("merge", "montage", "final")]))
    chunks = sorted(path for path in store.glob("*/*/c/**/*") if path.is_file())
    for chunk in chance.sample(chunks, len(chunks) // 5):
        chance.choice(DAMAGES)(chunk)
    for journal in sorted((store / "journal").iterdir())[:: chance.randint(1, 4)]:
        chance.choice([torn, altered, garbled])(journal)
    assert called(*undisturbed.words(store, result)).code == 0
    assert undisturbed.same(result)


# verify


def test_verify_says_that_a_whole_store_is_whole_and_changes_nothing(undisturbed, called):
    def state() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in undisturbed.store.rglob("*") if path.is_file()}

    before = state()
    ended = called("verify", undisturbed.store)
    assert (ended.code, "all as they were written" in ended.out) == (0, True)
    assert {path for path, time in state().items() if before.get(path) != time} <= {str(undisturbed.store / "lock")}


@pytest.mark.parametrize("kind", ARRAYS)
def test_verify_names_every_damaged_chunk(kind, undisturbed, called, place):
    store = undisturbed.copy(place / "store")
    chunks = sorted(path for path in array(store, kind).rglob("c/**/*") if path.is_file())
    for chunk, damage in zip(chunks, DAMAGES, strict=False):
        damage(chunk)
    ended = called("verify", store)
    assert ended.code == 5
    faults = ended.out.splitlines()[:-1]
    assert len(faults) == min(len(DAMAGES), len(chunks))
    words = ["missing", "short", "short", "altered", "altered"]
    for chunk, word in zip(chunks, words, strict=False):
        cell = chunk.relative_to(array(store, kind) / "c")
        assert any(f"chunk {cell} of {kind}/" in fault and word in fault for fault in faults)


HARMS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "torn journal": ("journal/*", torn, "torn or altered"),
    "altered numbers": ("numbers/*.json", altered, "altered"),
    "lost journal": ("journal/*", dropped, "lost its journal"),
    "lost description": ("merge/*/zarr.json", dropped, "description"),
    "altered description": ("merge/*/zarr.json", torn, "description"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_verify_names_every_harmed_record(harm, undisturbed, called, place):
    store = undisturbed.copy(place / "store")
    pattern, act, said = HARMS[harm]
    files = sorted(path for path in store.glob(pattern) if "counts" not in path.read_text())
    for path in files:
        act(path)
    ended = called("verify", store)
    assert ended.code == 5
    assert ended.out.count(said) >= len(files)


def test_verify_of_something_else_is_refused(called, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    for place in (tmp_path, tmp_path / "nothing", tmp_path / "letter.txt"):
        ended = called("verify", place)
        assert (ended.code, "store" in ended.line) == (2, True)
