"""The declarations of every option. Importing this package registers them all, in the order of the help."""

from imfuse_tiles.ops import (  # noqa: I001  their order is the order of the help
    adjust,  # noqa: F401
    contrast,  # noqa: F401
    edges,  # noqa: F401
    fourier,  # noqa: F401
    channel,  # noqa: F401
    compare,  # noqa: F401
    depthmap,  # noqa: F401
    merge,  # noqa: F401
    filters,  # noqa: F401
    cut,  # noqa: F401
    substacks,  # noqa: F401
    final,  # noqa: F401
    finalblur,  # noqa: F401
    finaltone,  # noqa: F401
    command,  # noqa: F401
    background,  # noqa: F401
)
