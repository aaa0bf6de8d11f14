"""What a Fourier mask is told: a frequency response as plain values, and the words for it.

A response is a ramp that is 1 in the middle (frequency 0) and 0 from the radius on, bent by a conversion,
perhaps made steeper by a sigmoid, perhaps turned round. The arithmetic is in the module ``gain``; this one
imports nothing heavy.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

SHAPES = ("circle", "square", "rhombus", "cross", "xcross")
# What the conversions that take a number assume without one; the others take none.
AMOUNTS = {"log": 10.0, "inverselog": 10.0, "pow": 2.0, "cos": 0.5}
CONVERSIONS = ("gradient", "gaussian", "solid", *AMOUNTS)


def parse_conversion(word: str) -> tuple[str, float]:
    """The name of a conversion and its number: "log1000" -> ("log", 1000.0), "log" -> ("log", 10.0).

    Names: gradient, gaussian, solid (their number is 0.0) and log, inverselog, pow, cos with a number above 0
    or their default. Upper and lower case are the same. Raises ValueError for everything else.
    """
    found = re.fullmatch(r"([a-z]+)(\d+\.?\d*|\.\d+)?", word.lower())
    if not found or found[1] not in CONVERSIONS or (found[2] and found[1] not in AMOUNTS):
        names = ", ".join(f"{name}{AMOUNTS[name]:g}" if name in AMOUNTS else name for name in CONVERSIONS)
        raise ValueError(f"no frequency response is called {word!r}; there are {names} (or another number)")
    amount = float(found[2]) if found[2] else AMOUNTS.get(found[1], 0.0)
    if found[1] in AMOUNTS and not 0 < amount < math.inf:
        raise ValueError(f"the number in {word!r} must be above 0")
    return found[1], amount


@dataclass(frozen=True)
class Response:
    """One frequency response.

    r: radius in percent of Nyquist. R: a second radius, whose result the caller compares, or None. s:
    strength of the sigmoid, 0 for none, negative for its inverse; for solid the sigma of a blur, counted in
    frequencies of the transform. p: midpoint of the sigmoid in percent. N: 0 low pass, 1 high pass.
    conversion: a word for `parse_conversion`. shape: one of SHAPES. Raises ValueError for a value outside
    these.
    """

    r: float = 75.0
    R: float | None = None
    s: float = 0.0
    p: float = 50.0
    N: int = 0
    conversion: str = "gradient"
    shape: str = "circle"

    def __post_init__(self) -> None:
        parse_conversion(self.conversion)
        if self.shape not in SHAPES:
            raise ValueError(f"no frequency shape is called {self.shape!r}; there are {', '.join(SHAPES)}")
        for radius in (self.r, self.R):
            if radius is not None and not 0 < radius < math.inf:
                raise ValueError(f"the radius of a frequency response must be above 0 %, not {radius:g}")
        if self.N not in (0, 1):
            raise ValueError(f"N is 0 (low pass) or 1 (high pass), not {self.N}")
        if not (math.isfinite(self.s) and math.isfinite(self.p)):
            raise ValueError("s and p of a frequency response must be finite numbers")

    @property
    def solid(self) -> bool:
        """Whether the response is 1 inside the radius and 0 outside, without a ramp."""
        return parse_conversion(self.conversion)[0] == "solid"

    def second(self) -> Response:
        """The same response with the second radius in place of the first. Raises ValueError without one."""
        if self.R is None:
            raise ValueError("this frequency response has no second radius R")
        return replace(self, r=self.R, R=None)
