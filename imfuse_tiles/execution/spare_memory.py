"""Memory of masks that is free and there already: of masks that were dropped, or prepared for new ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from imfuse_tiles.geometry import Frame


class SpareMemory:
    """Arrays (y, x) that nobody uses; one of float32 gives way to two of uint16. Who uses it holds a lock."""

    def __init__(self) -> None:
        self.arrays = list[np.ndarray]()

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def bytes(self) -> int:
        """Bytes of all of it."""
        return sum(array.nbytes for array in self.arrays)

    def give(self, arrays: Iterable[np.ndarray]) -> None:
        """Have more of it."""
        self.arrays += arrays

    def take(self, frame: Frame, dtype: np.dtype, beside: Iterable[np.ndarray] = (), most: int = 0) -> np.ndarray:
        """An array (y, x) of float32 or uint16: one that is there, else a new one.

        ``beside``: arrays that will be free at the same time, so that both halves of one are best used by them.
        ``most``: bytes that may stay; what is more, or of another frame, is given back to the system.
        """
        size, owners = dtype.itemsize * frame[0] * frame[1], {id(array.base) for array in beside}
        self.arrays = joined(array for array in self.arrays if array.shape == frame)

        def unfit(array: np.ndarray) -> int:
            """0 for the other half of one that is beside, 1 for a whole one, 2 for a half of others."""
            return 1 if array.base is None else 2 * (id(array.base) not in owners)

        numbers = [number for number, array in enumerate(self.arrays) if array.nbytes >= size]
        best = min(numbers, key=lambda number: unfit(self.arrays[number]), default=None)
        if best is None or (unfit(self.arrays[best]) == 2 and self.bytes + size <= most):
            self.arrays.append(np.empty(frame, np.float32))
            best = -1
        first, *rest = self.arrays.pop(best).reshape(-1).view(dtype).reshape(-1, *frame)
        self.arrays += rest
        while self.arrays and self.bytes > most:
            self.arrays.pop(0)
        return first

    def clear(self) -> None:
        """Give all of it back to the system."""
        self.arrays.clear()


def joined(arrays: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Arrays that are there as a whole, so that they fit what is as large again; halves of others as they are."""
    halves: dict[int, list[np.ndarray]] = {}
    for array in arrays:
        halves.setdefault(id(array if array.base is None else array.base), []).append(array)
    return [array for parts in halves.values() for array in with_owner(parts)]


def with_owner(parts: list[np.ndarray]) -> list[np.ndarray]:
    """The array that parts are views of, if they are all of it; else the parts."""
    owner = parts[0].base
    return parts if owner is None or sum(part.nbytes for part in parts) < owner.nbytes else [owner]
