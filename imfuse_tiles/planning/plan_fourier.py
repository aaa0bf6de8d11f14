"""The stages of a Fourier filter whose frames are too large to transform at once: its far part."""

from __future__ import annotations

from typing import Any

from imfuse_tiles import kernels
from imfuse_tiles.options.mask_fourier import FourierFilter
from imfuse_tiles.planning.plan_builder import PlanBuilder
from imfuse_tiles.stages.array_layout import Output
from imfuse_tiles.stages.fourier_masks import CellsJob, FarJob, FarPart, split_error
from imfuse_tiles.stages.plane_readers import PlaneReader
from imfuse_tiles.stages.stage import Stage


def far_part(
    builder: PlanBuilder,
    name: str,
    about: Any,
    planes: PlaneReader,
    count: int,
    op: FourierFilter,
    inputs: tuple[str, ...],
) -> tuple[FarPart, Stage]:
    """The far part of a filter and the stage that makes it.

    ``about``: what decides its values, for the key. ``count``: how many planes there are. ``inputs``: keys of the
    stages that make the planes.
    """
    frame = builder.mask_frame
    responses = tuple(op.responses(frame))
    cells = CellsJob.key(about)
    key = FarJob.key(cells)
    size = kernels.cells.reduced_shape(*frame)
    out = Output(f"cells/{cells}", (count, builder.slices), (count, 1), "float32")
    builder.add(f"cells {name}", cells, CellsJob(planes, count, out.path), out, frame=size, slices=builder.slices,
                inputs=inputs)  # fmt: skip
    total = count * len(responses)
    far = Output(f"far/{key}", (total, builder.slices), (total, 1), "float32")
    margin = 2 * (kernels.cells.MARGIN - kernels.cells.EDGE)
    job = FarJob(out.path, count, responses, frame, far.path)
    stage = builder.add(f"far {name}", key, job, far, frame=(size[0] + margin, size[1] + margin),
                        slices=builder.slices, inputs=(cells,), whole=True,
                        about={"error": split_error(responses, frame)})  # fmt: skip
    return FarPart(far.path, count, responses, frame), stage
