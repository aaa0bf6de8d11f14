"""How fast a machine is, kept from run to run."""

from __future__ import annotations

from pathlib import Path

import pytest
from stacks import imagined, recipe_of

from imfuse_tiles.options.cuts import CutFilter
from imfuse_tiles.options.final_steps import FinalStep
from imfuse_tiles.options.grammar import REGISTRY, Option
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.planning import machine_rates
from imfuse_tiles.planning.machine_rates import (
    LEAST_PIXELS,
    MachineRates,
    Measured,
    kernel_name,
    load_rates,
    note_export,
    note_rates,
    rates_file,
)
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.planning.typical_rates import typical_rate
from imfuse_tiles.stages.masks import MaskJob

TESTED_MODULES = ("planning.typical_rates",)
PIXELS = 10 * LEAST_PIXELS


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for rates."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


def job(options: str) -> MaskJob:
    stages = make_plan(recipe_of(options), imagined(2), maps=False).stages
    return next(stage.job for stage in stages if isinstance(stage.job, MaskJob))


def measured(seconds: float, pixels: int = PIXELS) -> Measured:
    return Measured(kernel_name(job("--wavelet=p5")), pixels, seconds, (PIXELS, seconds), (PIXELS, 2 * seconds))


def test_what_a_run_measured_is_known_to_the_next(folder: Path) -> None:
    assert not load_rates(folder).measured
    note_rates(folder / "store", measured(0.4))
    rates = load_rates(folder)
    assert rates.measured
    assert rates.of(job("--wavelet=p5")) == 10
    note_rates(folder, measured(0.8))
    assert load_rates(folder).of(job("--wavelet=p5")) == 12.5
    assert not load_rates(None).measured


def test_runs_on_a_busy_machine_are_soon_forgotten(folder: Path) -> None:
    note_rates(folder, measured(0.4))
    stores = [load_rates(folder)]
    for seconds in (4.0, 0.4):
        note_rates(folder, measured(seconds))
        stores.append(load_rates(folder))
    assert [rates.of(job("--wavelet=p5")) for rates in stores] == [10, 12.5, 11.25]
    assert [rates.write for rates in stores] == [10, 32.5, 21.25]  # a disk can become that slow
    for _ in range(12):  # a machine that has become slower is known as such in the end
        note_rates(folder, measured(0.8))
    assert 19 < load_rates(folder).of(job("--wavelet=p5")) <= 20


def test_other_arguments_cost_about_the_same_and_other_options_what_is_typical_here(folder: Path) -> None:
    typical = MachineRates({})
    note_rates(folder, measured(2e-9 * PIXELS * typical.of(job("--wavelet=p5"))))
    rates = load_rates(folder)
    assert rates.of(job("--wavelet=p7")) == rates.of(job("--wavelet=p5")) == 2 * typical.of(job("--wavelet=p5"))
    assert rates.of(job("--blur")) == pytest.approx(2 * typical.of(job("--blur")), rel=1e-3)
    assert typical.of(job("--blur")) > typical.of(job("--darkness"))


def test_every_option_that_computes_has_a_typical_rate() -> None:
    kinds = (MaskGenerator, MaskFilter, CutFilter, FinalStep)
    computing = {name: kind for name, kind in REGISTRY.items() if issubclass(kind, kinds)}
    assert len(computing) > 50
    assert [name for name, kind in computing.items() if "typical_rate" not in vars(kind)] == []


def test_the_typical_rate_of_an_option_stands_beside_it() -> None:
    assert typical_rate("MaskJob --blur=s2 3xuint8") - typical_rate("MaskJob 3xuint8") == REGISTRY["blur"].typical_rate
    assert typical_rate("MaskJob --of-a-later-version") - typical_rate("MaskJob") == Option.typical_rate


def test_files_of_a_result_are_timed_by_their_endings(folder: Path) -> None:
    assert load_rates(folder).of_name("write .tif") == typical_rate("write .tif") < typical_rate("write .png")
    note_export(".TIF", PIXELS, 0.4)
    assert load_rates(folder).of_name("write .tif") == 10
    note_export(".png", LEAST_PIXELS - 1, 0.4)
    assert load_rates(folder).measured_rate("write .png") is None


def test_too_few_pixels_tell_nothing(folder: Path) -> None:
    note_rates(folder, measured(5.0, LEAST_PIXELS - 1))
    assert not rates_file().exists()


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"kernels": {"a": "x"}}', '{"kernels": {}, "stores": {"1": {"read": 1}}}']
)
def test_a_damaged_file_tells_nothing(folder: Path, text: str) -> None:
    rates_file().write_text(text)
    assert load_rates(folder) == MachineRates({})
    note_rates(folder, measured(0.4))
    assert load_rates(folder).measured


def test_rates_lie_beside_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert rates_file().parent == Path(str(machine_rates.kernels.__file__)).parent / "__pycache__"


def test_every_job_of_a_plan_has_a_name() -> None:
    options = "--fft --wavelet --maskblur --cutwave --finalblur --finalgamma --substacks=n2 --bg=enfuse --bg=pyramid"
    for stage in make_plan(recipe_of(options), imagined(4)).stages:
        assert kernel_name(stage.job).startswith(type(stage.job).__name__)
