"""What a stage does to each of its blocks, and what names and versions it for keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.storage.store import Store


@frozen
class Job:
    """What a stage does to a block. Frozen and small: it is sent to workers as it is."""

    kind: ClassVar[str] = "local"
    #: Raised when the values that the job computes change (those of an option have a version of their own), so that
    #: what was stored before is not reused. Versions of parent classes count too.
    version: ClassVar[int] = 1
    #: The step it belongs to; none: it is only computed again when the images change.
    step: ClassVar[str] = "mask"
    #: Whether it goes through a block part by part, so that a large one needs little more memory.
    parted: ClassVar[bool] = False

    @property
    def timed_as(self) -> Job:
        """The job under whose name its speed is noted: one that computes the same."""
        return self

    @classmethod
    def key(cls, *about: Any) -> str:
        """The key of a stage of this job: from its name, its version and what else decides its values, as JSON."""
        return digest([cls.__name__, cls.versions(), *about])

    @classmethod
    def versions(cls) -> list[int]:
        """The version of the job and those of its parent classes."""
        return [vars(kind)["version"] for kind in cls.__mro__ if "version" in vars(kind)]

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        """Read, compute and write one block; what it returns is kept in the journal."""
        raise NotImplementedError

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        """What it would write to an array, computed now: as :meth:`Access.read` gives it."""
        raise NotImplementedError

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """The numbers of the whole stage from what its blocks reported."""
        return {}

    def summary_pattern(self) -> Any:
        """What the summary looks like, for ``json_values.matches``: other numbers in a store are not those of a run."""
        return {}

    def for_block(self, block: Block) -> Job:
        """The job as far as one block needs it, so that little is sent to a worker."""
        return self

    def memory(self, height: int, width: int) -> int:
        """Bytes that a block needs whose window, halo included, is so large."""
        return int(4 * self.planes() * height * width)

    def planes(self) -> float:
        """Float32 planes of a block's window that are in memory at once, as the plan reckons memory."""
        return 8.0
