"""The declarations of every option. Importing this package registers them all, in the order of the help."""

from imfuse_tiles.ops import adjust, contrast, edges, fourier, channel, compare, merge, filters, cut, final, background  # noqa: F401, I001
