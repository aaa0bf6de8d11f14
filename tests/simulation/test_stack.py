"""A stack is written as a whole or not at all, over nothing of anybody's, by one program at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.simulation import render
from imfuse_tiles.storage.only_writer import only_writer

#: Modules without a test file of their own name.
TESTED_MODULES = ("simulation.files", "storage.only_writer")


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"height": -3},
        {"slices": 0},
        {"bits": 12},
        {"noise": 1.5},
        {"seed": -1},
        {"workers": 0},
        {"tile": 4},
        {"width": 10.5},
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_written(tmp_path: Path, wrong: dict[str, float]) -> None:
    arguments: dict[str, object] = {"width": 32, "height": 32, "slices": 1, "seed": 0, **wrong}
    with pytest.raises(Refusal, match=next(iter(wrong))):
        render(tmp_path / "x", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_a_stack_too_large_for_the_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="free"):
        render(tmp_path / "x", 1_000_000, 1_000_000, 10)
    assert not (tmp_path / "x").exists()


def test_two_renderings_never_write_into_the_same_folder(tmp_path: Path) -> None:
    with only_writer(tmp_path, ""), pytest.raises(AlreadyExists, match="another program renders"):
        render(tmp_path, 40, 30, 2, force=True)
    assert list(tmp_path.iterdir()) == []
    render(tmp_path, 40, 30, 2)


def test_a_stack_is_replaced_only_by_force(tmp_path: Path) -> None:
    render(tmp_path, 40, 30, 3)
    with pytest.raises(AlreadyExists, match="slice_0000"):
        render(tmp_path, 40, 30, 2)
    render(tmp_path, 40, 30, 2, force=True)
    assert len(list(tmp_path.glob("slice_*.tif"))) == 2


def test_nothing_is_left_of_a_stack_that_failed(tmp_path: Path) -> None:
    def stop(done: int, count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(tmp_path / "x", 300, 200, 2, tile=64, progress=stop)
    assert list((tmp_path / "x").iterdir()) == []


def test_progress_counts_the_windows(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    render(tmp_path / "x", 130, 70, 1, tile=64, progress=lambda done, count: seen.append((done, count)))
    assert seen == [(n, 6) for n in range(1, 7)]
