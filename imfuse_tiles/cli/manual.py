"""``help``: the manual, whose pages are part of the package. Tables of options are made when a page is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imfuse_tiles.errors import Refusal

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

#: Where the tables of options stand in a page.
OPTION_TABLES = "<!-- options -->"


def folder() -> Traversable:
    """The folder of the pages; it may lie in a zip file."""
    from importlib.resources import files  # takes long to load

    return files("imfuse_tiles") / "manual"


def topics() -> dict[str, str]:
    """What each page is about, by its topic."""
    pages = {file.name.removesuffix(".md"): file for file in folder().iterdir() if file.name.endswith(".md")}
    return {topic: pages[topic].read_text("utf-8").partition("\n")[0].removeprefix("# ") for topic in sorted(pages)}


def page(topic: str) -> str:
    """A page of the manual in Markdown. Refusal when there is none."""
    if topic not in topics():
        raise Refusal(f"help {topic}: no such page; there are {', '.join(topics())}")
    text = (folder() / f"{topic}.md").read_text("utf-8").strip()
    if OPTION_TABLES in text:
        from imfuse_tiles.cli.option_tables import option_tables

        text = text.replace(OPTION_TABLES, option_tables())
    return text


def help(words: Sequence[str]) -> int:
    """Print a page of the manual, or which there are."""
    from imfuse_tiles.cli.main import COMMANDS, command, usage

    if len(words) > 1:
        raise Refusal(f"help takes one topic, not also {words[1]}")
    if words and words[0] in COMMANDS and words[0] not in ("help", *topics()):
        return command(words[0])(["--help"])
    if words and words[0] not in ("-h", "--help"):
        print(page(words[0]))
        return 0
    lines = [f"  {topic:<9} {about}" for topic, about in topics().items()]
    print("\n".join([usage(), "", "Pages of the manual, shown by imfuse-tiles help TOPIC:", "", *lines]))
    return 0
