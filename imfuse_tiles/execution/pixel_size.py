"""The size of a pixel of the frames as they are fused: that of their files, changed with their resolution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.size_metadata import frame_size
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.grammar import Option
from imfuse_tiles.options.preparation_chain import preparation_chain


def fused_pixel_size(stack: Stack, options: Iterable[Option]) -> PhysicalSize:
    """Micrometres of a pixel of a stack that is prepared by ``options``, if it is; the density of a print stays."""
    known = frame_size(stack.headers[0])
    if stack.unprepared_size is None:
        return known
    y, x = preparation_chain(options, stack.unprepared_size).pixel_sides(known.y, known.x)
    return replace(known, x=x, y=y)
