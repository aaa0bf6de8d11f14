"""The presets that come with the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from stacks import frames, ran, stack_of

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options import config_files
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.recipe import Recipe, check_recipe

NAMES = sorted(config_files.list_presets())


def recipe(name: str) -> Recipe:
    return check_recipe(Recipe(tuple(parse_arguments(*option) for option in config_files.load_preset(name))))


def test_there_are_those_that_were_promised() -> None:
    assert {
        "default", "workflow-fft", "workflow-blur", "soft", "macro-insect", "microscope-brightfield", "mineral",
        "electronics",
    } <= set(NAMES)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_what_it_is_for_and_makes_a_picture(name: str, tmp_path: Path) -> None:
    assert config_files.describe(config_files.list_presets()[name]).endswith(".")
    stack = stack_of(tmp_path / "in", frames(3, shape=(120, 110)))
    made = ran(stack, recipe(name), tmp_path / "store", tile=256)
    assert made[:3].std() > 1000
    assert (made[3] > 0).mean() > 0.95


def test_the_sets_of_the_workflow_are_word_for_word() -> None:
    assert str(recipe("workflow-fft")) == (
        "--fft=r75 --darkness=w10 --maskfft=r25,log1000 --masklevel=t5 --cutwave=p25 --cutbg --cutalpha=p-25,P150"
    )
    assert str(recipe("workflow-blur")) == (
        "--blur=s0.3,S0.6 --blur=s1,S2 --blur=s2,S3 --saturation=w25,level --maskwave=p5 --maskstat=r6,Mean "
        "--masklevel=t5 --cutless=p20 --cutwave=p75 --cutmorph=r3,R1,Erode"
    )


def test_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    text = capsys.readouterr().out
    assert all(f"{name}: " in text for name in NAMES)


def test_a_broken_file_is_named_when_it_is_used_and_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config_files, "config_folder", lambda: tmp_path)
    (tmp_path / "broken.toml").write_text("options = [")
    (tmp_path / "good.toml").write_text('about = "Waves."\noptions = ["--wavelet"]')
    (tmp_path / "not-text.toml").write_bytes(b"\xff\xfe")
    assert str(recipe("good")) == "--wavelet=p5 --masklevel=t5"
    for name in ("broken", "not-text"):
        with pytest.raises(Refusal, match=rf"{name}\.toml: no readable TOML"):
            recipe(name)
    assert main(["presets"]) == 0
    shown = capsys.readouterr().out
    assert "good: Waves." in shown
    assert "broken: " in shown
    assert "no readable TOML" in shown
    with pytest.raises(Refusal, match="no such preset; there are auto, broken, good, not-text"):
        recipe("none")


def test_a_name_never_means_a_file_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of photographs must not bring along what is run on them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    for folder in (tmp_path, tmp_path / "configs"):
        (folder / "laptop.toml").write_text('scheduler = "evil:run"')
        (folder / "mine.toml").write_text('options = ["--wavelet"]')
        (folder / "ours.toml").write_text('scheduler = "sync"')
    (tmp_path / "plain").write_text('options = ["--wavelet"]')
    assert config_files.load_cluster_file("laptop")["scheduler"] == "threads:2"
    for name in ("mine", "ours", "plain"):
        with pytest.raises(Refusal, match=f"--scheduler {name} is not known"):
            config_files.load_cluster_file(name)
        with pytest.raises(Refusal, match=f"--preset {name}: no such preset"):
            config_files.load_preset(name)
    for folder in ("", "./", "configs/", f"{tmp_path}/"):
        assert config_files.load_cluster_file(f"{folder}ours.toml")["scheduler"] == "sync"
        assert config_files.load_preset(f"{folder}mine.toml") == [("wavelet", None)]
    assert config_files.load_preset("./plain") == [("wavelet", None)]
    with pytest.raises(Refusal, match=r"--preset none\.toml: no such file"):
        config_files.load_preset("none.toml")


def test_the_place_of_the_presets_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "--path"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert (folder / "default.toml").is_file()
    assert main(["presets", "--path", "soft"]) == 0
    assert Path(capsys.readouterr().out.strip()) == folder / "soft.toml"
    assert main(["presets", "soft", "auto"]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()[:2]] == ["auto", "soft"]
    assert main(["presets", "--where"]) == 2
    assert "presets --where: allowed are names of presets, or --path" in capsys.readouterr().err


def test_a_file_that_names_a_python_function_is_refused_unless_that_is_allowed(tmp_path: Path) -> None:
    """Importing a module runs it; a file of somebody else's must not do so unasked."""
    look, cluster = tmp_path / "look.toml", tmp_path / "cluster.toml"
    look.write_text('options = ["--wavelet=p5", "--maskcmd=antigravity:x"]')
    cluster.write_text('scheduler = "antigravity:run"')
    with pytest.raises(Refusal, match=r"look\.toml: --maskcmd=antigravity:x runs Python code; --allow-code"):
        config_files.load_preset(str(look))
    with pytest.raises(Refusal, match=r"cluster\.toml: scheduler antigravity:run runs Python code; --allow-code"):
        config_files.load_cluster_file(str(cluster))
    assert config_files.load_preset(str(look), allow_code=True)[1] == ("maskcmd", "antigravity:x")
    assert config_files.load_cluster_file(str(cluster), allow_code=True)["scheduler"] == "antigravity:run"
    cluster.write_text('scheduler = "file:scheduler.json"')
    assert config_files.load_cluster_file(str(cluster))["scheduler"] == "file:scheduler.json"
    for words in (["plan", "--preset", str(look), "a.tif"], ["fuse", "--preset", str(look), "a.tif"]):
        assert main(words) == 2
