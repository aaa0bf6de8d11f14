"""The levels of a fusion's pyramids, in groups that one task computes together: integers only."""

from __future__ import annotations

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region

#: Levels that one task computes together.
TOGETHER = 3
#: A level of so many pixels is small: it and all coarser ones are one block.
SMALL = 1 << 20


@frozen
class LevelGroup:
    """Pyramid levels that go together: ``count`` of them from one of size ``frame`` on; ``last``: no coarser ones."""

    first: int
    count: int
    frame: Frame
    last: bool
    whole: bool

    def __str__(self) -> str:
        last = self.first + self.count - 1
        return f"level {last}" if self.count == 1 else f"levels {self.first}-{last}"

    @property
    def top(self) -> int:
        """The coarsest level that is needed, counted from the first."""
        return self.count - 1 if self.last else self.count

    @property
    def grain(self) -> int:
        """Blocks must begin on pixels that every level has."""
        return 1 << self.top

    def size(self, level: int) -> Frame:
        return kernels.pyramid.size_at(self.frame, level)

    def own(self, region: Region, level: int) -> Region:
        """A block at a coarser level."""
        return Region(*(-(-edge >> level) for edge in region))

    def needed(self, region: Region) -> list[Region]:
        """What must be known of every level, from the first to the top one, to blend a block."""
        need = [self.own(region, self.top)]
        if self.top:
            need = [Region(*kernels.pyramid.coarser(self.own(region, self.top - 1), self.size(self.top)))]
        for level in range(self.top - 1, -1, -1):
            need.insert(0, Region(*kernels.pyramid.finer(need[0], self.size(level))))
        return need

    @property
    def halo(self) -> Halo:
        """Pixels around a block at the first level."""
        reach = 1 if self.top and not self.whole else 0
        for _ in range(self.top if reach else 0):
            reach = 2 * reach + 2
        return Halo.uniform(reach)


def level_groups(frame: Frame) -> list[LevelGroup]:
    """The levels of a frame's pyramid, finest first, in groups."""
    levels, first, found = kernels.pyramid.levels_for(*frame), 0, []
    while True:
        size = kernels.pyramid.size_at(frame, first)
        small = first > 0 and size[0] * size[1] <= SMALL
        last = small or levels - first <= TOGETHER
        found.append(LevelGroup(first, levels - first if last else TOGETHER, size, last, small))
        if last:
            return found
        first += TOGETHER
