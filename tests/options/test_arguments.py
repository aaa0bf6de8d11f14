"""Every word an option knows, tried once: tiles of any size give the bits of the whole, in frames of any shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Region, Window, tile_indices, tile_region
from imfuse_tiles.options.cuts import Cut
from imfuse_tiles.options.mask_computation import raw_mask
from imfuse_tiles.options.mask_generator import WorkingSpace
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.shared_filters import MORPHOLOGY, SHAPES, STATISTICS
from tests.stacks import recipe_of

FRAMES = [(41, 57), (1, 30), (23, 1), (5, 4)]
SPACES, MODES = kernels.colour.SPACES, kernels.blend.MODES
INTERPOLATIONS = kernels.interpolation.INTERPOLATIONS
CONVERSIONS = ("gradient", "gaussian", "log", "log1000", "inverselog", "pow3", "cos0.5", "solid")


def generators() -> Iterator[str]:
    """Every mode, shape, statistic, space and interpolation of a generator."""
    for number, mode in enumerate(MORPHOLOGY):
        yield f"morphology={mode},r2,{SHAPES[number % len(SHAPES)]}"
    yield from (f"morphology=close,r3,{shape}" for shape in SHAPES)
    for mode in STATISTICS:
        yield from (f"statistic={mode},r{width}" for width in (2, 3))
        yield f"diffstat=r3,R2,{mode},mean"
    yield from ("statistic=mean,r5,R3", "statistic=r1", "statistic=median,r4,diff=no", "diffstat=r2,R5,nonpeak,mode")
    yield from (f"resize=p{p},{how}" for how in INTERPOLATIONS for p in (37, 130))
    for mode in MODES:
        yield from (f"compass={mode}", f"comet=s1,{mode}")
    yield from (f"freichen=n{n},multiply" for n in (-1, 0, 1, 2))
    yield from (f"laplacian=n{n}" for n in (0, 1, 2, 3, 4, 5, 7, 15, 19, -3))
    for space in SPACES:
        yield from (f"channel=C={space},c{c}" for c in range(kernels.colour.plane_count(space)))
        yield from (f"channel=C={space}", f"blur=s1,C={space}", f"laplacian=C={space},c0,neg")
    yield from ("blur=r2,s1", "blur=r2.7,s1", "blur=r0.4", "blur=s0.2,S0.1", "blur=s0,S2", "blur=s2,S0,gaussian",
                "dog=r2", "dog=s2,S1", "log=s0.3,S2", "log=r3,s1", "comet=r1", "comet=s0.2", "wavelet=p0",
                "wavelet=p30,P5", "wavelet=haar", "sobel=neg", "sobel=diff", "chroma=diff", "cmd=none")  # fmt: skip


def filters() -> Iterator[str]:
    """Every mode, shape and statistic of a mask filter."""
    yield from (f"maskmorph={mode},r1,R2,Diamond" for mode in MORPHOLOGY)
    yield from (f"maskmorph=close,r0,{shape}" for shape in SHAPES)
    yield from (f"maskstat={mode},r{width}" for mode in STATISTICS for width in (1, 4, 5))
    yield from ("maskblur=r2", "maskblur=s2,p0", "maskblur=p20,P30", "maskblur=p150,P-50", "maskblur=s0",
                "maskkuwahara=r1", "maskkuwahara=r2.9", "maskthreshold=t0,T0", "maskwave=p0", "maskwave=p5,P50",
                "maskdespeckle=n2", "maskenhance=n3")  # fmt: skip


def cuts() -> Iterator[str]:
    """Every mode and shape of a cut filter."""
    yield from (f"cutmorph={mode},r1,{SHAPES[k % len(SHAPES)]}" for k, mode in enumerate(MORPHOLOGY))
    yield from ("cutblur=r2,s1", "cutblur=p30,P50", "cutwave=p0", "cutmax=p-5", "cutthreshold=t0")


def samples(frame: tuple[int, int], planes: int = 3) -> np.ndarray:
    """Planes with an edge, noise and even areas, in 16-bit steps."""
    random = np.random.default_rng(7)
    made = random.integers(0, 65536, (planes, *frame)) // 3 + 20000
    made[:, : frame[0] // 2, frame[1] // 3 :] //= 2
    made[:, frame[0] // 3 :, : frame[1] // 4] = 30000
    return (made / np.float32(65535)).astype(np.float32)


def assert_tiles_are_the_whole(compute: Callable[[Region], Window], op: Any, frame: tuple[int, int]) -> None:
    whole = compute(Region(0, frame[0], 0, frame[1])).data
    assert whole.shape == frame
    assert whole.dtype == np.float32
    assert np.isfinite(whole).all()
    for row, column in tile_indices(frame, 19):
        region = tile_region(frame, 19, row, column)
        part = compute(region.with_halo(op.halo(frame), frame)).cropped(region).data
        assert np.array_equal(part, whole[region.y0 : region.y1, region.x0 : region.x1])


def option(text: str) -> Any:
    name, _, arguments = text.partition("=")
    return parse_arguments(name, arguments)


def cut_out(data: np.ndarray, region: Region, frame: tuple[int, int]) -> Window:
    return Window(np.ascontiguousarray(data[..., region.y0 : region.y1, region.x0 : region.x1]), region, frame)


@pytest.mark.parametrize("text", list(generators()))
def test_a_generator_with_any_argument_is_exact_in_tiles_of_any_frame(text: str) -> None:
    op = option(text)
    for frame in FRAMES:
        data = samples(frame)
        assert_tiles_are_the_whole(lambda r, d=data, f=frame: raw_mask(op, cut_out(d, r, f), WorkingSpace()), op, frame)


@pytest.mark.parametrize("text", list(filters()))
def test_a_mask_filter_with_any_argument_is_exact_in_tiles_of_any_frame(text: str) -> None:
    op = option(text)
    for frame in FRAMES:
        mask = samples(frame, 1)[0]
        assert_tiles_are_the_whole(lambda r, d=mask, f=frame: op.apply(cut_out(d, r, f)), op, frame)


@pytest.mark.parametrize("text", list(cuts()))
def test_a_cut_filter_with_any_argument_is_exact_in_tiles_of_any_frame(text: str) -> None:
    op = option(text)
    for frame in FRAMES:
        mask, strongest, _ = samples(frame)

        def compute(r: Region, f: Any = frame, m: Any = mask, s: Any = strongest) -> Window:
            hard = cut_out((m >= 0.4).astype(np.float32), r, f)
            return op.apply(Cut(hard, cut_out(m, r, f), cut_out(np.maximum(m, s), r, f), hard)).alpha

        assert_tiles_are_the_whole(compute, op, frame)


@pytest.mark.parametrize("shape", kernels.response.SHAPES)
@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_a_fourier_filter_of_any_shape_and_conversion_is_finite_and_high_and_low_pass_add_up(
    shape: str, conversion: str
) -> None:
    mask = Window.whole(samples((33, 47), 1)[0])
    low, high = (option(f"maskfft=r60,{conversion},{shape},N{n}").apply(mask).data for n in (0, 1))
    assert np.isfinite(low).all()
    assert low + high == pytest.approx(mask.data, abs=3e-6)


@pytest.mark.parametrize("mode", MODES)
def test_every_compose_mode_merges_masks_into_the_unit_range(mode: str) -> None:
    op = option(f"maskmerge={mode}")
    under, top, _ = samples((31, 33))
    made = op.blend(np.full_like(under, op.base_value), top)
    made = op.blend(made, under)
    assert made.dtype == np.float32
    assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize("text", ["diff=no", "DIFF=No", "Diff=NO"])
def test_flags_may_be_written_in_any_case(text: str) -> None:
    assert parse_arguments("wavelet", text).diff is False  # type: ignore[attr-defined]


def test_a_plane_must_be_one_of_the_colour_space_it_is_taken_from() -> None:
    assert recipe_of("--colorspace=CMYK --wavelet=c3").generators[0].c == 3
    for text in ("--wavelet=c3", "--colorspace=Lab --wavelet=c3", "--wavelet=C=Gray,c1", "--colorspace=HSL,3"):
        with pytest.raises(Refusal, match="is no plane of"):
            recipe_of(text)


def test_a_mix_of_nothing_is_refused() -> None:
    for text in ("p0,P0", "p10,P-10", "p-50,P20"):
        with pytest.raises(Refusal, match="more than 0"):
            parse_arguments("maskblur", text)
