"""The command line: imfuse's options in their order lifted out, all others read by argparse.

An option's value stands after ``=`` in the same word, so ``--wavelet img.tif`` names an image. Long names may be
shortened to a unique beginning.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import REGISTRY, Op, named, parse
from imfuse_tiles.options.recipe import STEPS, Recipe
from imfuse_tiles.options.resources import DASHBOARD

SYNONYMS = {"limit-memory": "memory"}
#: Options whose value may be left out; what they mean then.
OPTIONAL = {"basename": "", "force": "", "exif": "", "B": "", "dashboard": ""}


class Parser(argparse.ArgumentParser):
    """Argparse that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        raise Refusal(message.replace("unrecognized arguments", "unknown option"))


def fuse_parser(name: str) -> Parser:
    """The parser of ``fuse`` and ``plan`` for everything that is not an option of the recipe."""
    parser = Parser(prog=f"imfuse-tiles {name}", add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("images", nargs="*", metavar="IMAGE", help="frames of the stack, sorted by name, front first")
    add("-h", "--help", action="store_true", help="this help")
    add("-o", "--output", metavar="FILE", help="the result: .tif, .png or .jpg")
    add(
        "-B",
        "--basename",
        metavar="NAME",
        help="beginning of the result's name, or a folder for it (this folder's name)",
    )
    add("-L", "--longname", action="store_true", help="put the options into the result's name")
    add("-X", "--extra", action="store_true", help="write mask and depth maps beside the result")
    add("-f", "--force", nargs="?", const="", metavar="STEP",
        help="overwrite what is there; with mask, level, merge, focus or post compute from that step on")  # fmt: skip
    add("--exif", nargs="?", const="", metavar="IMAGE", help="copy the camera's tags of IMAGE (the front one)")
    add("--bits", type=int, default=16, metavar="8|16", help="bits of a sample (16)")
    add("--format", default="tif", metavar="ENDING", help="tif, png or jpg where the name is made up (tif)")
    add("--revert", action="store_true", help="the last image is the front one")
    add(
        "--pages",
        metavar="all|LIST",
        help="pages of a TIFF that are frames, such as 1-5,9 (all if it is the only file)",
    )
    add("--layered", action="store_true", help="a TIFF with the result and its layers: backgrounds and substacks")
    add("-V", "--view", action="store_true", help="keep a preview of the step at work beside the result")
    add("-W", "--show", action="store_true", help="open the result (and mask and depth map with -X) in a viewer")
    add("--showname", action="store_true", help="print the name that the result would have and stop")
    add("--rmcache", action="store_true", help="remove all stores of the cache folder that are not in use, and stop")
    add("--version", action="store_true", help="print the version and stop")
    add("--preset", action="append", metavar="NAME|FILE", help="options from a preset; later ones replace their like")
    add(
        "--store",
        metavar="DIR|URL",
        help="where the zarr store lies, such as s3://bucket/path (a cache folder for each stack); it is kept",
    )
    add("-C", "--cache", action="store_true", help="keep the store in the cache folder, as is always done")
    add("--memory", metavar="SIZE", help="memory for everything (a quarter of the machine's, at most 4G)")
    add("--tile", type=int, metavar="N", help="edge of a block in pixels (chosen to fit the memory)")
    add("--lean", action="store_true",
        help="delete what no later stage needs as soon as it is computed: less disk, as plan tells, but a changed "
        "option computes more anew")  # fmt: skip
    add("--workers", type=int, metavar="N", help="blocks computed at once (one for each core)")
    add("--scheduler", default="threads", metavar="SPEC",
        help="where blocks are computed: sync, threads[:N], processes[:N], local[:N], tcp://host:port, "
        "file:scheduler.json, slurm, pbs, sge, lsf, htcondor, module:callable or a cluster file (threads)")  # fmt: skip
    add("--part", metavar="I/N", help="be the I-th of N programs that share the blocks of this run through its store")
    add("--wait", type=float, default=600.0, metavar="SECONDS",
        help="how long a part waits for blocks of parts that are not running (600)")  # fmt: skip
    add("--tls-cert", metavar="FILE", help="certificate to show to the scheduler")
    add("--tls-key", metavar="FILE", help="its key")
    add("--tls-ca", metavar="FILE", help="authority that the scheduler's certificate must come from")
    add("--dashboard", nargs="?", const="", metavar="HOST:PORT",
        help=f"serve dask's dashboard of a cluster made by this run ({DASHBOARD})")  # fmt: skip
    add("--dry-run", action="store_true", help="print the plan and stop")
    add("--report", metavar="FILE", help="write a JSON report of all stages")
    add("--performance", metavar="FILE", help="write a web page of what every worker was at, and when")
    add("--quiet", action="store_true", help="print nothing but the result's name and errors")
    add("--json", action="store_true", help="the plan as JSON")
    return parser


def read(parser: Parser, words: Sequence[str]) -> tuple[argparse.Namespace, Recipe]:
    """The arguments of ``fuse`` or ``plan`` and the recipe they ask for. Refusal on anything not allowed."""
    rest, given = lifted(parser, words)
    said = parser.parse_intermixed_args(rest)
    _check_numbers(said)
    ops: list[Op] = []
    for options in [*_presets(said.preset or []), given]:
        ops = replaced(ops, [parse(*option) for option in options])
    return said, Recipe(tuple(ops), said.revert, said.layered).checked()


def replaced(ops: Sequence[Op], more: Sequence[Op]) -> list[Op]:
    """Options with more of them: those of a kind that is there take its place, so that its order with others stays.

    New kinds come behind, or in front if they lead their group.
    """
    if not ops:
        return list(more)
    found: list[Op] = []
    for op in ops:
        like = [each for each in more if type(each) is type(op)]
        if not like:
            found.append(op)
        elif like[0] not in found:
            found += like
    new = [op for op in more if type(op) not in {type(each) for each in ops}]
    return [*(op for op in new if op.leads), *found, *(op for op in new if not op.leads)]


def _presets(names: Sequence[str]) -> list[list[tuple[str, str | None]]]:
    """The options of presets, as (name, text after = or None)."""
    from imfuse_tiles.options import config_files

    return [config_files.load_preset(name) for name in names]


def lifted(parser: Parser, words: Sequence[str]) -> tuple[list[str], list[tuple[str, str | None]]]:
    """Words for argparse, and the recipe's options as (name, text after = or None) in their order."""
    general = [text[2:] for action in parser._actions for text in action.option_strings if text.startswith("--")]
    rest: list[str] = []
    given: list[tuple[str, str | None]] = []
    plain = iter(words)
    for word in plain:
        if word == "--":
            # Images all of them; argparse would take those that begin with a dash for options.
            return [*rest, *(f"./{image}" if image.startswith("-") else image for image in plain)], given
        if not word.startswith("--"):
            rest += _short(word)
            continue
        beginning, equals, text = word[2:].partition("=")
        name = named(SYNONYMS.get(beginning, beginning), general)
        if name in REGISTRY:
            given.append((name, text if equals else None))
        elif name in OPTIONAL:
            rest.append(f"--{name}={text}")
        else:
            rest.append(f"--{name}={text}" if equals else f"--{name}")
            if not equals and _takes_value(parser, name):
                rest.append(_value(name, next(plain, None)))
    return rest, given


def _value(name: str, word: str | None) -> str:
    """The word after an option that takes one. Refusal when there is none or it is an option itself."""
    if word is None or word.startswith("--"):
        raise Refusal(f"--{name} needs a value" + (f", {word} is an option" if word else ""))
    return word


def _takes_value(parser: Parser, name: str) -> bool:
    return any(f"--{name}" in action.option_strings and action.nargs is None for action in parser._actions)


def _short(word: str) -> list[str]:
    """Letters whose value stands in the same word or is left out: argparse would take the next word for it."""
    if word == "-B":
        return ["--basename="]
    if len(word) > 1 and word[0] == "-" and "f" in word and set(word[1:]) <= set("fCLVWX"):
        return ["--force=" if letter == "f" else f"-{letter}" for letter in word[1:]]
    return [word]


def _check_numbers(said: argparse.Namespace) -> None:
    for name, low in (("tile", 16), ("workers", 1)):
        value: Any = getattr(said, name)
        if value is not None and value < low:
            raise Refusal(f"--{name} {value}: allowed is {low} or more")
    if said.bits not in (8, 16):
        raise Refusal(f"--bits {said.bits}: allowed is 8 or 16")
    if said.force and said.force not in STEPS:
        raise Refusal(f"--force={said.force} is not known, allowed are {', '.join(STEPS)}")
