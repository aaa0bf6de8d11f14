"""The grammar of arguments, the canonical text, and the messages of what is not allowed."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import REGISTRY, Option, argument_fields, digest
from imfuse_tiles.options.option_parser import parse_arguments, parse_option, resolve_option_name

#: Modules without a test file of their own name.
TESTED_MODULES = ("options.option_parser", "options.recipe")

EXAMPLES = [(name, text) for name, kind in REGISTRY.items() for text in kind.examples]


def refusal(text: str) -> str:
    with pytest.raises(Refusal) as caught:
        parse_option(text)
    assert "\n" not in str(caught.value)
    assert caught.value.code == 2
    return str(caught.value)


# Items


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("--wavelet=w20", {"w": 20}),
        ("--wavelet=w12.5", {"w": 12.5}),
        ("--statistic=r3", {"r": 3, "R": None}),
        ("--statistic=r3,r5", {"r": 3, "R": 5}),
        ("--statistic=R5,r3", {"r": 3, "R": 5}),
        ("--blur=s1,s2", {"s": 1, "S": 2}),
        ("--blur=s.5,S2.25", {"s": 0.5, "S": 2.25}),
        ("--wavelet=p20", {"p": 20}),
        ("--wavelet=20%", {"p": 20}),
        ("--wavelet=p20%", {"p": 20}),
        ("--wavelet=20%,30%", {"p": 20, "P": 30}),
        ("--wavelet=p+20", {"p": 20}),
        ("--cutalpha=p-25,P150", {"p": -25, "P": 150}),
        ("--cutalpha=-25%,p150", {"p": -25, "P": 150}),
        ("--wavelet=t5,T80", {"t": 5, "T": 80}),
        ("--wavelet=t5,t80", {"t": 5, "T": 80}),
        ("--wavelet=C=hsl,c2", {"C": "HSL", "c": 2}),
        ("--channel=HSL,2", {"C": "HSL", "c": 2}),
        ("--colorspace=hsl,2", {"C": "HSL", "c": 2}),
        ("--wavelet=neg", {"neg": True}),
        ("--wavelet=neg=no,clut=no,mask=no", {"neg": False, "clut": False, "mask": False}),
        ("--darkness=level=yes", {"level": True}),
        ("--morphology=close,disk", {"word1": "Close", "word2": "Disk"}),
        ("--morphology=r2,W1=close,W2=plus", {"word1": "Close", "word2": "Plus", "r": 2}),
        ("--morphology=WORD2=disk,close", {"word1": "Close", "word2": "Disk"}),
        ("--morphology=close,disk,square", {"word1": "Close", "word2": "Square"}),
        ("--morphology=EDGEIN", {"word1": "EdgeIn"}),
        ("--statistic=rms", {"word1": "RMS"}),
        ("--statistic=stdev,r4", {"word1": "StandardDeviation", "r": 4}),
        ("--maskstat=min", {"word1": "Minimum"}),
        ("--maskstat=r6,Mean", {"word1": "Mean", "r": 6}),
        ("--bg=Overlay2", {"word1": "Overlay2"}),
        ("--wavelet= p5 , t3 ", {"p": 5, "t": 3}),
        ("--wavelet=", {"p": 5}),
    ],
)
def test_an_item_fills_its_argument(text: str, values: dict[str, object]) -> None:
    op = parse_option(text)
    assert {name: getattr(op, name) for name in values} == values


def test_a_percent_sign_alone_does_not_turn_a_number_into_a_word_and_its_lack_does() -> None:
    assert parse_option("--maskwave=20%") == parse_option("--maskwave=p20")
    assert "20" in refusal("--maskblur=20")


def test_the_second_blur_sigma_follows_from_the_first_when_left_out() -> None:
    assert parse_option("--blur=s2") == parse_option("--blur=s2,S3.2")


def test_an_option_may_be_shortened_to_a_unique_beginning() -> None:
    assert resolve_option_name("wavel") == "wavelet"
    assert resolve_option_name("background") == resolve_option_name("backg") == resolve_option_name("bg") == "bg"
    assert resolve_option_name("maskw") == "maskwave"


# Refusals


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("--wavlet", ["--wavlet", "--wavelet"]),
        ("--zzz", ["--zzz", "imfuse-tiles ops"]),
        ("blur=s1", ["blur=s1", "begins with --"]),
        ("--cut", ["ambiguous", "--cutless", "--cutwave"]),
        ("--maskblur=R3", ["--maskblur", "R3", "R3: unknown argument", "--maskblur takes r, s, p, P or a word"]),
        ("--maskblur=s1,s2", ["--maskblur", "s2", "--maskblur takes"]),
        ("--saturation=close", ["--saturation", "close", "--saturation takes w,"]),
        ("--bg=black,white", ["--bg", "black,white", "not known"]),
        ("--statistic=r1,r2,r3", ["--statistic", "r3", "second value"]),
        ("--statistic=w1,w2", ["w2", "second value"]),
        ("--morphology=melt", ["--morphology", "melt", "Dilate", "BottomHat"]),
        ("--morphology=close,blob", ["blob", "Octagon", "Disk"]),
        (
            "--wavelet=x5",
            [
                "--wavelet: x5: unknown argument; --wavelet takes ",
                ", P",
                " or a word: wavelet of ",
                "(see: imfuse-tiles ops wavelet)",
            ],
        ),
        ("--maskwave=W1=db99", ["--maskwave: W1=db99: unknown word; W1 takes wavelet of PyWavelets (see: "]),
        (
            "--saturation=x5",
            ["x5: unknown argument; --saturation takes w,", " or mask (see: imfuse-tiles ops saturation)"],
        ),
        ("--wavelet=C=XYZW", ["XYZW", "HSL", "Lab"]),
        ("--wavelet=C=sRGB,c3", ["c3", "sRGB"]),
        ("--wavelet=I=max,c1", ["I=", "c"]),
        ("--wavelet=level=maybe", ["level=maybe", "yes or no"]),
        ("--wavelet=p1-2", ["p1-2", "no number"]),
        ("--wavelet=p-1", ["p (", "is -1", "0 to 10000"]),
        ("--wavelet=w120", ["w (", "is 120", "0 to 100"]),
        ("--statistic=r0", ["r (", "is 0", "1 to 101"]),
        ("--wavelet=c1.5", ["c1.5", "whole number"]),
        ("--bg=notacolour", ["notacolour", "Mean", "#rrggbb"]),
    ],
)
def test_what_is_not_allowed_is_named_together_with_what_is(text: str, parts: list[str]) -> None:
    said = refusal(text)
    assert [part for part in parts if part not in said] == []


@given(st.text(alphabet="wrRsSnNpPtTcCIdefgilmnov=%,.-+0123456789 ", max_size=16), st.sampled_from(sorted(REGISTRY)))
def test_any_text_is_an_option_or_a_refusal_in_one_line(text: str, name: str) -> None:
    said = f"--{name}={text}"
    try:
        op = parse_option(said)
    except Refusal:
        assert name in refusal(said)
    else:
        assert parse_option(str(op)) == op


# Declarations


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[f"{name}={text}" for name, text in EXAMPLES])
def test_the_canonical_text_of_every_example_reads_back_as_the_same_option(name: str, text: str) -> None:
    op = parse_arguments(name, text)
    assert parse_option(str(op)) == op
    assert str(parse_option(str(op))) == str(op)


@pytest.mark.parametrize(
    ("said", "canonical"),
    [
        ("--blur", "--blur=s0.3,S0.48"),
        ("--morphology=edgein,Diamond,r2", "--morphology=r2,R1,EdgeIn,W2=Diamond"),
        ("--finalthreshold=t30,T80", "--finalthreshold=s0,t30,T80"),
        ("--statistic=stdev,r4", "--statistic=r4"),
        ("--wavelet=diff,level,mask,clut", "--wavelet=p5"),
        ("--wavelet=level=no", "--wavelet=p5,level=no"),
        ("--darkness=w10", "--darkness=w10"),
        ("--darkness=level,neg=no", "--darkness=neg=no,level"),
        ("--channel=HSL,2", "--channel=C=HSL,c2"),
        ("--colorspace=HSL,2", "--colorspace=HSL,c2"),
        ("--maskblur=s2,p100,P0", "--maskblur=s2"),
        ("--masklevel=all", "--masklevel=t5"),
        ("--cutmorph=r2", "--cutmorph=r2,R1,Erode"),
    ],
)
def test_the_canonical_text_leaves_out_what_goes_without_saying(said: str, canonical: str) -> None:
    assert str(parse_option(said)) == canonical


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=REGISTRY)
def test_every_option_says_what_it_and_each_argument_is_for(kind: type[Option]) -> None:
    assert (kind.__doc__ or "").strip().split("\n")[0].endswith((".", ")"))
    assert kind.section
    for item in argument_fields(kind):
        assert re.search(r"\w{3}", item.metadata["help"]), item.name
        assert item.metadata["role"] in ("work", "merge", "level", "none")


def test_an_option_cannot_be_changed() -> None:
    op = parse_option("--wavelet")
    with pytest.raises(FrozenInstanceError):
        op.p = 6  # type: ignore[attr-defined]
    assert hash(op) == hash(parse_option("--wavelet=p5"))


# Records and keys


def test_a_record_holds_the_arguments_of_the_roles_asked_for() -> None:
    op = parse_option("--wavelet=w20,t5,level=no,p7")
    assert {"w", "t"}.isdisjoint(op.record("work"))
    assert op.record("work")["p"] == 7
    assert op.record("merge")["w"] == 20
    assert op.record("level")["level"] is False
    assert {"p", "w", "level", "op", "version"} <= op.record().keys()


def test_a_key_depends_on_every_value_and_on_no_order_of_names() -> None:
    record = parse_option("--wavelet").record("work")
    assert digest(record) == digest(dict(reversed(record.items())))
    assert digest(record) != digest(parse_option("--wavelet=p6").record("work"))
    assert re.fullmatch("[0-9a-f]{16}", digest(record))


def test_an_option_and_its_equal_made_otherwise_have_one_record() -> None:
    op = parse_option("--wavelet=p5")
    assert op.record() == replace(op).record() == parse_option("--wavelet=diff=yes").record()
    for other in ("--wavelet", "--wavelet=p5.0", "--wavelet=5%", "--wavelet=level,mask,clut"):
        assert digest(parse_option(other).record()) == digest(op.record()), other
