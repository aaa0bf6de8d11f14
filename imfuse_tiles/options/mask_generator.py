"""What every mask generator shares: which planes it looks at, and how they become one mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.backgrounds import origin
from imfuse_tiles.options.grammar import Op, flag, integer, number, word

Answer = Callable[[Window], Window]


def spaces() -> tuple[str, ...]:
    """Names of the colour spaces."""
    return tuple(kernels.colour.SPACES)


@frozen
class Scene:
    """The colour space that masks are made in (``--colorspace``), with the plane if one is named."""

    space: str = "sRGB"
    channel: int | None = None


@frozen
class Generator(Op):
    """A mask from one frame: ``raw`` is the whole of it, ``respond`` what each generator does its own way."""

    section: ClassVar[str] = "Mask generators"
    #: Contrast masks are stretched over the stack and take part in the --mask* filters; colour planes are not.
    contrast: ClassVar[bool] = True
    #: Looks at whole frames: no halo is large enough.
    whole_frame: ClassVar[bool] = False

    w: float | None = number(None, "weight in percent; left out: an equal share", low=0, high=100, role="merge")
    C: str | None = word(None, "colour space to work in", spaces)
    c: int | None = integer(None, "plane of the colour space, from 0", low=0, high=3)
    I: str | None = word(None, "work on the likeness to this image of the whole stack")  # noqa: E741
    diff: bool | None = flag(None, "take the difference to the unfiltered frame")
    neg: bool = flag(False, "negate")
    t: float | None = number(None, "percent below which the mask becomes 0", role="merge")
    T: float | None = number(None, "percent above which the mask becomes 1", role="merge")
    level: bool | None = flag(None, "stretch to 0..100 % over the whole stack", role="level")
    clut: bool = flag(True, "equalise the histogram when stretching", role="level")
    mask: bool | None = flag(None, "take part in the --mask* filters", role="merge")

    def completed(self) -> Self:
        said = {"level": self.contrast, "mask": self.contrast, "diff": self.differs()}
        usual: dict[str, Any] = {name: None for name, value in said.items() if getattr(self, name) == value}
        if self.I is not None:
            usual["I"] = str(origin(f"--{self.name}", self.I)) or self.I
        return replace(self, **usual) if usual else self

    def checked(self) -> Self:
        super().checked()
        if self.I is not None and origin(f"--{self.name}", self.I).kind in ("colour", "clear"):
            raise Refusal(f"--{self.name}: I={self.I} is no picture of the stack, allowed are such as I=max")
        if self.I is not None and (self.c is not None or self.C is not None):
            raise Refusal(f"--{self.name}: I= works on colours as they are, C= and c are not allowed with it")
        return self.in_space(self.C) if self.C else self

    def in_space(self, space: str) -> Self:
        """The option itself, once its plane is one of a colour space; else a Refusal."""
        if self.c is not None and self.c >= kernels.colour.plane_count(space):
            raise Refusal(f"--{self.name}: c{self.c} is no plane of {space}")
        return self

    def differs(self) -> bool:
        """Whether the difference to the frame is taken when ``diff`` is not given."""
        return False

    @property
    def difference(self) -> bool:
        return self.differs() if self.diff is None else self.diff

    @property
    def levelled(self) -> bool:
        return self.contrast if self.level is None else self.level

    @property
    def filtered(self) -> bool:
        return self.contrast if self.mask is None else self.mask

    def halo(self, frame: Frame) -> Halo:
        """Pixels around a region that its mask depends on."""
        return Halo()

    def respond(self, x: Window) -> Window:
        """The filter itself, plane by plane: (c, y, x) to (c, y, x) without the halo."""
        return x

    def sees_frames(self, scene: Scene) -> bool:
        """Whether it looks at the planes of a frame as they are: in no other space, and not beside an image."""
        return (self.C, self.c, self.I) == (None,) * 3 and scene == Scene()

    def takes_codes(self, scene: Scene) -> bool:
        """Whether ``raw`` also takes the whole numbers of an image's own type, where no image is compared to."""
        return False

    def joint(self, x: Window) -> bool:
        """Whether the answer for one of these planes depends on which it is, or on the others."""
        return False

    def raw(self, source: Window, scene: Scene, image: Window | None = None, respond: Answer | None = None) -> Window:
        """The mask (y, x) of a frame's window (c, y, x), not yet levelled. ``respond`` stands in for the filter."""
        if respond or self.whole_frame:
            x = self.planes(source, scene, image)
            return self.from_all(x, (respond or self.respond)(x), scene)
        halo = self.halo(source.frame)
        region = source.shrunk(halo)
        mask = np.empty(region.shape, np.float32)
        for band in region.bands(halo):
            around, out = band.grown(halo, source.frame), mask[band.within(region)]
            part, other = source.cropped(around), image and image.cropped(around)
            if self.plain(scene) and other is not None:
                kernels.codes.likeness(part.data, other.data, self.neg, out)
            elif self.plain(scene):
                kernels.codes.quarter(self.planes(part, scene, None).data, self.neg, out)
            else:
                self.made(self.planes(part, scene, other), scene, band, out)
        return Window(mask, region, source.frame)

    def plain(self, scene: Scene) -> bool:
        """Whether the mask is the sum of the planes themselves."""
        untouched = type(self).respond is Generator.respond and not self.difference
        named = self.c is not None or (self.C is None and self.I is None and scene.channel is not None)
        return untouched and not named and not self.returns(scene)

    def made(self, x: Window, scene: Scene, region: Region, mask: np.ndarray) -> None:
        """Write the mask (y, x) of a region, made from the planes of its surroundings."""
        if self.joint(x) or self.returns(scene):
            mask[:] = self.from_all(x, self.respond(x), scene).cropped(region).data
            return
        # One plane at a time, so that its answer is still in the caches when it is added up.
        at, count, named = x.region.offset(region), len(x.data), self.c is not None
        alone = count == 1 and not named and (scene.channel is None or self.I is not None)
        for k, plane in enumerate(x.data):
            f = self.respond(x.with_data(plane[None])).cropped(region).data[0]
            scale = 0.25 if k + 1 == count and not named else 1.0
            kernels.combine.add(f, plane, at, self.difference, self.neg, k == 0, 3 if alone else 1, scale, mask)

    def from_all(self, x: Window, f: Window, scene: Scene) -> Window:
        """The mask from the answers of all planes at once."""
        if self.difference:
            made, before = f.paired(x)
            f = Window(np.minimum(np.abs(made - before), np.float32(1)), f.common(x), f.frame)
        if self.neg:
            f = f.with_data(np.float32(1) - f.data)
        return f.with_data(self.combined(f.data, scene))

    def returns(self, scene: Scene) -> bool:
        """Whether the answers go back from the generator's own colour space, and so must be seen together."""
        return self.C is not None and self.c is None and scene.space != self.C and self.I is None

    def planes(self, source: Window, scene: Scene, image: Window | None) -> Window:
        """The planes the generator works on: likeness to an image, or the frame in its colour space."""
        if image is not None:
            frame, other = source.paired(image)
            return Window(kernels.codes.alike(frame, other), source.common(image), source.frame)
        space, c = (self.C or scene.space), self.c
        if self.c is None and self.C is None:
            c = scene.channel
        if c is not None:
            return source.with_data(kernels.colour.plane(coloured(source.data), space, c)[None])
        if space == "sRGB":
            return source
        return source.with_data(kernels.colour.to_space(coloured(source.data), space))

    def combined(self, f: np.ndarray, scene: Scene) -> np.ndarray:
        """One plane from the planes of the answer: their sum divided by four, whatever their number.

        Four is what the original divides by; it shows in masks that are not levelled. A named plane is
        taken as it is. A grey frame counts as three equal planes.
        """
        if self.c is not None:
            return f[0]
        if self.C is None and self.I is None and scene.channel is not None:
            return f[0] / np.float32(4)
        if self.returns(scene):
            f = kernels.colour.from_space(f, self.C)
            f = f if scene.space == "sRGB" else kernels.colour.to_space(f, scene.space)
        return quarter(f)


def coloured(planes: np.ndarray) -> np.ndarray:
    """Three planes, a grey frame's one repeated."""
    return planes if planes.shape[0] == 3 else np.ascontiguousarray(np.broadcast_to(planes, (3, *planes.shape[1:])))


def quarter(planes: np.ndarray) -> np.ndarray:
    """The sum of the planes, added from the first on, divided by four; one plane counts three times."""
    parts = [planes[0]] * 3 if len(planes) == 1 else list(planes)
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    total *= np.float32(0.25)
    return total
