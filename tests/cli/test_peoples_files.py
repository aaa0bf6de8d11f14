"""People's odd files: a right picture, or a word. Each stack of the shared cases, as its list says what is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from program import Ended, run

from imfuse_tiles.imageio.reading.profiles import gamma_profile

STACKS = "cases/stacks"


@pytest.fixture
def fuse(shared: Path, tmp_path: Path):
    """Fuse the stack of a case to a file, with further words if any."""

    def start(case: str, *words: object, result: str = "result.tif") -> Ended:
        folder = shared / STACKS / case
        if not folder.is_dir():
            pytest.skip(f"{folder} is not there")
        store, target = tmp_path / "store", tmp_path / result
        return run("fuse", "--preset=default", "--store", store, "-o", target, *words, *sorted(folder.iterdir()))

    return start


@pytest.fixture
def truth(shared: Path):
    """The scene without any blur, (y, x, 3) in 0..1."""
    names: dict[str, object] = {}
    exec(compile((shared / "cases/scene.py").read_text(), "scene.py", "exec"), names)
    return names["truth"]()[0]  # type: ignore[operator]


def picture(path: Path) -> np.ndarray:
    """A result in 0..1."""
    samples = tifffile.imread(path)
    return samples / np.iinfo(samples.dtype).max


def is_like(path: Path, truth: np.ndarray, error: float = 0.07) -> bool:
    """Whether a result shows the scene, in colours or in grey."""
    samples = picture(path)
    wanted = truth if samples.ndim == 3 else truth.mean(-1)
    return samples.shape == wanted.shape and float(np.abs(samples - wanted).mean()) < error


@pytest.mark.parametrize("case", ["imagej_one_directory", "slide_with_focal_planes"])
def test_planes_of_one_file_are_fused_and_counted(case, fuse, truth, tmp_path):
    ended = fuse(case)
    assert ended.code == 0
    assert "note: " in ended.err
    assert "5 frames of its" in ended.err
    assert is_like(tmp_path / "result.tif", truth)


@pytest.mark.parametrize("case", ["raw_with_untagged_thumbnail", "cr2_like"])
def test_raw_files_are_refused_as_such(case, fuse):
    ended = fuse(case)
    assert ended.code == 2
    assert "is a camera raw file" in ended.line
    assert "develop it to TIFF first" in ended.line


def test_a_strip_without_its_length_is_read(fuse, truth, tmp_path):
    assert fuse("strip_counts_zero").code == 0
    assert is_like(tmp_path / "result.tif", truth)


def test_spoiled_data_are_refused_by_name(fuse, tmp_path):
    ended = fuse("jpeg_spoiled_inside")
    assert ended.code == 2
    assert "f2.jpg: damaged JPEG" in ended.line
    assert not (tmp_path / "result.tif").exists()


def depth_by_columns(path: Path) -> np.ndarray:
    """The mean depth value of the left, middle and right third of a grey depth map."""
    depth = picture(path)
    depth = depth if depth.ndim == 2 else depth[..., 0]
    return np.array([part.mean() for part in np.array_split(depth, 3, axis=1)])


@pytest.mark.parametrize("words", [(), ("--order=given",)])
def test_a_counter_that_rolls_over_is_noticed(words, fuse, tmp_path, shared):
    folder = shared / STACKS / "counter_rolls_over"
    paths = [folder / f"DSC_{number}.png" for number in ("9997", "9998", "9999", "0001", "0002")]
    result = tmp_path / "result.tif"
    ended = run("fuse", "--preset=default", "-X", "--store", tmp_path / "store", "-o", result, *words, *paths)
    assert ended.code == 0
    assert ("began again" in ended.err) == (not words)
    left, _, right = depth_by_columns(tmp_path / "result.depth.tif")
    assert left > right


def test_results_among_frames_are_left_out(shared, tmp_path):
    for path in sorted((shared / STACKS / "result_among_frames").iterdir()):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for name, preset in (("result.tif", "default"), ("second.tif", "enfuse")):
        images = sorted(tmp_path.glob("*.tif"))
        words = ("fuse", "--preset", preset, "--report", tmp_path / "report.json", "--store", tmp_path / "store")
        ended = run(*words, "-o", tmp_path / name, *images)
        assert ended.code == 0
    assert "result.tif: is a result of this program and left out" in ended.err
    shown = run("plan", "--preset=default", *sorted(tmp_path.glob("*.tif")))
    assert shown.out.startswith("5 slices of 160 x 120")
    assert f"front {tmp_path / 'f0.tif'}, back {tmp_path / 'f4.tif'}" in shown.out


def profile_of(path: Path) -> bytes | None:
    with Image.open(path) as image:
        return image.info.get("icc_profile")


@pytest.mark.parametrize("ending", ["tif", "png"])
def test_one_profile_is_carried_into_the_result(ending, fuse, tmp_path, shared):
    assert fuse("icc_all_wide", result=f"result.{ending}").code == 0
    assert profile_of(tmp_path / f"result.{ending}") == profile_of(shared / STACKS / "icc_all_wide/f0.jpg")
    assert fuse("icc_all_wide", "--no-metadata", result=f"again.{ending}").code == 0
    assert profile_of(tmp_path / f"again.{ending}") is not None


def test_several_profiles_become_one(fuse, truth, tmp_path):
    ended = fuse("icc_mixed")
    assert ended.code == 0
    assert "f1.png and 1 more: colours of the profile Wide test space are converted" in ended.err
    assert is_like(tmp_path / "result.tif", truth, 0.04)


@pytest.mark.parametrize("case", ["orientation_all", "orientation_baked_in_one"])
def test_the_result_is_upright(case, fuse, truth, tmp_path):
    assert fuse(case).code == 0
    with Image.open(tmp_path / "result.tif") as image:
        assert image.getexif().get(274, 1) == 1
    assert is_like(tmp_path / "result.tif", truth)


def test_linear_frames_make_a_linear_result(fuse, tmp_path):
    assert fuse("png_linear_gamma").code == 0
    assert profile_of(tmp_path / "result.tif") == gamma_profile(1.0, grey=False)


@pytest.mark.parametrize("ending", ["tif", "png", "jpg"])
def test_the_cameras_tags_are_carried_unless_they_are_not_wanted(ending, tmp_path):
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", "EOS R5"
    exif.get_ifd(0x8769)[34855] = 100
    pixels = np.random.default_rng(1).integers(0, 255, (3, 64, 80, 3), np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"f{number}.jpg", exif=exif)
    images = sorted(tmp_path.glob("f*.jpg"))
    for name, words in (("with", ()), ("without", ("--no-metadata",))):
        result = tmp_path / f"{name}.{ending}"
        assert run("fuse", "--bg=mean", *words, "--store", tmp_path / "store", "-o", result, *images).code == 0
        with Image.open(result) as image:
            found = image.getexif()
            tags = found.get(271), found.get(272), found.get_ifd(0x8769).get(34855)
        assert tags == (("Canon", "EOS R5", 100) if name == "with" else (None, None, None))


def test_an_ome_tiff_is_one(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 20), np.uint8))
    ended = run("fuse", "--bg=mean", "--store", tmp_path / "store", "-o", tmp_path / "x.ome.tif", tmp_path / "a.tif")
    assert ended.code == 0
    with tifffile.TiffFile(tmp_path / "x.ome.tif") as file:
        assert file.is_ome


def test_highlights_on_a_dark_background_have_no_rings(shared, tmp_path):
    frames = sorted((shared / STACKS / "halo_dark_background").iterdir())
    ended = run("fuse", "--store", tmp_path / "store", "-o", tmp_path / "r.tif", *frames)
    assert ended.code == 0
    with Image.open(frames[0]) as sharp:
        error = np.abs(picture(tmp_path / "r.tif") - np.asarray(sharp) / 255)
    assert error.mean() < 0.004  # the frame in focus and its noise; 0.0066 for another take of it


def test_a_result_that_shows_nothing_is_an_error_each_time(tmp_path):
    for name in "ab":
        tifffile.imwrite(tmp_path / f"{name}.tif", np.full((40, 50), 90, np.uint8))
    for words in (["-o", tmp_path / "r.tif"], ["-B"], ["-B"]):
        ended = run("fuse", "--wavelet", "--store", tmp_path / "store", *words, *tmp_path.glob("?.tif"), cwd=tmp_path)
        assert ended.code == 6
        assert "the result is transparent everywhere" in ended.line


def test_a_range_beyond_1_is_said_and_scaled(fuse, truth, tmp_path):
    ended = fuse("float_to_65535")
    assert ended.code == 0
    assert "65535 is taken as white" in ended.err
    assert is_like(tmp_path / "result.tif", truth)
    again = fuse("float_to_65535", "--white=131070", result="dark.tif")
    assert (again.code, "taken as white" in again.err) == (0, False)
    assert is_like(tmp_path / "dark.tif", truth / 2)


def test_exposure_that_jumps_is_said(fuse):
    ended = fuse("exposure_drifts")
    assert ended.code == 0
    assert "note: brightness differs by 60 % between frames, most from" in ended.err


def test_twelve_bits_in_sixteen_are_said(tmp_path):
    codes = np.random.default_rng(1).integers(0, 4096, (3, 64, 80), np.uint16)
    for number, image in enumerate(codes):
        tifffile.imwrite(tmp_path / f"f{number}.tif", image)
    for white in ("", "--white=4095"):
        words = ["fuse", "--bg=max", *filter(None, [white]), "--store", tmp_path / "store", "--force"]
        ended = run(*words, "-o", tmp_path / "r.tif", *sorted(tmp_path.glob("f*.tif")))
        assert ended.code == 0
        assert ("--white=4095 takes 4095 as white" in ended.err) == (not white)
        assert picture(tmp_path / "r.tif").max() == pytest.approx(1 if white else 1 / 16, rel=0.01)


def test_unknown_depth_is_not_the_back(fuse, tmp_path):
    assert fuse("depth_of_weak_front", "-X").code == 0
    depth, opacity = np.moveaxis(picture(tmp_path / "result.depth.tif"), -1, 0)
    y, x = np.mgrid[:120, :160]
    disc = (x - 64) ** 2 + (y - 60) ** 2 < 30**2
    unknown = opacity == 0
    assert unknown[disc].mean() > 0.5  # the disc is out of focus in all frames but the first, and faint in that
    known = disc & (opacity > 0.05)
    assert np.abs(depth[known] - 0.8).mean() < 0.05
    assert not unknown[(depth == 0) & (x > 145)].all()  # the back itself is there


def test_transparent_margins_are_no_picture(fuse, truth, tmp_path):
    ended = fuse("alpha_aligned", "-X")
    assert ended.code == 0
    assert "frames have transparent parts, which are no picture" in ended.err
    assert is_like(tmp_path / "result.tif", truth)
    error = picture(tmp_path / "result.tif") - truth
    for border in (error[:, -6:], error[:, -20:-14], error[:6], error[8:14]):
        assert abs(border.mean()) < 0.03  # blurred at the very border, but no black staircase
