"""The command line: words in, exit code out. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence

from imfuse_tiles import __version__
from imfuse_tiles.cli.loading import STOPPED, Loading
from imfuse_tiles.cli.printable_output import guard_terminals
from imfuse_tiles.errors import ImfuseError, Incomplete, Refusal

#: What results and speed depend on, as package indexes spell it.
LIBRARIES = (
    "numpy", "numba", "opencv-python-headless", "scipy", "PyWavelets", "tifffile", "imagecodecs", "Pillow", "zarr",
    "dask", "distributed",
)  # fmt: skip

COMMANDS: dict[str, tuple[str, str]] = {
    "fuse": ("imfuse_tiles.cli.fuse", "fuse a stack into one sharp image"),
    "batch": ("imfuse_tiles.cli.batch", "fuse every stack of some folders or of a file"),
    "plan": ("imfuse_tiles.cli.fuse", "show what fuse would do: stages, blocks, memory, disk"),
    "align": ("imfuse_tiles.cli.align", "write the frames of a stack laid over each other"),
    "export": ("imfuse_tiles.cli.export", "write a result of a store as a file of another format"),
    "prepare": ("imfuse_tiles.cli.align", "crop, resize, turn or brighten the frames of a stack"),
    "demo": ("imfuse_tiles.cli.demo", "render a small stack, fuse it and compare with the truth"),
    "ops": ("imfuse_tiles.cli.list_options", "list the options of fuse, or explain one"),
    "presets": ("imfuse_tiles.cli.list_options", "list the presets"),
    "view": ("imfuse_tiles.cli.view", "look at results, compare, tune and retouch in the browser"),
    "sweep": ("imfuse_tiles.cli.sweep", "fuse with every combination of some values of options, side by side"),
    "sheet": ("imfuse_tiles.cli.sheet", "put results side by side on one sheet"),
    "status": ("imfuse_tiles.cli.cache", "show what a store holds and how far a run is"),
    "cache": ("imfuse_tiles.cli.cache", "list, remove or tidy stores: cache ls|rm|gc"),
    "verify": ("imfuse_tiles.cli.verify", "read a whole store and say what is wrong with it"),
    "simulate": ("imfuse_tiles.cli.simulate", "render a stack whose truth is known"),
    "help": ("imfuse_tiles.cli.manual", "list the pages of the manual, or print one: help TOPIC"),
    "warmup": ("imfuse_tiles.cli.warmup", "compile kernels ahead of the first run"),
}


def usage() -> str:
    """The short help."""
    lines = [f"  {name:<9} {about}" for name, (_, about) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: imfuse-tiles COMMAND [OPTIONS] ...",
            "",
            "Fuse focus stacks of any size in a fixed memory budget.",
            "",
            *lines,
            "",
            "imfuse-tiles COMMAND --help explains a command, imfuse-tiles ops NAME an option,",
            "imfuse-tiles help TOPIC the rest; imfuse-tiles help lists the topics.",
            "Example: imfuse-tiles fuse -o result.tif stack/*.jpg",
        ]
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run a command. 0 ok, 1 a bug, 2 bad input, 3 exists or locked, 4 resumable, 5 blocks failed, 128 + signal."""
    words = sys.argv[1:] if words is None else list(words)
    gc.set_threshold(200_000)  # loading makes many objects that stay, and hardly any cycles
    try:
        return _dispatch(words)
    except ImfuseError as stop:
        return _stop(stop, words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return 130
    except (OSError, MemoryError) as error:
        return _machine_trouble(error, words)
    except Exception as error:
        return _bug(error)


def _machine_trouble(error: OSError | MemoryError, words: Sequence[str]) -> int:
    """What to print, and the exit code, when the machine failed where nobody reckoned with it."""
    from pathlib import Path

    from imfuse_tiles.execution.machine_errors import message_for

    place = Path(error.filename) if isinstance(error, OSError) and isinstance(error.filename, str) else None
    message = message_for(error, "the run", place, 0)
    if message is None:
        return _bug(error)
    return _stop(Incomplete(message), words)


def _stop(stop: ImfuseError, words: Sequence[str]) -> int:
    """Print why the program ends on purpose, and how to go on; its exit code."""
    print(f"imfuse-tiles: {stop}", file=sys.stderr)
    if stop.can_resume:
        import shlex  # help does without

        print(f"to go on: imfuse-tiles {shlex.join(words)}", file=sys.stderr)
    return stop.code


def _bug(error: Exception) -> int:
    """Print what only a fault of this program brings about; the exit code."""
    if os.environ.get("IMFUSE_DEBUG"):
        raise error
    print(f"imfuse-tiles: a bug: {_describe_bug(error)}", file=sys.stderr)
    print("please report it with the command; IMFUSE_DEBUG=1 shows where it happened", file=sys.stderr)
    return 1


def program() -> int:
    """:func:`main` as a program of its own."""
    ignore_current_folder()
    guard_terminals()
    # Blocks run side by side; NumPy's library of linear algebra, hardly used, would start threads that first spin.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return main()
    finally:
        gc.freeze()  # what was loaded is not searched for cycles again, which takes longer than all else at the end


def ignore_current_folder() -> None:
    """Take no module from the folder that the program is started in: it may be anybody's folder of photographs.

    ``python -m`` looks there first, and so does every Python that is started by this one. A checkout's own folder is
    where the package itself comes from.
    """
    try:
        folder = os.getcwd()
    except OSError:
        return
    if folder == os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))):
        return
    if not sys.flags.safe_path and sys.path and sys.path[0] in ("", folder):
        del sys.path[0]
    os.environ.setdefault("PYTHONSAFEPATH", "1")


def _describe_bug(error: Exception) -> str:
    """An error in one line, with the place in this program where it came up."""
    import traceback

    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "imfuse_tiles" in frame.filename]
    place = f" (at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def _dispatch(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0 if words else 2
    if words[0] in ("--version", "-V"):
        print(versions())
        return 0
    if words[0] not in COMMANDS:
        raise Refusal(f"unknown command {words[0]}; allowed are {', '.join(COMMANDS)}")
    return command(words[0])(words[1:])


def command(name: str) -> Callable[[Sequence[str]], int]:
    """The function that runs a command: words in, exit code out."""
    from importlib import import_module

    with Loading():
        return getattr(import_module(COMMANDS[name][0]), name)


def versions() -> str:
    """The versions of the program and of what its results and speed depend on."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"imfuse-tiles {__version__}", f"Python {platform.python_version()} on {platform.platform()}"]
    for name in LIBRARIES:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} is not installed")
    return "\n".join(lines)
