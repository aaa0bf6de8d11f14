"""Out-of-core focus stacking: masks, montage and post-processing, tile by tile through a zarr store."""

__version__ = "0.1.0"
