"""What is damaged is made again with its inputs, where these were deleted."""

from __future__ import annotations

from lean_runs import LEAN, Counting, arrays, exported, run
from runs import path_of

from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store


class Damages(Counting):
    """Alters a chunk of an array as soon as a stage begins or is complete."""

    def __init__(self, store: Store, path: str, begun: str = "", finished: str = "") -> None:
        super().__init__()
        self.store, self.path, self.begun, self.done = store, path, begun, finished

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        if stage.name == self.begun:
            self.damage()

    def finished(self, stage: Stage) -> None:
        if stage.name == self.done:
            self.damage()

    def damage(self) -> None:
        self.begun = self.done = ""
        chunk = sorted(path for path in (self.store.folder / self.path / "c").rglob("*") if path.is_file())[1]
        raw = bytearray(chunk.read_bytes())
        raw[50] ^= 1
        chunk.write_bytes(raw)


def test_a_damaged_chunk_whose_inputs_are_gone_is_made_again_with_them(
    plan: Plan, store: Store, full: tuple[bytes, int]
) -> None:
    damages = Damages(store, path_of(plan, "merge masks"), begun="montage")
    assert run(plan, store, LEAN, damages) == full[0]
    again = {name: count for name, count in damages.blocks.items() if count > 6}
    assert again == {"read frames": 9, "mask blur": 12, "mask wavelet": 12, "merge masks": 7}
    assert arrays(store) == exported(plan), "what was made again goes again"


def test_a_result_that_is_damaged_before_it_is_exported_is_made_again(
    plan: Plan, store: Store, full: tuple[bytes, int]
) -> None:
    damages = Damages(store, path_of(plan, "write result"), finished="write result")
    assert run(plan, store, LEAN, damages) == full[0]
    assert damages.blocks["write result"] == 7
    assert damages.blocks["merge masks"] == 12
    assert arrays(store) == exported(plan)


def test_damaged_images_are_read_again_and_nothing_else(plan: Plan, store: Store, full: tuple[bytes, int]) -> None:
    damages = Damages(store, path_of(plan, "read frames"), begun="montage")
    assert run(plan, store, LEAN, damages) == full[0]
    assert damages.blocks["read frames"] == 10
    assert sum(damages.blocks.values()) == full[1] + 1
