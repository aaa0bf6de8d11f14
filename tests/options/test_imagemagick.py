"""Operators written as text: what is understood, what they make of samples, what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.options.imagemagick import (
    AutoLevelOperator,
    BlurOperator,
    EdgeOperator,
    NegateOperator,
    PythonOperator,
    parse_operators,
)
from imfuse_tiles.options.option_parser import parse_arguments

PLANES = np.random.default_rng(2).random((3, 40, 50), np.float32)
WHOLE = Window.whole(PLANES)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ()),
        ("none", ()),
        ("-blur 0x5", (BlurOperator(0, 5),)),
        ("-blur 3x1.5", (BlurOperator(3, 1.5),)),
        ("-gaussian-blur 0X2", (BlurOperator(0, 2, gaussian=True),)),
        ("-edge 2 -negate", (EdgeOperator(2), NegateOperator())),
        ("-blur 0x1 -auto-level", (BlurOperator(0, 1), AutoLevelOperator())),
    ],
)
def test_what_is_understood(text: str, wanted: tuple[object, ...]) -> None:
    assert parse_operators("cmd", text, 0) == wanted


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("-swirl 90", "-swirl is not known"),
        ("-blur 5", "RxS"),
        ("-blur", "RxS"),
        ("-blur 0x-1", "RxS"),
        ("-edge 0", "1 to 16"),
        ("-edge two", "1 to 16"),
        ("-edge '2", "cannot be read"),
        ("nonesuch.module:name", "nonesuch"),
        ("math:nonesuch", "nonesuch"),
        ("math:sqrt", "math:sqrt cannot be used"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is(text: str, part: str) -> None:
    with pytest.raises(Refusal, match="--maskcmd") as refused:
        parse_operators("maskcmd", text, 0)
    assert part in str(refused.value)


def test_a_reach_is_for_functions_only() -> None:
    with pytest.raises(Refusal, match="reach"):
        parse_arguments("maskcmd", "-edge 2,r3")


def test_stretching_is_for_the_picture_only_and_once() -> None:
    assert parse_arguments("finalcmd", "-auto-level").needs_measuring  # type: ignore[attr-defined]
    for name, text in (("cmd", "-auto-level"), ("finalcmd", "-auto-level -auto-level")):
        with pytest.raises(Refusal, match="only allowed in --finalcmd, and once"):
            parse_arguments(name, text)


def test_edges_are_what_a_pixel_differs_from_its_neighbours_in_all() -> None:
    made = EdgeOperator(2).run(WHOLE)
    kernel = -np.ones((5, 5))
    kernel[2, 2] = 24
    wanted = np.stack([ndimage.correlate(plane.astype(float), kernel, mode="nearest") for plane in PLANES])
    np.testing.assert_allclose(made.data, wanted, atol=2e-5)


def test_a_blur_is_that_of_the_other_options() -> None:
    taps = kernels.gaussian.blur_taps(1.5)
    reach = len(taps) // 2
    padded = np.pad(PLANES[0], reach, mode="edge")
    assert np.array_equal(BlurOperator(0, 1.5).run(WHOLE).data[0], kernels.gaussian.separable(padded, taps, taps))


def test_negation_and_stretching() -> None:
    assert np.array_equal(NegateOperator().run(WHOLE).data, 1 - PLANES)
    assert np.allclose(AutoLevelOperator().stretched(WHOLE, 0.25, 0.75).data, (PLANES - 0.25) * 2, atol=1e-6)
    assert AutoLevelOperator().stretched(WHOLE, 0.5, 0.5) is WHOLE


@pytest.fixture
def filters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of filters that a user may write."""
    (tmp_path / "my_filters.py").write_text(
        "import numpy as np\n"
        "def above(planes):\n    return planes[:, :-2, 1:-1]\n"
        "above.version = 7\n"
        "def whole(planes):\n    return planes\n"
        "class Set:\n    @staticmethod\n    def double(planes):\n        return planes.astype(float) * 2\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_filters", raising=False)
    return "my_filters"


def test_a_function_is_given_its_reach_and_gives_the_rest(filters: str) -> None:
    (step,) = parse_operators("cmd", f"{filters}:above", 1)
    assert step == PythonOperator(f"{filters}:above", 1, 7)
    assert step.halo() == Halo.uniform(1)
    made = step.run(WHOLE)
    assert np.array_equal(made.data[:, 1:], PLANES[:, :-1])
    assert np.array_equal(made.data[:, 0], PLANES[:, 0]), "beyond the frame its border is repeated"
    part = step.run(WHOLE.cropped(Region(10, 30, 20, 50)))
    assert part.region == Region(11, 29, 21, 50)
    assert np.array_equal(part.data, made.cropped(part.region).data)


def test_a_function_may_lie_in_a_class_and_compute_as_it_likes(filters: str) -> None:
    made = parse_operators("cmd", f"{filters}:Set.double", 0)[0].run(WHOLE.with_data(PLANES[0]))
    assert made.data.dtype == np.float32
    assert np.array_equal(made.data, PLANES[0] * 2)


def test_a_function_that_makes_another_size_is_refused(filters: str) -> None:
    with pytest.raises(Refusal, match=r"give its reach as rN"):
        parse_operators("cmd", f"{filters}:above", 0)
    with pytest.raises(Refusal, match=r"\(3, 8, 9\)"):
        parse_operators("cmd", f"{filters}:whole", 2)


def test_a_function_s_version_enters_the_key(filters: str) -> None:
    assert parse_arguments("maskcmd", f"{filters}:above,r1").record()["versions"] == [7]
    assert "versions" not in parse_arguments("maskcmd", "-blur 0x1").record()
