"""No image takes long or much memory beyond its size: not by texts, profiles, tags, pages, scans or tiles."""

from __future__ import annotations

import resource
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import open_frame, read_headers
from imfuse_tiles.imageio.reading.camera_tags import read_tags

#: Seconds of a processor and bytes that any of them may take.
SECONDS, MEMORY = 10, 400 << 20


def png(path: Path, *more: tuple[bytes, bytes]) -> None:
    """A PNG of 48 x 64 pixels with further chunks."""
    raw = bytes(64 * (1 + 48 * 3))
    ihdr = struct.pack(">IIBBBBB", 48, 64, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", ihdr), *more, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
             for name, data in chunks]  # fmt: skip
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def texts(path: Path) -> None:
    """Texts that unpack to a gigabyte."""
    packed = zlib.compress(bytes(7_900_000), 9)
    png(path, *[(b"zTXt", b"k%d\0\0" % number + packed) for number in range(150)])


def profiles(path: Path) -> None:
    packed = zlib.compress(bytes(16 << 20), 9)
    png(path, *[(b"iCCP", b"p\0\0" + packed)] * 300)


def chunks(path: Path) -> None:
    png(path, *[(b"tEXt", b"")] * 400_000)


def tags(path: Path) -> None:
    """Nine hundred tags of EXIF, each with the same 16 MB of numbers in the other order of bytes."""
    sizes = [(256, 3, 1, 4 << 16), (257, 3, 1, 4 << 16), (258, 3, 1, 8 << 16), (259, 3, 1, 1 << 16)]
    main = [*sizes, (262, 3, 1, 1 << 16), (273, 4, 1, 8), (277, 3, 1, 1 << 16), (278, 3, 1, 4 << 16), (279, 4, 1, 16)]
    below = 8 + 2 + 12 * (len(main) + 1) + 4
    values = below + 2 + 12 * 900 + 4
    content = b"MM\0*" + struct.pack(">IH", 8, len(main) + 1)
    content += b"".join(struct.pack(">HHII", *entry) for entry in [*main, (34665, 4, 1, below)]) + bytes(4)
    content += struct.pack(">H", 900)
    content += b"".join(struct.pack(">HHII", 40000 + tag, 3, 8_000_000, values) for tag in range(900)) + bytes(4)
    path.write_bytes(content + bytes((16 << 20) + 5))


def pages(path: Path) -> None:
    with tifffile.TiffWriter(path) as tif:
        for _ in range(3000):
            tif.write(np.zeros((4, 4), np.uint8), metadata=None)


def scans(path: Path) -> None:
    """Twenty million pixels in a few kilobytes, gone through as often as is allowed."""
    Image.new("RGB", (4500, 4500)).save(path, "jpeg", progressive=True)
    content = path.read_bytes()
    last = content.rindex(b"\xff\xda")
    count = content.count(b"\xff\xda")
    path.write_bytes(content[:-2] + content[last:-2] * (50 - count) + content[-2:])


@pytest.mark.parametrize("write", [texts, profiles, chunks, tags, pages, scans])
def test_it_is_read_or_refused_in_time(write, tmp_path: Path) -> None:
    path = tmp_path / "image"
    write(path)
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        stack = open_stack([path])
        with open_frame(stack.headers[0]) as frame:
            frame.rows(0, min(64, stack.frame[0]))
    except Refusal as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017
    assert time.process_time() - began < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < MEMORY


def test_a_czi_that_claims_more_than_it_has_is_refused(tmp_path):
    pytest.importorskip("pylibCZIrw")
    from tests.imageio.reading.test_readers import written

    written(tmp_path / "a.czi")
    content = (tmp_path / "a.czi").read_bytes()
    place = content.index(b"ZISRAWSUBBLOCK\0") + 32
    claims = ((8, 1 << 40, "claims more bytes"), (0, -5, "claims more bytes"), (-16, 1 << 40, "beyond its end"))
    for offset, value, reason in claims:
        spoiled = bytearray(content)
        struct.pack_into("<q" if offset else "<i", spoiled, place + offset, value)
        (tmp_path / "b.czi").write_bytes(spoiled)
        with pytest.raises(Refusal, match=reason):
            read_headers(tmp_path / "b.czi", "any")


def test_tags_of_a_damaged_file_are_refused_in_one_line(tmp_path):
    pytest.importorskip("pillow_heif")
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    with pytest.raises(Refusal, match=r"a\.heic: damaged HEIF"):
        read_tags(tmp_path / "a.heic")
