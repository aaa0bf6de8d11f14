"""Encoding strips by a few threads, in order and a bounded number at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from imfuse_tiles.imageio.writing.picture import Picture

Item = TypeVar("Item")
Result = TypeVar("Result")

STRIP_BYTES = 1 << 20


def strip_rows(picture: Picture) -> int:
    """Rows of a strip of about STRIP_BYTES, at least one."""
    return max(1, min(picture.height, STRIP_BYTES // picture.row_bytes))


def in_order(encode: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """`map(encode, items)` on `workers` threads, holding at most `workers` + 1 items and results."""
    if workers < 2:
        yield from map(encode, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as threads:
        for item in items:
            waiting.append(threads.submit(encode, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
