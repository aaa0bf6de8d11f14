"""All frames of a stack must agree; its digest changes with the sources and with nothing else."""

import os
import shutil
from dataclasses import replace

import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import check_stack, read_header, source_digest


@pytest.fixture
def header(pixels, tiff):
    return read_header(tiff("f0.tif", pixels()))


DIFFERENCES = {
    "width": ({"width": 84}, "is 84 x 61 pixels, not 83 x 61 like the other 4 frames"),
    "height": ({"height": 60}, "is 83 x 60 pixels, not 83 x 61"),
    "turned": ({"height": 83, "width": 61}, "is 61 x 83 pixels, not 83 x 61"),
    "grey": ({"channels": 1}, "is grey, not RGB like"),
    "8 bits": ({"dtype": "uint8"}, "has 8-bit samples, not 16-bit"),
    "floats": ({"dtype": "float32"}, "has floating-point samples, not 16-bit"),
}


@pytest.mark.parametrize("position", [1, 2, 4])
@pytest.mark.parametrize("kind", DIFFERENCES)
def test_the_first_frame_that_differs_is_named_with_the_difference(kind, position, header):
    change, reason = DIFFERENCES[kind]
    stack = [replace(header, path=header.path.with_name(f"f{number}.tif")) for number in range(5)]
    stack[position] = replace(stack[position], **change)
    with pytest.raises(Refusal, match=f"f{position}.tif: {reason}"):
        check_stack(stack)


@pytest.mark.parametrize("kind", ["width", "grey", "floats"])
def test_the_first_frame_is_named_if_it_is_the_odd_one(kind, header):
    change, reason = DIFFERENCES[kind][0], {"width": "is 84 x 61 pixels, not 83 x 61", "grey": "is grey, not RGB",
                                            "floats": "has floating-point samples, not 16-bit"}[kind]  # fmt: skip
    stack = [replace(header, path=header.path.with_name(f"f{number}.tif")) for number in range(5)]
    stack[0] = replace(stack[0], **change)
    with pytest.raises(Refusal, match=f"f0.tif: {reason} like the other 4 frames; all frames must agree"):
        check_stack(stack)


def test_formats_and_alpha_may_be_mixed(header, pixels, png, tiff):
    check_stack([header, read_header(png("a.png", pixels())), read_header(tiff("b.tif", pixels(samples=4)))])


def test_no_frames_are_no_stack():
    with pytest.raises(Refusal, match="no images"):
        check_stack([])


def test_a_copy_elsewhere_with_the_same_time_has_another_digest(header, tmp_path):
    digest = source_digest([header])
    (tmp_path / "elsewhere").mkdir()
    copied = tmp_path / "elsewhere" / "f0.tif"
    shutil.copy2(header.path, copied)
    assert source_digest([read_header(copied)]) != digest
    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")


def test_new_content_under_the_old_name_size_and_time_has_another_digest(header):
    before, state = source_digest([header]), header.path.stat()
    header.path.write_bytes(header.path.read_bytes()[:-1] + b"!")
    os.utime(header.path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert read_header(header.path).mtime_ns == header.mtime_ns
    assert source_digest([read_header(header.path)]) != before


def test_a_frame_given_twice_is_refused(header):
    around = header.path.parent / ".." / header.path.parent.name / "f0.tif"
    with pytest.raises(Refusal, match=r"f0\.tif: is given twice"):
        check_stack([header, replace(header, path=around)])


def test_the_digest_changes_with_time_size_name_and_order(header):
    other = replace(header, path=header.path.with_name("f1.tif"))
    digests = [source_digest(stack) for stack in ([header], [other], [header, other], [other, header])]
    digests += [source_digest([replace(header, size=1)]), source_digest([replace(header, mtime_ns=1)])]
    assert len(set(digests)) == 6


def test_names_that_are_not_unicode_have_a_digest(header):
    assert source_digest([replace(header, path=header.path.with_name(os.fsdecode(b"\xff.tif")))])
