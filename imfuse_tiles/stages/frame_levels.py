"""How bright the frames are, measured while they are read: jumps of exposure and unused bits are told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from imfuse_tiles.storage.json_values import get_matching

#: Every so many rows and columns are measured.
STEP = 4
#: Octaves of mean brightness from frame to frame and over the stack; of a colour's share. Focus changes both little.
JUMP, DRIFT, TINT_JUMP, TINT_DRIFT = 0.07, 0.15, 0.05, 0.1
#: More octaves than this are not told as a figure: a black frame is infinitely darker than another.
MANIFOLD = 3.32


class FrameLevels:
    """Sums of the samples of one slice."""

    def __init__(self, slice_number: int) -> None:
        self.slice_number, self.count, self.high = slice_number, 0, 0.0
        self.sums: np.ndarray | float = 0.0

    def add(self, rows: np.ndarray, y0: int, x0: int = 0, covered: np.ndarray | None = None) -> None:
        """Add a part (planes, y, x) of the frame from row y0 and column x0 on, where it is ``covered`` (y, x)."""
        places = slice(-y0 % STEP, None, STEP), slice(-x0 % STEP, None, STEP)
        part = rows[(slice(None), *places)]
        if covered is not None:
            part = part[:, covered[places]][:, None]
        self.sums = self.sums + part.sum(axis=(1, 2), dtype=np.float64)
        self.count += part[0].size
        if rows.dtype == np.uint16:
            self.high = max(self.high, float(rows.max()))

    def report(self) -> dict[str, Any]:
        """What a block says of its rows."""
        return {"slice": self.slice_number, "sums": np.asarray(self.sums).tolist(), "count": self.count,
                "high": self.high}  # fmt: skip


def stack_levels(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The mean of every slice and plane, and the highest 16-bit sample; empty where a block did not measure."""
    sums: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(1))
    counts: dict[int, int] = defaultdict(int)
    high = 0.0
    for report in reports:
        if "sums" not in report:
            return {}
        sums[report["slice"]] = sums[report["slice"]] + np.asarray(report["sums"])
        counts[report["slice"]] += report["count"]
        high = max(high, report["high"])
    return {"means": [(sums[z] / max(1, counts[z])).tolist() for z in sorted(sums)], "high": high}


def level_notices(numbers: dict[str, Any], names: Sequence[str]) -> list[str]:
    """What the user is to know of the levels of a stack, from the numbers of its reading; ``names``: of the frames."""
    means = get_matching(numbers, [[float]], [], "means")
    high = get_matching(numbers, float, 0.0, "high")
    if not means or {len(mean) for mean in means} != {max(1, len(means[0]))}:
        means = []
    notices = []
    if means and len(means) == len(names) > 1:
        planes = np.maximum(np.asarray(means, np.float64), 1e-9)
        brightness = planes.mean(axis=1)
        notices += _changes("brightness", np.log2(brightness)[:, None], JUMP, DRIFT, names)
        if planes.shape[1] >= 3:
            tints = np.log2(planes[:, :3] / brightness[:, None])
            notices += _changes("white balance", tints, TINT_JUMP, TINT_DRIFT, names)
    bits = int(high).bit_length()
    if 8 <= bits <= 14:
        full = 2**bits - 1
        notices.append(f"the brightest sample is {high:g} of 65535, as in frames of {bits} bits; "
                       f"--white={full} takes {full} as white")  # fmt: skip
    return notices


def _changes(what: str, values: np.ndarray, jump: float, drift: float, names: Sequence[str]) -> list[str]:
    """A notice if values (slices, n), in octaves, change from slice to slice or over the stack."""
    steps, spread = np.abs(np.diff(values, axis=0)), np.ptp(values, axis=0).max()
    how = f"by {100 * (2**spread - 1):.0f} %" if spread < MANIFOLD else "more than tenfold"
    percent = f"{how} between frames"
    if steps.max() > jump:
        place = int(steps.max(axis=1).argmax())
        return [f"{what} differs {percent}, most from {names[place]} to {names[place + 1]}: the result may be patchy"]
    return [f"{what} drifts {percent}: the result may be uneven"] if spread > drift else []
