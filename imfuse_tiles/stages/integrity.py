"""Which blocks of a stage can be trusted: recorded as done and their chunks in full length, or checked to the bit."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from imfuse_tiles.stages.array_layout import Block, Layout, Output
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import ChunkedArray, Damaged
from imfuse_tiles.storage.files import FilePart
from imfuse_tiles.storage.json_values import matches
from imfuse_tiles.storage.store import Store


def load_summary(store: Store, stage: Stage) -> dict[str, Any] | None:
    """What a finished stage measured; None while it is not finished, or when that is not of a run of this stage."""
    numbers = store.numbers.load(stage.key)
    return numbers if numbers is not None and matches(numbers, stage.job.summary_pattern()) else None


def damaged_blocks(store: Store, stage: Stage, layout: Layout, names: Container[str]) -> list[str]:
    """Those of the named blocks that have a chunk missing or not of full length."""
    try:
        arrays = [(output, open_array(store, stage, layout, output)) for output in stage.outputs]
        sized = [(output, array, array.files.sizes(array.path)) for output, array in arrays]
    except Damaged:
        return [block.name for block in stage.blocks(layout) if block.name in names]
    return [block.name for block in stage.blocks(layout) if block.name in names and not _whole(block, sized)]


def _whole(block: Block, arrays: list[tuple[Output, ChunkedArray, Callable[[str], int]]]) -> bool:
    return all(
        array.is_whole(size(array.chunk_name(cell)), cell)
        for output, array, size in arrays
        for cell in {array.grid.file_of(cell): cell for cell in array.chunk_indices(output.box(block))}.values()
    )


def open_array(store: Store, stage: Stage, layout: Layout, output: Output) -> ChunkedArray:
    """An array of a stage; Damaged unless its metadata are those that the stage writes."""
    array = store.arrays.open(output.path)
    shape = output.shape(stage.frame, stage.z_batches(layout))
    chunks = output.chunks(stage.frame, layout.chunk)
    if (array.shape, array.chunks, array.dtype) != (shape, chunks, output.dtype):
        raise Damaged(output.path, (), "altered")
    return array


def damaged_chunks(store: Store, stage: Stage, layout: Layout, path: str) -> Iterator[tuple[Block, Damaged]]:
    """Every chunk of array ``path`` in a finished block that cannot be trusted, with its block; reads all of it."""
    output = next(each for each in stage.outputs if each.path == path)
    array, done = open_array(store, stage, layout, output), store.journal(stage.key).completed_blocks()
    for block in filter(None, (stage.named_block(layout, name) for name in done)):
        for damage in _faults(array, output, block):
            yield block, damage


def _faults(array: ChunkedArray, output: Output, block: Block) -> Iterator[Damaged]:
    cells = list(array.chunk_indices(output.box(block)))
    for cell, raw in array.raw_chunks(cells):
        try:
            array.decode_chunk(cell, raw)
        except Damaged as damage:
            yield damage
    yield from _altered_tails(array, cells)


def _altered_tails(array: ChunkedArray, cells: Sequence[tuple[int, ...]]) -> Iterator[Damaged]:
    """Of the files of chunks those whose index, which only others read, is not as it was written."""
    grid = array.grid
    for file in sorted({grid.file_of(cell) for cell in cells} if grid.tail_bytes else ()):
        first, tail = grid.chunks_of(file)[0], grid.tail(file)
        size = grid.file_bytes(first)
        part = FilePart(array.chunk_name(first), size - len(tail), len(tail), size)
        if next(iter(array.files.read_parts([part]))) != tail:
            yield Damaged(array.path, first, "altered")


def invalidate_blocks(store: Store, stage: Stage, damage: Damaged) -> None:
    """Take back every block of a stage that the array of a damaged chunk makes doubtful."""
    layout = Layout.of(store.journal(stage.key).layout())
    if layout is None or damage.chunk_index == ():
        store.journal(stage.key).forget()
        return
    store.numbers.delete(stage.key)
    try:
        lost = {block.name for block, _ in damaged_chunks(store, stage, layout, damage.path)}
    except Damaged:
        store.journal(stage.key).forget()
        return
    with store.journal(stage.key).appending() as record:
        for name in lost:
            record({"lost": name})
