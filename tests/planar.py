"""Images (height, width, planes) as writers of tiles read them."""

import numpy as np


def planar(image):
    """A function that reads regions of an image (height, width, planes)."""
    return lambda region: np.moveaxis(image[region.y0 : region.y1, region.x0 : region.x1], -1, 0)
