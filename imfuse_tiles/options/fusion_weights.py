"""Multiresolution fusion as enfuse does it: which pixels of a slice count, and whether one slice takes all."""

from __future__ import annotations

import re
from typing import Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Window
from imfuse_tiles.lazy_numpy import np

ENFUSE = "enfuse"
MEASURES = ("contrast", "exposure", "saturation")
ENFUSE_HELP = f"hard, soft, {', '.join(MEASURES)}, each of the last three with percents as in exposure=50"
_MEASURE = re.compile(rf"({'|'.join(MEASURES)})=?(\d+(?:\.\d*)?)?%?")


@frozen
class FusionWeights:
    """The weights of a fusion.

    ``soft``: every slice counts by its share of the weight at a pixel; otherwise the heaviest takes all, the
    first one of equals. ``contrast``, ``exposure``, ``saturation``: percents by which the measures add up. Where
    no slice has any weight, all count alike.
    """

    soft: bool = False
    contrast: float = 100.0
    exposure: float = 0.0
    saturation: float = 0.0

    @classmethod
    def parse(cls, owner: str, text: str) -> Self:
        """The fusion that words such as ``enfuse,soft,exposure=50`` ask for; colons part them as well as commas."""
        soft, percents = False, {"contrast": 100.0}
        for each in re.split("[,:]", text.lower()):
            measure = _MEASURE.fullmatch(each)
            if measure:
                percents[measure[1]] = 100.0 if measure[2] is None else float(measure[2])
            elif each in ("soft", "hard"):
                soft = each == "soft"
            elif each != ENFUSE:
                raise Refusal(f"{owner}: {each} is not known to {ENFUSE}, allowed: {ENFUSE_HELP}")
        return cls(soft, **percents).validated(owner)

    def validated(self, owner: str) -> Self:
        """The fusion, once its weights make sense; else a Refusal."""
        shares = [getattr(self, name) for name in MEASURES]
        if max(shares) > 100 or not any(shares):
            raise Refusal(f"{owner}: the measures of {ENFUSE} take 0 to 100 percent, and one of them more than 0")
        return self

    def __str__(self) -> str:
        """The words in one, readable again; what goes without saying is left out."""
        said = [ENFUSE, "soft"] if self.soft else [ENFUSE]
        for name, usual in zip(MEASURES, (100, 0, 0), strict=True):
            share = getattr(self, name)
            if share != usual:
                said.append(name if share == 100 else f"{name}={share:.12g}")
        return ":".join(said)

    @property
    def halo(self) -> Halo:
        """Pixels around a region that its weights depend on."""
        return Halo.uniform(kernels.quality.REACH if self.contrast else 0)

    def weights(self, samples: Window) -> Window:
        """The weights (y, x), float32 from 0 on, of a slice's samples (planes, y, x) without the halo."""
        region, grey = samples.valid_region(self.halo), kernels.quality.grey(samples.data)
        if self.contrast:
            scale = self.contrast / 100 / 65535
            total = kernels.quality.contrast(grey, samples.border_padding(self.halo), scale)
        else:
            total = np.zeros(region.shape, np.float32)
        if self.exposure:
            near = kernels.quality.exposure(grey[region.slices_in(samples.region)])
            total += np.float32(self.exposure / 100) * near
        if self.saturation:
            inner = samples.cropped(region).data
            total += np.float32(self.saturation / 100) * kernels.quality.saturation(inner)
        return Window(total, region, samples.frame)
