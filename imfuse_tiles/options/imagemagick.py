"""Operators given as text: a few that ImageMagick knows, by its spelling, or a function of Python.

ImageMagick itself is never called.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, ClassVar, cast

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.shared_filters import gaussian_smooth, smoothing_radius

OPERATORS_HELP = (
    "none, -blur RxS, -gaussian-blur RxS, -edge R, -negate, or a Python function package.module:name with its reach rN"
)
LARGEST_EDGE = 16


@frozen
class Operator:
    """One operator on planes (..., y, x)."""

    #: Works on the picture with its opacity, not on colours alone.
    includes_opacity: ClassVar[bool] = False

    def halo(self) -> Halo:
        """Pixels around a region that its result depends on."""
        return Halo()

    def run(self, x: Window) -> Window:
        """The planes after the operator, smaller by the halo."""
        raise NotImplementedError


@frozen
class BlurOperator(Operator):
    """Gaussian blur of sigma S with radius R (0: as far as it reaches)."""

    includes_opacity: ClassVar[bool] = True

    radius: float
    sigma: float
    gaussian: bool = False

    def halo(self) -> Halo:
        return Halo.uniform(smoothing_radius(self.sigma, self.radius, self.gaussian))

    def run(self, x: Window) -> Window:
        return gaussian_smooth(x, self.sigma, self.radius, self.gaussian)


@frozen
class EdgeOperator(Operator):
    """A pixel times the number of its neighbours in the square of radius R, less all of these; not clamped."""

    radius: int

    def halo(self) -> Halo:
        return Halo.uniform(self.radius)

    def run(self, x: Window) -> Window:
        kernel = kernels.contrast.surround_kernel(self.radius)
        return x.filtered(lambda plane: kernels.convolve.correlate(plane, kernel), self.halo())


@frozen
class NegateOperator(Operator):
    """1 - x."""

    def run(self, x: Window) -> Window:
        return x.with_data(np.float32(1) - x.data)


@frozen
class AutoLevelOperator(Operator):
    """Stretch so that the smallest sample of the whole picture, opacity included, becomes 0 and the largest 1.

    The two numbers have to be measured, so only ``--finalcmd`` may ask for it.
    """

    def stretched(self, x: Window, low: float, high: float) -> Window:
        if high <= low:
            return x
        return x.with_data((x.data - np.float32(low)) / np.float32(high - low))


@frozen
class PythonOperator(Operator):
    """A Python function ``package.module:name`` that is given planes with ``radius`` pixels more on every side.

    It takes float32 (planes, y + 2 reach, x + 2 reach), nominally 0..1, and returns (planes, y, x). It must depend
    on nothing but these samples and give the same samples however the picture is cut. Its attribute ``version``, if
    any, enters the cache key: raise it when the function changes.
    """

    name: str
    radius: int
    version: Any = None

    def halo(self) -> Halo:
        return Halo.uniform(self.radius)

    def run(self, x: Window) -> Window:
        halo = self.halo()
        planes = np.ascontiguousarray(x.padded(halo), np.float32)
        lead, region = planes.shape[:-2], x.valid_region(halo)
        made = np.asarray(import_function(self.name)(planes.reshape(-1, *planes.shape[-2:])), np.float32)
        return Window(made.reshape(*lead, *region.shape), region, x.frame)


@lru_cache(maxsize=64)
def parse_operators(owner: str, text: str, reach: int) -> tuple[Operator, ...]:
    """The operators that a text names. Refusal for anything that is not known."""
    try:
        word_fields = shlex.split(text)
    except ValueError as error:
        raise Refusal(f"--{owner}: {text} cannot be read ({error})") from None
    if word_fields in ([], ["none"]):
        return ()
    if len(word_fields) == 1 and ":" in word_fields[0]:
        return (load_python_operator(owner, word_fields[0], reach),)
    if reach:
        raise Refusal(f"--{owner}: r is the reach of a Python function; {text} is none")
    found, rest = [], iter(word_fields)
    for operator in rest:
        found.append(_operator(owner, operator, rest))
    return tuple(found)


def _operator(owner: str, operator: str, rest: Any) -> Operator:
    if operator == "-negate":
        return NegateOperator()
    if operator == "-auto-level":
        return AutoLevelOperator()
    if operator in ("-blur", "-gaussian-blur"):
        radius, sigma = _geometry(owner, operator, next(rest, ""))
        return BlurOperator(radius, sigma, operator == "-gaussian-blur")
    if operator == "-edge":
        text = next(rest, "")
        if not (text.isdigit() and 1 <= int(text) <= LARGEST_EDGE):
            raise Refusal(f"--{owner}: -edge {text} is not allowed, its radius is 1 to {LARGEST_EDGE}")
        return EdgeOperator(int(text))
    raise Refusal(f"--{owner}: {operator} is not known, allowed: {OPERATORS_HELP}")


def _geometry(owner: str, operator: str, text: str) -> tuple[float, float]:
    radius, cross, sigma = text.lower().partition("x")
    try:
        numbers = float(radius or 0), float(sigma)
    except ValueError:
        numbers = (-1.0, -1.0)
    if not cross or not 0 <= numbers[0] <= 2000 or not 0 <= numbers[1] <= 1000:
        raise Refusal(f"--{owner}: {operator} {text} is not allowed, its form is RxS (0xS: as far as sigma S reaches)")
    return numbers


Function = Callable[["np.ndarray"], "np.ndarray"]


@lru_cache(maxsize=64)
def import_function(name: str) -> Function:
    """The function ``package.module:name``; ImportError or AttributeError when there is none."""
    module, _, rest = name.partition(":")
    found: Any = import_module(module)
    for part in rest.split("."):
        found = getattr(found, part)
    return cast(Function, found)


def load_python_operator(owner: str, name: str, reach: int) -> PythonOperator:
    """A function by its name, tried on a small picture. Refusal when it cannot be used."""
    try:
        found = import_function(name)
        given = np.linspace(0, 1, 3 * (2 * reach + 4) * (2 * reach + 5), dtype=np.float32)
        made = np.asarray(found(given.reshape(3, 2 * reach + 4, 2 * reach + 5)))
    except Exception as error:
        raise Refusal(f"--{owner}: {name} cannot be used ({type(error).__name__}: {error})") from None
    if made.shape != (3, 4, 5):
        raise Refusal(
            f"--{owner}: {name} makes {made.shape} of planes (3, 4, 5) with {reach} pixels around them, "
            "it must make (3, 4, 5); give its reach as rN"
        )
    return PythonOperator(name, reach, getattr(found, "version", None))
