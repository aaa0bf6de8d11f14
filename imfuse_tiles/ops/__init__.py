"""The declarations of every option. Importing this package registers them all."""

from imfuse_tiles.ops import (
    adjust,
    background,
    channel,
    command,
    compare,
    contrast,
    cut,
    depthmap,
    edges,
    filters,
    final,
    finalblur,
    finaltone,
    fourier,
    merge,
    substacks,
)

#: The order of the help: that in which a run meets them.
ORDER = (
    adjust, contrast, edges, fourier, channel, compare, depthmap, merge, filters, cut, substacks, final, finalblur,
    finaltone, command, background,
)  # fmt: skip
