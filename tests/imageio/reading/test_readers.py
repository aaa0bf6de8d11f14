"""Readers of further formats, by files that their own libraries write; where none writes one, it is put together here.

DNG files are put together by their layout, as LIF and ND2 files are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from hyperstacks import STACK, samples
from microscope_files import czi_file, lif
from nd2_layout import write_nd2
from PIL import Image

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading import formats, read_header, read_rows
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.reading.profiles import gamma_profile
from imfuse_tiles.imageio.size_metadata import read_physical_size

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "imageio.reading.avif",
    "imageio.reading.boxes",
    "imageio.reading.exif_tags",
    "imageio.reading.heif",
    "imageio.reading.jpeg2000",
    "imageio.reading.raw_pictures",
    "imageio.reading.webp",
    "imageio.reading.whole_frame",
)

IMAGE = np.random.default_rng(6).integers(0, 65535, (40, 60, 4), np.uint16)


def pixels(path: Path) -> np.ndarray:
    """The colours of the only frame, (rows, columns, planes)."""
    header = read_header(path)
    return np.moveaxis(read_rows(header, 0, header.height), 0, -1)


ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "jxl": lambda image: imagecodecs.jpegxl_encode(image, lossless=True),
    "jp2": lambda image: imagecodecs.jpeg2k_encode(image, level=0, reversible=True),
    "j2k": lambda image: imagecodecs.jpeg2k_encode(image, level=0, reversible=True, codecformat="j2k"),
    "webp": lambda image: imagecodecs.webp_encode(image, lossless=True),
}


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("ending", ENCODERS)
def test_pictures_without_loss_are_read_as_they_were(ending: str, bits: int, planes: int, tmp_path: Path) -> None:
    if ending == "webp" and (bits == 16 or planes < 3):
        pytest.skip("WebP has 8 bits and colours only")
    image = np.ascontiguousarray(IMAGE[..., :planes] if bits == 16 else (IMAGE[..., :planes] >> 8).astype(np.uint8))
    path = tmp_path / f"a.{ending}"
    path.write_bytes(ENCODERS[ending](image))
    header = read_header(path)
    assert (header.height, header.width, header.has_alpha) == (40, 60, planes in (2, 4))
    assert np.array_equal(pixels(path), image[..., : header.channels])


def test_floating_point_samples_of_jpeg_xl(tmp_path: Path) -> None:
    image = (IMAGE[..., :3] / 65535).astype(np.float32)
    (tmp_path / "a.jxl").write_bytes(ENCODERS["jxl"](image))
    assert np.array_equal(pixels(tmp_path / "a.jxl"), image)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "RGB;16"])
def test_heif_pictures_are_read(mode: str, tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    y, x = np.mgrid[:64, :80]
    planes = {"L": 1, "RGBA": 4}.get(mode, 3)
    smooth = np.stack([np.sin(x / 20 + part) * np.cos(y / 15) for part in range(planes)], -1) * 0.4 + 0.5
    full = 65535 if mode.endswith("16") else 255
    image = (smooth * full).astype(np.uint16 if full > 255 else np.uint8)
    pillow_heif.from_bytes(mode, (80, 64), image.tobytes()).save(tmp_path / "a.heic", quality=-1)
    found = pixels(tmp_path / "a.heic") / full
    assert np.abs(found - smooth[..., : found.shape[-1]]).mean() < 0.02
    assert read_header(tmp_path / "a.heic").has_alpha == (mode == "RGBA")


@pytest.mark.parametrize("ending", ["webp", "heic", "avif"])
def test_the_cameras_tags_and_the_profile_are_read(ending: str, tmp_path: Path) -> None:
    exif, profile = Image.Exif(), gamma_profile(1.8, grey=False)
    exif[271], exif[274] = "Maker", 1 if ending == "heic" else 6
    image = Image.fromarray((IMAGE[..., :3] >> 8).astype(np.uint8))
    if ending == "heic":
        pillow_heif.register_heif_opener()
    image.save(tmp_path / f"a.{ending}", "heif" if ending == "heic" else None, exif=exif.tobytes(), icc_profile=profile)
    tags = read_tags(tmp_path / f"a.{ending}")
    assert (tags.main[271].data, tags.profile) == (b"Maker\0", profile)
    assert read_header(tmp_path / f"a.{ending}").orientation == (1 if ending == "heic" else 6)


def test_an_animation_is_refused(tmp_path: Path) -> None:
    first, second = (Image.fromarray((IMAGE[..., part] >> 8).astype(np.uint8)).convert("RGB") for part in (0, 1))
    first.save(tmp_path / "a.webp", save_all=True, append_images=[second])
    with pytest.raises(Refusal, match="is an animated WebP"):
        read_header(tmp_path / "a.webp")


@pytest.mark.parametrize("part", [0.001, 0.02, 0.5, 0.95])
@pytest.mark.parametrize("ending", [*ENCODERS, "avif", "heic", "czi", "lif", "dng"])
def test_files_that_end_early_are_refused(ending: str, part: float, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    written(path)
    content = path.read_bytes()
    path.write_bytes(content[: max(20, int(len(content) * part))])
    with pytest.raises(Refusal, match=rf"a\.{ending}: "):
        samples(path)


def written(path: Path) -> None:
    """A file of the format that its ending tells."""
    image = np.ascontiguousarray(IMAGE[..., :3] >> 8).astype(np.uint8)
    ending = path.suffix[1:]
    if ending in ENCODERS:
        path.write_bytes(ENCODERS[ending](image))
    elif ending == "avif":
        path.write_bytes(imagecodecs.avif_encode(image))
    elif ending == "heic":
        pillow_heif.from_bytes("RGB", (60, 40), image.tobytes()).save(path)
    elif ending == "czi":
        czi_file(path, STACK[:1, :1])
    elif ending == "nd2":
        write_nd2(path, STACK[:1, None, 0, :2, None], ("a",), pixel=0.1, step=0.5)
    elif ending == "dng":
        dng(path)
    else:
        lif(path, STACK[:1, :1])


def dng(path: Path, neutral: tuple[float, float, float] = (0.5, 1.0, 0.6), light: float = 1.0) -> None:
    """A raw file: a smooth grey scene behind a colour filter. ``neutral``: what the camera takes for grey."""

    def ratios(values: tuple[float, ...]) -> tuple[int, ...]:
        return tuple(part for value in values for part in (round(value * 10000), 10000))

    y, x = np.mgrid[:64, :96]
    scene = light * (0.3 + 0.1 * np.sin(x / 15) * np.cos(y / 11))
    filters = np.array([[0.5, 1.0], [1.0, 0.6]])[y % 2, x % 2]
    matrix = (0.9, -0.3, -0.1, -0.4, 1.2, 0.2, -0.1, 0.2, 0.6)
    tags = [
        (50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "Maker Model", True), (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True), (50710, "B", 3, (0, 1, 2), True), (50711, "H", 1, 1, True),
        (50714, "H", 1, 512, True), (50717, "H", 1, 16383, True), (50721, "2i", 9, ratios(matrix), True),
        (50728, "2I", 3, ratios(neutral), True), (50778, "H", 1, 21, True), (271, "s", 0, "Maker", True),
        (272, "s", 0, "Model", True),
    ]  # fmt: skip
    sensor = (512 + (16383 - 512) * scene * filters).astype(np.uint16)
    tifffile.imwrite(path, sensor, photometric=32803, metadata=None, extratags=tags)


def test_raw_files_are_developed_in_one_white_balance_and_without_automatic_brightness(tmp_path: Path) -> None:
    for number, (neutral, light) in enumerate((((0.5, 1.0, 0.6), 1.0), ((0.6, 1.0, 0.5), 1.0), ((0.5, 1, 0.6), 0.5))):
        dng(tmp_path / f"f{number}.dng", neutral, light)
    stack = open_stack([tmp_path])
    assert stack.notices[0].startswith("raw files are developed with the white balance of")
    first, second, third = (read_rows(header, 0, 64) for header in stack.headers)
    assert (first.shape, first.dtype) == ((3, 64, 96), np.uint16)
    assert np.array_equal(first, second)
    grey = first[:, 4:-4, 4:-4].astype(float).mean((1, 2))
    assert np.ptp(grey) < 0.1 * grey.mean()

    def light_of(planes: np.ndarray) -> float:
        return float((planes[1, 4:-4, 4:-4] / 65535).mean() ** 2.2)

    assert light_of(third) / light_of(first) == pytest.approx(0.5, rel=0.15)
    assert stack.tags.main[271].data == b"Maker\0"
    assert open_stack([tmp_path], revert=True).headers[0].white_balance == stack.headers[2].white_balance


@pytest.mark.parametrize(("ending", "extra"), [("heic", "heif"), ("czi", "czi"), ("lif", "lif"), ("dng", "raw")])
def test_a_missing_reader_is_named(ending: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / f"a.{ending}")
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    with pytest.raises(Refusal, match=rf"pip install 'imfuse-tiles\[{extra}\]'"):
        open_stack([tmp_path / f"a.{ending}"])


def test_the_extras_are_those_of_the_project() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    extras = {kind.extra for kind in formats.FORMATS.values() if kind.extra}
    assert extras <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("planes", [1, 3, 4])
def test_avif_pictures_are_read_with_all_their_bits(planes: int, bits: int, tmp_path: Path) -> None:
    y, x = np.mgrid[:64, :80]
    smooth = np.stack([np.sin(x / 20 + part) * np.cos(y / 15) for part in range(planes)], -1) * 0.4 + 0.5
    image = (smooth * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16).squeeze()
    (tmp_path / "a.avif").write_bytes(imagecodecs.avif_encode(image, level=100, bitspersample=bits))
    header = read_header(tmp_path / "a.avif")
    assert (header.dtype, header.has_alpha) == ("uint8" if bits == 8 else "uint16", planes == 4)
    found = pixels(tmp_path / "a.avif") / (255 if bits == 8 else 65535)
    assert np.abs(found - smooth[..., : found.shape[-1]]).max() < 2.0 / 2**bits + 0.004


def test_an_animated_or_unknown_avif_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (Image.fromarray((IMAGE[..., part] >> 8).astype(np.uint8)) for part in (0, 1))
    first.save(tmp_path / "a.avif", save_all=True, append_images=[second])
    with pytest.raises(Refusal, match="is an animated AVIF"):
        read_header(tmp_path / "a.avif")
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    with pytest.raises(Refusal, match=r"needs Pillow 11\.3 or later"):
        read_header(tmp_path / "a.avif")


@pytest.mark.parametrize("ending", ["webp", "heic", "avif"])
def test_the_size_of_a_pixel_in_exif(ending: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = 20000.0, 25000.0, 3
    pillow_heif.register_heif_opener()
    image = Image.fromarray((IMAGE[..., :3] >> 8).astype(np.uint8))
    image.save(tmp_path / f"a.{ending}", "heif" if ending == "heic" else None, exif=exif.tobytes())
    assert read_physical_size(tmp_path / f"a.{ending}") == PhysicalSize(0.5, 0.4)
