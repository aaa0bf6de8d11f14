"""OME-Zarr folders and bare arrays as stacks, and what is refused of them."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zarr
from hyperstacks import STACK, ome_zarr, samples

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import read_rows
from imfuse_tiles.imageio.reading.detect import series_in

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.zarr_facts", "imageio.reading.zarr_folder", "imageio.reading.zarr_metadata")


@pytest.mark.parametrize("how", [{}, {"shards": (1, 32, 64)}, {"compressors": None}])
def test_zarr_arrays_without_metadata_are_stacks(how: dict[str, object], tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a.zarr", shape=(4, 40, 60), dtype="u2", chunks=(1, 16, 32), **how)  # type: ignore[arg-type]
    array[...] = STACK[0, 0]
    assert np.array_equal(samples(tmp_path / "a.zarr")[:, 0], STACK[0, 0])


@pytest.mark.parametrize("version", [2, 3])
def test_three_channels_of_red_green_and_blue_are_colours(version: int, tmp_path: Path) -> None:
    stack = np.swapaxes(STACK[0], 0, 1)
    path = ome_zarr(tmp_path / "a.zarr", stack, "zcyx", version, ("FF0000", "00FF00", "0000FF"))
    assert np.array_equal(samples(path), stack)
    other = ome_zarr(tmp_path / "b.zarr", stack, "zcyx", version)
    assert np.array_equal(samples(other, channel="rgb"), stack)


def test_images_below_a_folder_are_its_series(tmp_path: Path) -> None:
    for number in range(2):
        ome_zarr(tmp_path / "many.zarr" / str(number), STACK[number, 0], "zyx", 3)
    (tmp_path / "many.zarr/zarr.json").write_text(
        json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"bioformats2raw.layout": 3}}})
    )
    with pytest.raises(Refusal, match=r"holds 2 series \(0, 1\); --series=1 to --series=2 chooses one"):
        open_stack([tmp_path / "many.zarr"])
    assert np.array_equal(samples(tmp_path / "many.zarr", series="2")[:, 0], STACK[1, 0])
    for field in ("A/1/0", "A/1/1", "B/2/0"):
        ome_zarr(tmp_path / "plate.zarr" / field, STACK[0, 0], "zyx", 3)
    for place, about in (("", {"plate": {"wells": [{"path": "A/1"}, {"path": "B/2"}]}}),
                         ("A/1", {"well": {"images": [{"path": "0"}, {"path": "1"}]}}),
                         ("B/2", {"well": {"images": [{"path": "0"}]}})):  # fmt: skip
        (tmp_path / "plate.zarr" / place / "zarr.json").write_text(
            json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"ome": about}})
        )
    assert [one.name for one in series_in(tmp_path / "plate.zarr")] == ["A/1/0", "A/1/1", "B/2/0"]
    assert len(samples(tmp_path / "plate.zarr", series="B/2/0")) == 4


def test_a_chunk_that_changes_makes_another_stack(tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    stack = open_stack([path])
    assert open_stack([path]).digest == stack.digest
    content = open_stack([path], check_inputs=True).digest
    chunk = path / "0/c/2/1/1"
    content_before = chunk.read_bytes()
    chunk.write_bytes(content_before)
    assert open_stack([path]).digest != stack.digest
    assert open_stack([path], check_inputs=True).digest == content
    with pytest.raises(Refusal, match="was changed while in use"):
        read_rows(stack.headers[2], 0, 40)
    read_rows(stack.headers[1], 0, 40)


@pytest.mark.parametrize(("old", "new", "what"), [
    (b'"zstd"', b'"pickle"', "has a Zarr codec 'pickle'"), (b'"uint16"', b'"int16"', "has int16 samples"),
    (b'"uint16"', b'["uint16"]', "has .* samples|damaged"), (b"40", b"-4", "no pixels"), (b"{", b"[", "is damaged"),
    (b'"chunk_shape"', b'"chunk"', "damaged Zarr metadata"),
])  # fmt: skip
def test_damaged_metadata_of_zarr_are_refused(old: bytes, new: bytes, what: str, tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    about = path / "0" / "zarr.json"
    assert old in about.read_bytes()
    about.write_bytes(about.read_bytes().replace(old, new, 1))
    with pytest.raises(Refusal, match=what):
        open_stack([path])


def test_chunks_beyond_measure_are_refused(tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    about = json.loads((path / "0/zarr.json").read_text())
    about["chunk_grid"]["configuration"]["chunk_shape"] = [1, 1 << 20, 1 << 20]
    (path / "0/zarr.json").write_text(json.dumps(about))
    with pytest.raises(Refusal, match="claims chunks of 1 x 1048576 x 1048576, impossible"):
        open_stack([path])


def test_a_spoiled_chunk_is_refused(tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    chunk = path / "0/c/2/1/1"
    chunk.write_bytes(chunk.read_bytes()[:50])
    stack = open_stack([path])
    with pytest.raises(Refusal, match=r"a\.zarr: damaged ZARR"):
        read_rows(stack.headers[2], 0, 40)


def test_paths_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    ome_zarr(tmp_path / "other.zarr", STACK[0, 0], "zyx", 3)
    path = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", 3)
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(text.replace('"path": "0"', '"path": "../other.zarr/0"'))
    with pytest.raises(Refusal, match="which is no path in it"):
        open_stack([path])


def test_a_folder_of_arrays_that_are_no_images_is_refused(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "a.zarr", mode="w").create_array("x", shape=(9, 9), dtype="u1")
    with pytest.raises(Refusal, match="is a Zarr folder without images of OME-Zarr; name one of its arrays"):
        open_stack([tmp_path / "a.zarr"])


@pytest.mark.parametrize("version", [2, 3])
def test_mutated_zarr_folders_are_read_or_refused(version: int, tmp_path: Path) -> None:
    path, random = ome_zarr(tmp_path / "a.zarr", STACK[0, 0], "zyx", version), np.random.default_rng(version)
    files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    about = [file for file in files if file.name in ("zarr.json", ".zarray", ".zattrs")]
    read = 0
    for number in range(40):
        file = (about if number % 3 else files)[random.integers(len(about if number % 3 else files))]
        content = file.read_bytes()
        changed = bytearray(content)
        for place in random.integers(0, len(content), 3):
            changed[place] = random.choice([0, 48, 57, 91, 125, 255, int(random.integers(256))])
        file.write_bytes(changed[: len(changed) if number % 5 else int(random.integers(len(changed) + 1))])
        with suppress(Refusal):
            read += len(samples(path))
        file.write_bytes(content)
    assert read > 0
    assert np.array_equal(samples(path)[:, 0], STACK[0, 0])
