"""Every damaged or odd file is refused from its header, by name, in one line, wherever it is in the stack."""

from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from corpus import BAD, IMAGE8, tiff

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import check_stack, natural_order, open_frame, read_header, read_rows


@pytest.mark.parametrize("position", [0, 1, 2], ids=["first", "middle", "last"])
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_by_name_before_any_pixel_is_decoded(kind, position, tmp_path, monkeypatch):
    make, reason = BAD[kind]
    for number in range(3):
        write = make if number == position else tiff
        write(tmp_path / f"f{number}.tif")
    for codec in ("png_decode", "jpeg8_decode", "jpeg_decode", "lzw_decode", "zlib_decode"):
        monkeypatch.setattr(imagecodecs, codec, None)
    with pytest.raises(Refusal, match=reason) as refusal:
        check_stack([read_header(tmp_path / f"f{number}.tif") for number in range(3)])
    message = str(refusal.value)
    assert message.startswith(str(tmp_path / f"f{position}.tif: "))
    assert "\n" not in message
    assert refusal.value.code == 2


def test_a_file_without_permission_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    tiff(path)

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(Refusal, match=r"a\.tif: permission denied"):
        read_header(path)


def test_a_name_with_control_characters_stays_one_harmless_line(tmp_path):
    with pytest.raises(Refusal) as refusal:
        read_header(tmp_path / "a\n\x1b[31m.tif")
    assert str(refusal.value).isprintable()


def test_a_file_changed_after_its_header_was_read_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tiff(path)
    header = read_header(path)
    tiff(path, IMAGE8)
    with pytest.raises(Refusal, match=r"a\.tif: was changed while in use"), open_frame(header):
        pass
    path.unlink()
    with pytest.raises(Refusal, match=r"a\.tif: no such file"):
        read_rows(header, 0, 1)


@pytest.mark.parametrize("compression", ["deflate", "lzma"])
def test_damaged_strips_are_refused_when_read(compression, tmp_path):
    path = tmp_path / "a.tif"
    tiff(path, compression=compression, rowsperstrip=61)
    header = read_header(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    with pytest.raises(Refusal, match=r"a\.tif: damaged TIFF"):
        read_rows(read_header(path), 0, header.height)


def test_rows_outside_the_frame_are_a_mistake_of_the_caller(tmp_path):
    tiff(tmp_path / "a.tif")
    header = read_header(tmp_path / "a.tif")
    for y0, y1 in ((-1, 3), (3, 3), (5, 4), (0, 62)):
        with pytest.raises(ValueError, match="of a frame of height 61"):
            read_rows(header, y0, y1)


def test_mutated_headers_are_read_or_refused_and_nothing_else(tmp_path):
    random = np.random.default_rng(11)
    seeds = []
    for number, options in enumerate(
        ({"rowsperstrip": 8}, {"tile": (16, 16), "compression": "lzw"}, {"bigtiff": True})
    ):
        tiff(tmp_path / f"{number}", IMAGE8, **options)
        seeds.append((tmp_path / f"{number}").read_bytes())
    seeds += [imagecodecs.png_encode(IMAGE8), imagecodecs.jpeg8_encode(IMAGE8)]
    path = tmp_path / "mutated"
    for _ in range(400):
        content = bytearray(seeds[random.integers(len(seeds))])
        for place in random.integers(0, 350, random.integers(1, 6)):
            content[place] = random.integers(256)
        path.write_bytes(content)
        with suppress(Refusal):
            read_rows(read_header(path), 0, 1)


def test_natural_order_and_headers_work_together(tmp_path):
    for number in (10, 9):
        tiff(tmp_path / f"f{number}.tif")
    check_stack([read_header(path) for path in natural_order(tmp_path.iterdir())])
