"""A result is complete or absent, and nothing is overwritten without being asked to."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.imageio.writing import Picture, check_target, file_format, format_of, write_picture
from imfuse_tiles.imageio.writing.target import check_folder, translate_failed_seeks

#: Modules without a test file of their own name.
TESTED_MODULES = ("execution.export", "imageio.writing.files")

PICTURE = Picture(40, 30, 3, "uint8")
IMAGE = np.full((40, 30, 3), 7, np.uint8)
NAMES = ["a.tif", "a.png", "a.jpg"]


def failing_bands(error):
    yield IMAGE[:10]
    raise error


@pytest.mark.parametrize("name", NAMES)
def test_only_the_result_is_left_in_the_folder(name, tmp_path):
    write_picture(tmp_path / name, PICTURE, [IMAGE])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("mode", ["w+b", "wb"])
def test_a_seek_that_fails_is_an_error_of_the_disk(mode, tmp_path):
    path, (_, end) = tmp_path / "result", os.pipe()
    with pytest.raises(OSError, match="result") as error, translate_failed_seeks(path), open(end, mode) as pipe:
        tifffile.TiffWriter(pipe)
    assert error.value.errno == errno.EIO


@pytest.mark.parametrize("name", NAMES)
def test_an_existing_file_is_kept_unless_forced(name, tmp_path):
    path = tmp_path / name
    path.write_text("precious")
    with pytest.raises(AlreadyExists, match=rf"{name}: exists already") as refusal:
        write_picture(path, PICTURE, [IMAGE])
    assert (path.read_text(), refusal.value.code) == ("precious", 3)
    write_picture(path, PICTURE, [IMAGE], force=True)
    assert path.stat().st_size > 100


@pytest.mark.parametrize("error", [ValueError("bad"), OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", NAMES)
def test_an_error_half_way_leaves_nothing_and_spoils_nothing(name, error, tmp_path):
    path = tmp_path / name
    with pytest.raises(type(error)):
        write_picture(path, PICTURE, failing_bands(error))
    assert not list(tmp_path.iterdir())
    path.write_text("precious")
    with pytest.raises(type(error)):
        write_picture(path, PICTURE, failing_bands(error), force=True)
    assert (path.read_text(), len(list(tmp_path.iterdir()))) == ("precious", 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", [0, 39, 41])
def test_too_few_or_too_many_rows_write_nothing(name, workers, count, tmp_path):
    with pytest.raises(ValueError, match="rows"):
        write_picture(tmp_path / name, PICTURE, [np.zeros((count, 30, 3), np.uint8)], workers=workers)
    assert not list(tmp_path.iterdir())


def test_a_file_that_appears_while_writing_is_kept(tmp_path):
    path = tmp_path / "a.tif"

    def bands():
        path.write_text("precious")
        yield IMAGE

    with pytest.raises(AlreadyExists):
        write_picture(path, PICTURE, bands())
    assert (path.read_text(), len(list(tmp_path.iterdir()))) == ("precious", 1)


def test_what_a_killed_run_left_is_removed_but_not_what_a_running_one_writes(tmp_path):
    script = (
        "import sys, time, numpy as np\n"
        "from imfuse_tiles.imageio.writing import Picture, write_picture\n"
        "def bands():\n"
        "    yield np.zeros((9, 30, 3), 'u1')\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
        "write_picture(sys.argv[1], Picture(40, 30, 3, 'uint8'), bands())\n"
    )
    path = tmp_path / "a.tif"
    run = subprocess.Popen(
        [sys.executable, "-c", script, path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "writing\n"
    left = list(tmp_path.glob(".a.tif.partial-*"))
    write_picture(path, PICTURE, [IMAGE])
    assert left[0].exists()
    run.kill()
    run.communicate()
    write_picture(path, PICTURE, [IMAGE], force=True)
    assert [found.name for found in tmp_path.iterdir()] == ["a.tif"]


def test_names_up_to_the_limit_of_the_file_system_are_possible(tmp_path):
    for name in ("x" * 251 + ".tif", "ü" * 125 + ".tif"):
        write_picture(tmp_path / name, PICTURE, [IMAGE])
        assert (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("A.TIF", "tiff"),
        ("a.b.tiff", "tiff"),
        ("a.png", "png"),
        ("a.JPeG", "jpeg"),
        ("a.OME.tif", "ome-tiff"),
        ("a.ome.zarr", "ome-zarr"),
        ("a.zarr", "ome-zarr"),
        ("a.jxl", "jxl"),
        ("a.dzi", "dzi"),
    ],
)
def test_the_ending_names_the_format(name, kind):
    assert file_format(name) == kind


@pytest.mark.parametrize("name", ["a", "a.gif", ".tif", "a.tif.gz"])
def test_other_endings_are_refused_with_what_is_allowed(name):
    with pytest.raises(Refusal, match=r"unknown file ending '.*'; allowed: \.tif \.tiff \.btf \.png \.jpg"):
        file_format(name)


def test_a_folder_is_no_name_of_a_file(tmp_path):
    with pytest.raises(Refusal, match=r"is a folder; name a file in it, such as .*result\.tif"):
        file_format(str(tmp_path))


MEMORY = 512 << 20
REFUSED = {
    "no such directory": ("missing/a.tif", PICTURE),
    "is a directory": ("folder.tif", PICTURE),
    "JPEG holds no transparency; use .tif or .png": ("a.jpg", Picture(4, 4, 4, "uint8")),
    "JPEG holds no floating-point samples; use .tif": ("a.jpg", Picture(4, 4, 3, "float32")),
    "PNG holds no floating-point samples; use .tif": ("a.png", Picture(4, 4, 1, "float32")),
    "but JPEG holds 65500 a side": ("a.jpg", Picture(65501, 4, 3, "uint8")),
    "JPEG XL needs 560 MiB, more than 512 MiB": ("a.jxl", Picture(4000, 3500, 3, "uint16")),
    "OME-TIFF needs 614 MiB, more than 512 MiB": ("a.ome.tif", Picture(9, 104_900, 4, "uint16")),
    "but PNG holds 1000000 a side": ("a.png", Picture(4, 1_000_001, 3, "uint8")),
    "JPEG needs 17166 MiB, more than 512 MiB": ("a.jpg", Picture(60_000, 50_000, 3, "uint8")),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_written_is_refused_before_any_row_is_asked_for(reason, tmp_path):
    (tmp_path / "folder.tif").mkdir()
    name, described = REFUSED[reason]
    bands = iter([None])
    with pytest.raises(Refusal, match=reason):
        check_target(tmp_path / name, described, memory=MEMORY)
    if not format_of(name).tiled:
        with pytest.raises(Refusal, match=reason):
            write_picture(tmp_path / name, described, bands, memory=MEMORY)
    assert next(bands) is None
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("precious")
    check_folder(tmp_path / "new" / "newer")
    check_folder(tmp_path)
    with pytest.raises(Refusal, match="file is no directory"):
        check_folder(tmp_path / "file" / "folder")
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs this may write everywhere
    with pytest.raises(Refusal, match=f"the directory {tmp_path} is not writable"):
        check_folder(tmp_path / "new")
    assert not (tmp_path / "new").exists()
