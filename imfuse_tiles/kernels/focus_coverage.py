"""What a slice gives to a fusion where it has no picture: no evidence, no weight, and no part in what slices show."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

#: From this share on a pixel counts as shown.
SHOWN = 0.5
#: Weights are divided by this at least: nothing is shown where they are less.
LEAST_TOTAL = 1e-12


def shown_evidence(evidence: Plane, covered: Plane) -> Plane:
    """The evidence of a slice times what is ``covered``, float32 (y, x) in 0..1; -1 where that is 0."""
    return np.where(covered > 0, evidence * covered, np.float32(-1))


class ShownRange:
    """The least and most that slices show at every pixel (planes, y, x), in the type of their samples.

    Of pixels that no slice shows these are of what all are filled with.
    """

    def __init__(self) -> None:
        self.least: NDArray[Any] = np.empty(0)
        self.most: NDArray[Any] = np.empty(0)
        self._seen: NDArray[np.bool_] | None = None

    def add(self, samples: NDArray[Any], covered: Plane | None = None) -> None:
        """Take the next slice into account; ``covered``: as of :func:`shown_evidence`, given for all or for none."""
        if not self.least.size:
            self.least, self.most = samples.copy(), samples.copy()
            self._seen = None if covered is None else covered >= SHOWN
        elif covered is None or self._seen is None:
            np.minimum(self.least, samples, out=self.least)
            np.maximum(self.most, samples, out=self.most)
        else:
            shown = covered >= SHOWN
            first, more = shown & ~self._seen, shown == self._seen
            for limit, bound in ((self.least, np.minimum), (self.most, np.maximum)):
                np.copyto(limit, samples, where=first)
                bound(limit, samples, out=limit, where=more)
            self._seen |= shown
