"""A plan is arithmetic: keys that change with what changes a stage, halos, blocks and bytes, and no pixel touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from stacks import imagined, recipe_of, stack_of

from imfuse_tiles.execution.warp_stack import prepare_stack
from imfuse_tiles.imageio.alignment import SAME
from imfuse_tiles.imageio.stack import FrameWarp
from imfuse_tiles.options.mask_contrast import Wavelet
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import lay_out
from imfuse_tiles.planning.memory import block_memory_limit
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.result_names import result_digests
from imfuse_tiles.stages.align import AlignJob
from imfuse_tiles.stages.covered_area import CoveredAreaJob
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.measure_frames import FrameRangeJob, MeanImageJob
from imfuse_tiles.stages.pair_copy import CopyPairJob
from imfuse_tiles.stages.prepare import PrepareJob

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "planning.resume",
    "planning.work_plan",
    "planning.plan_builder",
    "planning.plan_masks",
    "planning.plan_fourier",
    "planning.plan_pictures",
)

BASIC = "--wavelet --blur --maskwave=p100 --cutwave=p50 --finalalpha --bg=black"


def plan(text: str = BASIC, **more: Any) -> Plan:
    return make_plan(recipe_of(text), imagined(**more))


def keys(text: str, **more: Any) -> dict[str, str]:
    return {stage.name: stage.key for stage in plan(text, **more).stages}


def changed(one: str, other: str) -> set[str]:
    """Names of the stages whose keys differ between two recipes."""
    a, b = keys(one), keys(other)
    return {name for name in a.keys() | b.keys() if a.get(name) != b.get(name)}


LATE = {"merge masks", "montage", "write result"}


# Keys


@pytest.mark.parametrize(
    ("more", "stages"),
    [
        ("--bg=red", {"write result"}),
        ("--bg=mean", {"mean image", "write result"}),
        ("--finalthreshold", {"write result"}),
        ("--cutblur", {"montage", "write result"}),
        ("--masklevel=t0", {"montage", "write result"}),
        ("--maskmerge=plus", LATE),
        ("--maskblur", LATE),
    ],
)
def test_an_option_more_changes_only_the_stages_it_acts_in(more: str, stages: set[str]) -> None:
    assert changed(BASIC, f"{BASIC} {more}") == stages


@pytest.mark.parametrize(
    ("argument", "stages"),
    [
        ("w20", LATE),
        ("t5", LATE),
        ("T90", LATE),
        ("mask=no", LATE),
        ("clut=no", {"normalise wavelet mask", *LATE}),
        ("level=no", {"normalise wavelet mask", *LATE}),
        ("p6", {"mask wavelet", "normalise wavelet mask", *LATE}),
        ("neg", {"mask wavelet", "normalise wavelet mask", *LATE}),
        ("C=Lab", {"mask wavelet", "normalise wavelet mask", *LATE}),
        ("diff=no", {"mask wavelet", "normalise wavelet mask", *LATE}),
    ],
)
def test_an_argument_of_a_generator_changes_only_what_it_acts_on(argument: str, stages: set[str]) -> None:
    assert changed(BASIC, BASIC.replace("--wavelet", f"--wavelet={argument}")) == stages


def test_what_has_no_effect_changes_no_key() -> None:
    for same in ("--wavelet=p5", "--wavelet=diff,level,mask", "--wave=5%"):
        assert changed(BASIC, BASIC.replace("--wavelet", same)) == set()
    first = BASIC.replace("--cutwave=p50", "--cutless --cutwave=p50")
    assert changed(first, first.replace("--cutless", "--cutless=t7")) == set()


def test_the_order_of_filters_counts() -> None:
    assert changed("--wavelet --maskwave --maskblur", "--wavelet --maskblur --maskwave") == LATE


def test_the_size_masks_are_made_in_changes_every_mask() -> None:
    assert changed(BASIC, f"{BASIC} --prepresize=p50") == {*keys(BASIC)} - {"read frames"}


def test_other_images_change_every_key() -> None:
    other = imagined()
    other = type(other)(other.headers, "fedcba9876543210")
    theirs = {stage.key for stage in make_plan(recipe_of(BASIC), other).stages}
    assert theirs.isdisjoint(keys(BASIC).values())


def test_a_raised_version_takes_back_what_the_option_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys(BASIC)
    monkeypatch.setattr(Wavelet, "version", Wavelet.version + 1)
    after = keys(BASIC)
    assert {name for name in before if before[name] != after[name]} == {"mask wavelet", "normalise wavelet mask", *LATE}


def kinds_of(kind: type[Job]) -> set[type[Job]]:
    """A kind of job and all that are made of it."""
    return {kind}.union(*(kinds_of(each) for each in kind.__subclasses__()))


OWN = sorted((kind for kind in kinds_of(Job) - {Job} if kind.__module__.startswith("imfuse_tiles.stages.")), key=str)


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
def test_a_raised_version_of_a_job_takes_back_what_it_computed_and_what_was_made_from_that(
    kind: type[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stack_of(tmp_path / "in")
    depth = tmp_path / "depth.tif"
    tifffile.imwrite(depth, np.zeros(stack.frame, np.uint8))
    recipe = recipe_of(f"--fft --wavelet --depthmap={depth} --maskblur --maskfft --cutwave --finalblur --finalgamma "
                       "--bg=enfuse --bg=mean --bg=pyramid")  # fmt: skip

    def every_key() -> tuple[list[str], set[int], str]:
        """The keys of the plan, which of its stages a job of this kind makes or its results go into, and its name."""
        frames, words = stack, recipe
        if kind is AlignJob:
            frames = stack.warped([FrameWarp(SAME)] * len(stack), stack.frame)
        elif kind in (PrepareJob, MeanImageJob, FrameRangeJob):
            words = recipe_of("--gamma --contrast-stretch " + str(recipe))
            frames = prepare_stack(stack, words)
        elif kind is CoveredAreaJob:
            frames = replace(stack, shows_less=True)
        elif kind is CopyPairJob:
            frames = replace(stack, headers=stack.headers[:2])
        plan, touched = make_plan(words, frames, block_limit=1), set[str]()
        for stage in plan.stages:
            if isinstance(stage.job, kind) or touched.intersection(stage.inputs):
                touched.add(stage.key)
        keys = [stage.key for stage in plan.stages]
        return keys, {keys.index(key) for key in touched}, result_digests(plan)

    before, touched, name = every_key()
    assert touched, "the plan has such a job"
    monkeypatch.setattr(kind, "version", vars(kind).get("version", 1) + 1)
    after, _, other_name = every_key()
    assert {number for number, key in enumerate(after) if key != before[number]} == touched
    assert other_name != name


def test_resources_are_no_part_of_a_key() -> None:
    stack, recipe = imagined(), recipe_of(BASIC)
    usual = [stage.key for stage in make_plan(recipe, stack).stages]
    for memory in (400 << 20, 64 << 30):
        resources = Resources(memory=memory, workers=7, tile=123, scheduler="processes")
        assert [stage.key for stage in make_plan(recipe, stack, block_memory_limit(resources)).stages] == usual


# Stages


def test_a_generator_given_twice_is_planned_once() -> None:
    names = [stage.name for stage in plan("--wavelet=w60 --wavelet=w20 --blur").stages]
    assert names == [
        "read frames",
        "mask wavelet",
        "normalise wavelet mask",
        "mask blur",
        "normalise blur mask",
        "merge masks",
        "montage",
        "write result",
    ]


def test_colour_planes_are_not_levelled_unless_asked() -> None:
    assert "normalise darkness mask" not in keys("--darkness")
    assert "normalise darkness mask" in keys("--darkness=level")


def test_without_masks_there_is_only_the_background() -> None:
    assert [stage.name for stage in plan("--bg=mean").stages] == ["read frames", "mean image", "write result"]
    assert [stage.name for stage in plan("").stages] == ["read frames", "write result"]


@pytest.mark.parametrize(
    "text", [BASIC, "--statistic=I=max --substacks=n2", "--bg=wave --finalgamma --wavelet", "--fft"]
)
def test_every_stage_stands_behind_those_it_reads(text: str) -> None:
    seen: set[str] = set()
    for stage in plan(text).stages:
        assert set(stage.inputs) <= seen
        assert stage.key not in seen
        seen.add(stage.key)
    assert plan(text).result.name == "write result"


def test_halos_of_a_chain_add_up() -> None:
    halos = {stage.name: stage.halo.radius for stage in plan(
        "--blur=s1,S3 --maskwave --maskstat=r6 --cutwave --cutmorph=r3 --finalblur=s10,S2"
    ).stages}  # fmt: skip
    assert halos["mask blur"] == 12
    assert halos["merge masks"] == 31 + 3
    assert halos["montage"] == 31 + 3
    assert halos["write result"] == 39


def test_frames_too_large_to_transform_split_a_fourier_mask() -> None:
    stack = imagined(frame=(30000, 30000))
    whole = {stage.name for stage in make_plan(recipe_of("--fft"), stack).stages}
    split = {stage.name for stage in make_plan(recipe_of("--fft"), stack, 1 << 30).stages}
    assert split - whole == {"cells fft", "far fft"}


# No pixel


def test_planning_reads_no_file_and_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames do not exist; nor may anything be opened or submitted."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a plan computed something")

    for stage in plan().stages:
        monkeypatch.setattr(type(stage.job), "compute", forbidden)
    monkeypatch.setattr("builtins.open", forbidden)
    resources = Resources(memory=2 << 30, workers=2)
    made = make_plan(recipe_of("--wavelet --statistic=I=mean --maskwave --cutless --cutwave --finalgamma --bg=wave"),
                   imagined(1000, (40000, 60000)))  # fmt: skip
    for stage in made.stages:
        cut = lay_out(stage, resources)
        assert stage.count(cut.layout) > 0
        assert str(stage.job)
