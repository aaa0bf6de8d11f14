"""Files that a stack should not hold, how each is made, and what the program says of it."""

from __future__ import annotations

import os
import struct
import zlib
from functools import cache

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

IMAGE = np.random.default_rng(8).integers(0, 65535, (61, 83, 3), np.uint16)
IMAGE8 = (IMAGE >> 8).astype(np.uint8)
PLAIN = {"photometric": "rgb", "metadata": None}
COLOURS = np.zeros((3, 256), np.uint16)
SOME = zlib.compress(b"\0" * 999)


def tiff(path, image=IMAGE, **options):
    tifffile.imwrite(path, image, **{**PLAIN, **options})


def grey(path, image, **options):
    tiff(path, image, **{"photometric": "minisblack", **options})


def png(path, *ihdr, chunks=((b"IDAT", SOME), (b"IEND", b""))):
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", *ihdr)), *chunks):
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(content)


def jpeg(path, **options):
    Image.fromarray(IMAGE8).save(path, "jpeg", **options)


def cut(write, part, **options):
    def damaged(path):
        write(path, **options)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * part)])

    return damaged


def patched(tag, value, write=tiff, **options):
    """A TIFF one of whose tags was overwritten in place."""

    def damaged(path):
        write(path, **options)
        with tifffile.TiffFile(path, mode="r+b") as tif:
            tif.pages[0].tags[tag].overwrite(value)

    return damaged


def pages(count):
    return lambda path: tiff(path, np.stack([IMAGE] * count))


def circle(path):
    tiff(path)
    with tifffile.TiffFile(path) as tif:
        offset, count = tif.pages[0].offset, len(tif.pages[0].tags)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, offset + 2 + 12 * count, offset)
    path.write_bytes(content)


def replaced(write, old, new):
    def damaged(path):
        write(path)
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))

    return damaged


def png_of(image):
    return lambda path: path.write_bytes(imagecodecs.png_encode(image))


def saved(mode, kind, **options):
    return lambda path: Image.fromarray(IMAGE8).convert(mode).save(path, kind, **options)


def many_scans(path):
    """A JPEG whose last scan comes four thousand times."""
    jpeg(path, progressive=True)
    content = path.read_bytes()
    last = content.rindex(b"\xff\xda")
    path.write_bytes(content[:-2] + content[last:-2] * 4000 + content[-2:])


def tiny_tiles(path):
    tiff(path, IMAGE8, tile=(16, 16))
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages[0].tags["TileWidth"].overwrite(1)


BAD = {
    "a missing file": (lambda path: None, "no such file"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), "is a link to a file that is not there"),
    "a directory": (lambda path: path.mkdir(), "is a directory"),
    "a pipe": (os.mkfifo, "is not a regular file"),
    "nothing": (lambda path: path.touch(), r"is empty \(0 bytes\)"),
    "one byte": (lambda path: path.write_bytes(b"I"), "is no image that is read"),
    "text": (lambda path: path.write_text("focus stack"), "is no image that is read"),
    "a GIF": (saved("P", "gif"), "is a GIF, which is not read"),
    "a BMP": (saved("RGB", "bmp"), "is a BMP, which is not read"),
    "a TIFF of 4 bytes": (lambda path: path.write_bytes(b"II*\0"), "damaged TIFF"),
    "a TIFF of 8 bytes": (lambda path: path.write_bytes(b"II*\0\x08\0\0\0"), "is truncated"),
    "a BigTIFF of 16 bytes": (
        lambda path: path.write_bytes(b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"), "is truncated",
    ),
    "a TIFF without pages": (lambda path: path.write_bytes(b"II*\0\0\0\0\0"), "TIFF"),
    "a TIFF cut in its strip": (cut(tiff, 0.97), "is truncated: 1 of 1 strips or tiles lie beyond its end"),
    "a TIFF cut in its strips": (
        cut(tiff, 0.5, rowsperstrip=7), "is truncated: 5 of 9 strips or tiles lie beyond its end",
    ),
    "a TIFF cut in its tiles": (cut(tiff, 0.9, tile=(16, 16), compression="lzw"), "is truncated: . of 24"),
    "a TIFF cut in its tags": (cut(tiff, 0.005), "damaged TIFF|is truncated"),
    "a sparse TIFF": (
        patched("StripByteCounts", [0] + 8 * [3486], rowsperstrip=7), "is sparse: 1 of 9 strips or tiles",
    ),
    "a TIFF with too few strips": (patched("RowsPerStrip", 3, rowsperstrip=7), "9 strips or tiles where 21"),
    "a TIFF with short strips": (
        patched("StripByteCounts", 8 * [3000] + [2490], rowsperstrip=7), "shorter than their pixels",
    ),
    "a TIFF with rows of nothing": (patched("RowsPerStrip", 0, rowsperstrip=7), "damaged TIFF"),
    "a TIFF with tiles of nothing": (patched("TileWidth", 0, tile=(16, 16)), "damaged TIFF"),
    "a TIFF with endless tiles": (patched("TileWidth", 1 << 31, tile=(16, 16)), "impossible in"),
    "a TIFF without width": (patched("ImageWidth", 0), r"no pixels|damaged TIFF"),
    "a TIFF of endless width": (patched("ImageWidth", 4_000_000_000), "impossible in"),
    "a TIFF of endless rows": (patched("ImageLength", 4_000_000_000, rowsperstrip=1), "impossible in"),
    "a TIFF in a circle": (circle, "its pages run in a circle"),
    "two pages": (pages(2), r"has 2 pages: 2 of 83 x 61; --pages=all takes them"),
    "seventy pages": (pages(70), "has 70 pages: 70 of 83 x 61"),
    "CMYK": (
        lambda path: tiff(path, np.dstack([IMAGE8, IMAGE8[..., :1]]), photometric="separated"),
        "has CMYK colours; convert it to grey or RGB",
    ),
    "a palette": (
        lambda path: tiff(path, IMAGE8[..., 0], photometric="palette", colormap=COLOURS),
        "has a palette; convert it to grey or RGB",
    ),
    "Lab": (lambda path: tiff(path, IMAGE8, photometric="cielab"), "has Lab colours"),
    "raw sensor data": (
        lambda path: tiff(path, IMAGE[..., 0], photometric="cfa"), "is a camera raw file .*; develop it to TIFF",
    ),
    "YCbCr": (patched("PhotometricInterpretation", 6), "has YCbCr colours without JPEG"),
    "1 bit": (lambda path: grey(path, IMAGE[..., 0] > 9), "has 1-bit unsigned samples; allowed: 8 or 16"),
    "12 bits": (lambda path: grey(path, IMAGE[..., 0] >> 4, bitspersample=12), "has 12-bit unsigned samples"),
    "32 bits": (lambda path: grey(path, IMAGE[..., 0].astype("u4")), "has 32-bit unsigned samples"),
    "signed": (lambda path: grey(path, (IMAGE[..., 0] >> 1).astype("i2")), "has 16-bit signed samples"),
    "complex": (lambda path: grey(path, IMAGE[..., 0].astype("c8")), "has 64-bit complex samples"),
    "inverted floats": (
        lambda path: tiff(path, IMAGE[..., 0].astype("f4"), photometric="miniswhite"), "of an unusual kind",
    ),
    "two samples without meaning": (
        lambda path: grey(path, IMAGE8, planarconfig="contig"), "has 3 samples per pixel; allowed for grey",
    ),
    "five samples": (
        lambda path: tiff(path, np.dstack([IMAGE8, IMAGE8[..., :2]])), "has 5 samples per pixel",
    ),
    "a volume": (
        lambda path: grey(path, IMAGE8, volumetric=True, tile=(16, 16, 16)), "unusual kind",
    ),
    "an unusual predictor": (patched("Predictor", 34892, compression="lzw", predictor=True), "unusual kind"),
    "an unusual compression": (
        lambda path: tiff(path, IMAGE8, compression="webp"), "has TIFF compression WEBP .*; allowed: none",
    ),
    "JPEG 2000 in TIFF": (
        lambda path: tiff(path, IMAGE8, compression="jpeg2000"), "has TIFF compression .*; allowed: none",
    ),
    "a PNG signature": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "is truncated"),
    "a PNG cut in half": (cut(lambda path: png_of(IMAGE)(path), 0.5), "is truncated"),
    "a PNG without its end": (cut(lambda path: png_of(IMAGE)(path), 0.9999), "is truncated"),
    "a PNG without IEND": (
        lambda path: png(path, 83, 61, 8, 2, 0, 0, 0, chunks=[(b"IDAT", SOME)]), "is truncated",
    ),
    "a PNG without data": (
        lambda path: png(path, 83, 61, 8, 2, 0, 0, 0, chunks=[(b"IEND", b"")]), "without image data",
    ),
    "a PNG without pixels": (lambda path: png(path, 0, 61, 8, 2, 0, 0, 0), "has no pixels"),
    "a PNG that fills the memory": (lambda path: png(path, 60000, 60000, 16, 6, 0, 0, 0), "impossible in"),
    "a PNG of unknown colours": (lambda path: png(path, 83, 61, 8, 5, 0, 0, 0), "colour type 5"),
    "a PNG of unknown methods": (lambda path: png(path, 83, 61, 8, 2, 0, 1, 0), "unknown methods"),
    "a PNG palette": (saved("P", "png"), "has a palette; convert it to grey or RGB"),
    "a PNG of 1 bit": (saved("1", "png"), "has 1 bit per sample; allowed in PNG: 8 or 16"),
    "an animated PNG": (
        lambda path: Image.fromarray(IMAGE8).save(
            path, "png", save_all=True, append_images=[Image.fromarray(255 - IMAGE8)]
        ),
        "is an animated PNG",
    ),
    "a JPEG cut in its header": (cut(jpeg, 0.01), "is truncated"),
    "a JPEG cut at 97 percent": (cut(jpeg, 0.97), r"is truncated \(JPEG without its end\)"),
    "a JPEG without its end": (cut(jpeg, 0.9999), r"is truncated \(JPEG without its end\)"),
    "a CMYK JPEG": (saved("CMYK", "jpeg"), "is a JPEG of CMYK; convert it to grey or RGB"),
    "a JPEG of zero height": (
        replaced(jpeg, b"\xff\xc0\x00\x11\x08\x00\x3d", b"\xff\xc0\x00\x11\x08\x00\x00"), "has no pixels",
    ),
    "a JPEG of 12 bits": (
        replaced(jpeg, b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c"), "is a 12-bit JPEG; allowed: 8 bits",
    ),
    "a JPEG of thousands of scans": (many_scans, r"is a JPEG of 40\d\d scans, allowed are 50"),
    "a TIFF of tiny tiles": (tiny_tiles, "has tiles of 1 x 16 pixels; allowed from 16 x 16"),
    "a JPEG of another kind": (replaced(jpeg, b"\xff\xc0", b"\xff\xc3"), "unusual kind"),
    "a JPEG with noise in its header": (replaced(jpeg, b"\xff\xdb", b"\x12\xdb"), "damaged JPEG: no marker"),
}  # fmt: skip


# Damage that only shows when pixels are decoded


def spoiled(write, part=0.5, size=64, **options):
    """A file some of whose bytes are zeros."""

    def damaged(path):
        write(path, **options)
        content = bytearray(path.read_bytes())
        start = int(len(content) * part)
        content[start : start + size] = bytes(size)
        path.write_bytes(content)

    return damaged


def floats(value):
    def write(path):
        image = (IMAGE / 65535).astype("f4")
        image[30, 40, 1] = value
        tiff(path, image)

    return write


@cache
def zeros() -> bytes:
    """Half a gigabyte of zeros, deflated."""
    packer = zlib.compressobj(1)
    part = bytes(1 << 20)
    return b"".join(packer.compress(part) for _ in range(512)) + packer.flush()


def bomb(path):
    """A strip that grows to half a gigabyte, in the place of one of 15 kB."""
    tiff(path, IMAGE8, compression="zlib", rowsperstrip=61)
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tags = tif.pages[0].tags
        tags["StripOffsets"].overwrite(path.stat().st_size)
        tags["StripByteCounts"].overwrite(len(zeros()))
    with path.open("ab") as file:
        file.write(zeros())


def jpeg_bomb(path):
    """A tile of 16 x 16 pixels whose JPEG data are of 60000 x 60000."""
    tiff(path, IMAGE8, compression="jpeg", tile=(16, 16))
    with tifffile.TiffFile(path) as tif:
        start, size = tif.pages[0].dataoffsets[0], tif.pages[0].databytecounts[0]
    content = bytearray(path.read_bytes())
    frame = content.index(b"\xff\xc0", start, start + size)
    content[frame + 5 : frame + 9] = struct.pack(">HH", 60000, 60000)
    path.write_bytes(content)


SPOILED = {
    "a deflated strip with zeros": spoiled(tiff, compression="zlib", rowsperstrip=61),
    "an LZW strip with zeros": spoiled(tiff, part=0.1, size=9000, compression="lzw", rowsperstrip=61),
    "an LZMA strip with zeros": spoiled(tiff, compression="lzma", rowsperstrip=61),
    "a strip that grows beyond measure": bomb,
    "JPEG in TIFF that ends early": spoiled(lambda path: tiff(path, IMAGE8, compression="jpeg"), part=0.9, size=4000),
    "a JPEG with zeros": spoiled(lambda path: jpeg(path, quality=92), size=600),
    "JPEG in TIFF with zeros": spoiled(
        lambda path: tiff(path, IMAGE8, compression="jpeg", rowsperstrip=64), part=0.6, size=300
    ),
    "a tile of JPEG that grows beyond measure": jpeg_bomb,
    "a PNG with zeros": spoiled(lambda path: png_of(IMAGE)(path)),
    "not a number": floats(np.nan),
    "infinity": floats(np.inf),
    "minus infinity": floats(-np.inf),
}


# Odd files that are read, each with the same pixels as a plain file of IMAGE (or IMAGE8)


def xml_that_names_a_file(path):
    text = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        '<OME><Image><Pixels DimensionOrder="XYCZT" Type="uint16" SizeX="83" SizeY="61" SizeC="3" SizeZ="1" SizeT="1">'
        '<TiffData><UUID FileName="../../../../etc/passwd">urn:uuid:1</UUID></TiffData>&b;</Pixels></Image></OME>'
    )
    tiff(path, description=text)


def with_thumbnail(path):
    with tifffile.TiffWriter(path) as tif:
        tif.write(IMAGE, **PLAIN)
        tif.write(IMAGE[::4, ::4], subfiletype=1, **PLAIN)


def followed_by(write, more):
    def made(path):
        write(path)
        with path.open("ab") as file:
            file.write(more)

    return made


def alpha(image):
    return np.dstack([image, np.full((*image.shape[:2], 1), np.iinfo(image.dtype).max // 2, image.dtype)])


def exact_jpeg(path):
    """Grey blocks of one value each survive JPEG unchanged."""
    path.write_bytes(imagecodecs.jpeg8_encode(BLOCKS, level=100))


BLOCKS = np.kron(np.arange(0, 240, 5, np.uint8).reshape(6, 8), np.ones((8, 8), np.uint8))

ODD = {
    "a PNG named .tif": png_of(IMAGE),
    "samples in planes": lambda path: tiff(path, np.ascontiguousarray(np.moveaxis(IMAGE, -1, 0)),
                                           planarconfig="separate"),
    "big-endian": lambda path: tifffile.imwrite(path, IMAGE, byteorder=">", **PLAIN),
    "BigTIFF": lambda path: tiff(path, bigtiff=True),
    "alpha": lambda path: tiff(path, alpha(IMAGE), extrasamples=["unassalpha"]),
    "PNG with alpha": lambda path: png_of(alpha(IMAGE))(path),
    "turned by its tag": lambda path: tiff(path, extratags=[(274, "H", 1, 6, True)]),
    "a thumbnail beside it": with_thumbnail,
    "XML that names a file and grows": xml_that_names_a_file,
    "LZW with prediction": lambda path: tiff(path, compression="lzw", predictor=True),
    "small tiles": lambda path: tiff(path, tile=(16, 16), compression="zlib"),
    "Zstandard": lambda path: tiff(path, compression="zstd", rowsperstrip=3),
    "bytes behind the end": followed_by(tiff, b"\0more" * 99),
    "bytes behind the end of a PNG": followed_by(lambda path: png_of(IMAGE)(path), b"\0more" * 99),
}  # fmt: skip

#: Names that are no trouble.
NAMES = [
    "a b.tif", "ä ö ü.tif", "it's \"quoted\".tif", "$(touch x).tif", "a\nb.tif", "*.tif", "-o.tif", "--force.tif",
    ".hidden.tif", "a.TIFF", "noending", "x" * 200 + ".tif", os.fsdecode(b"\xff\xfe.tif"),
]  # fmt: skip
