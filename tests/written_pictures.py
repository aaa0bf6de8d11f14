"""Pictures with everything that formats hold, written in every format, and what each does not hold."""

import imagecodecs
import numpy as np
import tifffile
import zarr
from PIL import Image, ImageCms
from planar import planar

from imfuse_tiles.imageio.metadata import Tags, Value
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.writing import (
    Picture,
    format_of,
    write_picture,
    write_tiled,
)

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
DATE, LENS = 36867, 42036
TAGS = Tags(
    {271: Value(2, 6, b"Canon\0"), 272: Value(2, 4, b"EOS\0")},
    {DATE: Value(2, 20, b"2024:02:03 04:05:06\0"), LENS: Value(2, 9, b"MP-E 65mm"[:8] + b"\0")},
    {},
    PROFILE,
)
SIZE = PhysicalSize(0.65, 0.5, 2.0)
ALL = {"16 bits", "alpha", "profile", "camera", "pixel size", "z step"}
#: What each format does not hold.
LOST = {
    "a.tif": {"z step"},
    "a.btf": {"z step"},
    "a.png": {"z step"},
    "a.jpg": {"16 bits", "alpha", "z step"},
    "a.jxl": {"z step"},
    "a.ome.tif": set(),
    "a.ome.btf": set(),
    "a.ome.zarr": {"profile", "camera"},
    "a.dzi": {"16 bits", "camera", "pixel size", "z step"},
}
WORDS = {
    "16-bit samples": "16 bits", "transparency": "alpha", "the colour profile": "profile",
    "the camera's tags": "camera", "the pixel size": "pixel size", "the distance of frames": "z step",
}  # fmt: skip


def example(name, height=40, width=60):
    """A picture with everything, as far as writing it takes it, and its pixels."""
    found = format_of(name)
    image = np.random.default_rng(2).integers(0, 65536, (height, width, 4 if found.alpha else 3), np.uint16)
    dtype = "uint8" if found.bits == 8 else "uint16"
    image = image if dtype == "uint16" else (image >> 8).astype(np.uint8)
    return Picture(height, width, image.shape[2], dtype, "--wavelet=p5", "imfuse-tiles v1", "", TAGS, SIZE), image


def write(path, picture, image):
    """Write a picture in the format of the name."""
    if format_of(path).tiled:
        write_tiled(path, picture, planar(image), "id")
    else:
        write_picture(path, picture, [image])


def samples_of(path):
    """The samples of a file, (height, width, planes), by a library that is not ours."""
    kind = format_of(path).kind
    if kind == "ome-zarr":
        return np.moveaxis(zarr.open_group(path, mode="r")["0"][:], 0, -1)
    if kind == "dzi":
        return np.asarray(Image.open(path.with_name(f"{path.stem}_files") / "6" / "0_0.png"))
    if "tif" in kind:
        return tifffile.imread(path)
    decode = {"png": imagecodecs.png_decode, "jpeg": imagecodecs.jpeg8_decode, "jxl": imagecodecs.jpegxl_decode}[kind]
    return decode(path.read_bytes())
