"""How large a pixel is in nature, and how densely it is printed."""

from __future__ import annotations

import re
from contextlib import suppress

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen

#: Micrometres in a unit of length, by what files and people call it.
UNITS = {
    "nm": 1e-3, "nanometer": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
    "\\u00b5m": 1.0, "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0,
}  # fmt: skip
#: Numbers of tags of TIFF and EXIF.
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
#: No microscope or camera has less or more, in micrometres or pixels an inch.
SMALLEST, LARGEST = 1e-6, 1e9


@frozen
class PhysicalSize:
    """Micrometres of a pixel across and down, and from frame to frame; pixels an inch in print. 0: not known."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    dpi: tuple[float, float] = (0.0, 0.0)

    @property
    def per_centimetre(self) -> tuple[float, float]:
        """Pixels a centimetre in nature, or in print where that is not known; zeros where neither is."""
        if self.x and self.y:
            return 1e4 / self.x, 1e4 / self.y
        return self.dpi[0] / 2.54, self.dpi[1] / 2.54


def parse_length(option: str, text: str) -> float:
    """Micrometres of a length such as 0.65um, 2µm, 1.5mm, 300nm. Refusal when it is none."""
    match = re.fullmatch(r"\s*([0-9.]+(?:e-?[0-9]+)?)\s*([a-zµμ]+)\s*", text)
    with suppress(ValueError):
        if match and match[2] in UNITS and SMALLEST <= (value := float(match[1]) * UNITS[match[2]]) <= LARGEST:
            return value
    raise Refusal(f"{option} {text}: no length; allowed are such as 0.65um, 300nm, 1.5mm")
