"""What merged masks cannot be above is told by their weights."""

import pytest
from stacks import imagined

from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.merged_masks import MergeJob

HALVES = ("--wavelet=w50", "--sobel=w50")


@pytest.mark.parametrize(
    ("options", "most"),
    [
        (("--wavelet",), 1.0),
        (HALVES, 0.75),
        ((*HALVES, "--maskwave", "--maskstat=Mean"), 0.75),
        ((*HALVES, "--maskenhance"), 1.0),
        ((*HALVES, "--maskmerge=plus"), 1.0),
        (("--wavelet=w50", "--sobel=w50,level=no"), 1.0),
        (("--wavelet=w60", "--saturation=w40,level", "--maskwave"), 0.76),
        (("--wavelet=w60", "--saturation=w40"), 1.0),
    ],
)
def test_weights_leave_room_above_merged_masks(options: tuple[str, ...], most: float) -> None:
    (job,) = [stage.job for stage in make_plan(Recipe.from_options(options), imagined(2)).stages
              if isinstance(stage.job, MergeJob)]  # fmt: skip
    assert job.most() == pytest.approx(most)
