"""PNG frames come out exactly, JPEG frames as libjpeg decodes them."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import open_frame, read_header, read_rows

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.frames", "imageio.reading.jpeg", "imageio.reading.png")

ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_png_is_read_exactly_at_8_and_16_bits(dtype, samples, pixels, planes, png):
    image = pixels(dtype, samples)
    header = read_header(png("a.png", image))
    assert (header.format, header.dtype, header.has_alpha) == ("png", dtype, samples in (2, 4))
    band = read_rows(header, 0, 61)
    assert band.dtype == dtype
    assert band.flags.c_contiguous
    assert np.array_equal(band, planes(image))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_interlaced_png_is_read_exactly(dtype, pixels, planes, raw_png):
    image = pixels(dtype)
    rows = (row for y, x, dy, dx in ADAM7 for row in image[y::dy, x::dx])
    data = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in rows)
    ihdr = (83, 61, 8 * image.itemsize, 2, 0, 0, 1)
    path = raw_png("a.png", ihdr, (b"IDAT", zlib.compress(data)))
    assert np.array_equal(read_rows(read_header(path), 0, 61), planes(image))


@pytest.mark.parametrize(("colour", "samples"), [(0, 1), (2, 3)])
def test_a_transparent_colour_changes_no_sample(colour, samples, pixels, planes, raw_png):
    image = pixels("uint16", samples)
    data = b"".join(b"\0" + row.astype(">u2").tobytes() for row in image)
    transparent = image[0, 0].astype(">u2").tobytes()
    ihdr = (83, 61, 16, colour, 0, 0, 0)
    path = raw_png("a.png", ihdr, (b"tRNS", transparent), (b"IDAT", zlib.compress(data)))
    assert np.array_equal(read_rows(read_header(path), 0, 61), planes(image))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}])
@pytest.mark.parametrize("samples", [1, 3])
def test_jpeg_is_read_like_pillow_reads_it(options, samples, pixels, planes, jpeg):
    path = jpeg("a.jpg", pixels("uint8", samples), quality=90, **options)
    decoded = np.asarray(Image.open(path)).reshape(61, 83, samples)
    header = read_header(path)
    assert (header.format, header.shape, header.dtype) == ("jpeg", (samples, 61, 83), "uint8")
    assert np.array_equal(read_rows(header, 0, 61), planes(decoded))


def test_the_ending_of_the_name_does_not_matter(pixels, planes, png, jpeg):
    image = pixels("uint8")
    assert np.array_equal(read_rows(read_header(png("a.jpg", image)), 0, 61), planes(image))
    assert read_header(jpeg("b.png", image)).format == "jpeg"


@pytest.mark.parametrize("trailer", [b"", b"\0" * 3, b"\0" * 9000, b"appended by a camera " * 900])
def test_what_follows_the_end_of_a_jpeg_is_ignored(trailer, pixels, jpeg):
    path = jpeg("a.jpg", pixels("uint8"), progressive=True)
    expected = read_rows(read_header(path), 0, 61)
    path.write_bytes(path.read_bytes() + trailer)
    assert np.array_equal(read_rows(read_header(path), 0, 61), expected)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9, 0.97, 0.999])
def test_a_jpeg_that_ends_early_is_refused_from_its_header(part, progressive, pixels, jpeg):
    path = jpeg("a.jpg", pixels("uint8"), progressive=progressive)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(Refusal, match=r"a\.jpg: is truncated"):
        read_header(path)


def test_the_end_of_an_embedded_thumbnail_is_not_the_end_of_the_jpeg(pixels, jpeg):
    thumbnail = jpeg("thumbnail.jpg", pixels("uint8", height=20)).read_bytes()
    path = jpeg("a.jpg", pixels("uint8"), exif=b"Exif\0\0" + b"II*\0\x08\0\0\0\0\0\0\0" + thumbnail)
    content = path.read_bytes()
    assert read_header(path).height == 61
    path.write_bytes(content[:-300])
    with pytest.raises(Refusal, match="is truncated"):
        read_header(path)


def test_bit_flips_in_a_png_are_refused_when_read(pixels, png):
    path = png("a.png", pixels())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)
    with pytest.raises(Refusal, match=r"a\.png: damaged PNG"):
        read_rows(read_header(path), 0, 61)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}], ids=str)
def test_damage_that_the_decoder_would_pass_over_is_refused(options, tmp_path):
    """Of spoiled files that libjpeg decodes nearly all are told by its warnings; the rest are lawful pictures."""
    smooth = np.cumsum(np.random.default_rng(2).integers(-3, 4, (160, 200, 3)), axis=1).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=92, **options)
    content = (tmp_path / "a.jpg").read_bytes()
    refused = decoded = 0
    for place in range(len(content) // 4, len(content) - 700, len(content) // 40):
        spoiled = content[:place] + bytes(600) + content[place + 600 :]
        try:
            imagecodecs.jpeg8_decode(spoiled)
        except imagecodecs.Jpeg8Error:
            continue
        decoded += 1
        (tmp_path / "b.jpg").write_bytes(spoiled)
        try:
            read_rows(read_header(tmp_path / "b.jpg"), 0, 1)
        except Refusal as refusal:
            assert "b.jpg: damaged JPEG: " in str(refusal)  # noqa: PT017
            refused += 1
    assert decoded >= 10
    assert refused >= 0.7 * decoded


@pytest.mark.parametrize("factor", ["411", "420", "422", "440", "444"])
def test_any_ratio_of_colour_planes_is_read(factor, pixels, planes, tmp_path):
    import cv2

    option = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{factor}")
    assert cv2.imwrite(str(tmp_path / "a.jpg"), pixels("uint8"), [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, option])
    with Image.open(tmp_path / "a.jpg") as image:
        assert np.array_equal(read_rows(read_header(tmp_path / "a.jpg"), 0, 61), planes(np.asarray(image)))


def test_the_frame_is_decoded_once_however_many_bands_are_read(pixels, planes, png, monkeypatch):
    calls = []
    decode = imagecodecs.png_decode
    monkeypatch.setattr(imagecodecs, "png_decode", lambda data: calls.append(1) or decode(data))
    image = pixels()
    header = read_header(png("a.png", image))
    assert (header.random_access, header.rows_per_segment) == (False, 61)
    with open_frame(header) as frame:
        bands = [frame.rows(y, min(61, y + 9)) for y in range(0, 61, 9)]
    assert np.array_equal(np.concatenate(bands, 1), planes(image))
    assert len(calls) == 1


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_orientation_tag_is_reported_but_pixels_stay_as_stored(orientation, pixels, jpeg, tiff):
    exif = Image.Exif()
    exif[274] = orientation
    image = pixels("uint8")
    plain, tagged = jpeg("a.jpg", image), jpeg("b.jpg", image, exif=exif)
    assert read_header(tagged).orientation == orientation
    assert np.array_equal(read_rows(read_header(plain), 0, 61), read_rows(read_header(tagged), 0, 61))
    assert read_header(tiff("a.tif", image, extratags=[(274, 3, 1, orientation, True)])).orientation == orientation


def test_an_exif_block_of_garbage_is_no_reason_to_refuse(pixels, jpeg):
    for number, block in enumerate((b"", b"II", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff")):
        assert read_header(jpeg(f"{number}.jpg", pixels("uint8"), exif=b"Exif\0\0" + block)).orientation == 1


def test_png_orientation_is_read_from_its_exif_chunk(raw_png):
    exif = b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 274, 3, 1, 6, 0)
    path = raw_png("a.png", (1, 1, 8, 0, 0, 0, 0), (b"eXIf", exif), (b"IDAT", zlib.compress(b"\0\7")))
    assert read_header(path).orientation == 6
