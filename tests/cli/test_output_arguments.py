"""What is said on the command line about the files that are written."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from stacks import frames, written

from imfuse_tiles.cli.argument_parser import Parser
from imfuse_tiles.cli.main import main
from imfuse_tiles.cli.output_arguments import add_output_options, size_from_args
from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.physical_size import PhysicalSize


def parsed(*words: str):
    parser = Parser()
    add_output_options(parser)
    return parser.parse_args(words)


def test_what_is_said_goes_before_what_is_known():
    known = PhysicalSize(1, 2, 3, (300, 300))
    assert size_from_args(parsed(), known) == known
    assert size_from_args(parsed("--pixel-size=0.65um"), known) == PhysicalSize(0.65, 0.65, 3, (300, 300))
    assert size_from_args(parsed("--z-step", "2um"), known).z == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--ome-version=0.6"], "allowed is 0.5 or 0.4"), (["--bits=12"], "allowed is 8 or 16")],
)
def test_what_is_not_allowed_is_refused(words, message):
    with pytest.raises(Refusal, match=message):
        parsed(*words)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [str(path) for path in written(tmp_path_factory.mktemp("stack"), frames(2, shape=(90, 700)))]


def fuse(stack: list[str], folder: Path, name: str, *more: str) -> int:
    options = ["--wavelet", "--cutwave", "--bg=mean", "--align=no", "-X", "--store", str(folder / "store")]
    return main(["fuse", *options, "-o", str(folder / name), *more, *stack])


def test_every_format_is_written_once_and_says_what_it_loses(stack, tmp_path, capsys):
    picture = None
    for name in ("a.tif", "a.ome.tif", "a.ome.zarr", "a.jxl", "a.dzi"):
        assert fuse(stack, tmp_path, name, "--pixel-size=0.65um", "--z-step=2um") == 0
        told = capsys.readouterr().err
        assert ("the distance of frames" in told) == (".ome" not in name)
        assert ("16-bit samples" in told) == (name == "a.dzi")
        changed = {path: path.stat().st_mtime_ns for path in tmp_path.glob("a*")}
        assert fuse(stack, tmp_path, name, "--pixel-size=0.65um", "--z-step=2um") == 0  # its notes know it
        assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("a*")} == changed
        capsys.readouterr()
        if name == "a.tif":
            picture = tifffile.imread(tmp_path / name)
    assert np.array_equal(tifffile.imread(tmp_path / "a.ome.tif"), picture)
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert np.array_equal(np.moveaxis(group["0"][:], 0, -1), picture)
    assert group.attrs["ome"]["multiscales"][0]["datasets"][1]["coordinateTransformations"][0]["scale"] == [1, 1.3, 1.3]
    depth, codes = tifffile.imread(tmp_path / "a.depth.ome.tif"), tifffile.imread(tmp_path / "a.depth.tif")
    codes, known = (codes[..., 0], codes[..., 1] > 0) if codes.ndim == 3 else (codes, codes >= 0)
    assert np.allclose(depth[known], codes[known] / 65535 * 2 * 2, atol=1e-4)  # two frames, two micrometres
    assert fuse(stack, tmp_path, "a.ome.zarr") == 3  # of another pixel size
    (tmp_path / "a.ome.zarr/0/c/0/0/0").write_bytes(b"changed")
    assert fuse(stack, tmp_path, "a.ome.zarr", "--pixel-size=0.65um", "--z-step=2um") == 3
    assert fuse(stack, tmp_path, "a.ome.zarr", "--pixel-size=0.65um", "--z-step=2um", "--force") == 0
    assert np.array_equal(np.moveaxis(group["0"][:], 0, -1), picture)


def test_no_length_is_refused_before_anything_is_read(stack, tmp_path, capsys):
    assert fuse(stack, tmp_path, "a.tif", "--pixel-size=big") == 2
    assert "--pixel-size big: no length" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()
