"""Control characters in names never reach a terminal as they are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from imfuse_tiles.cli.printable_output import PrintableStream, escape_controls

pty = pytest.importorskip("pty")
EVIL = "\x1b]0;title\x07\x1b[2J\x9b31m\r\x08"


def test_controls_show_as_escapes_and_text_stays() -> None:
    assert escape_controls("a\tb\né 漢") == "a\tb\né 漢"
    assert escape_controls("x" + EVIL) == r"x\x1b]0;title\x07\x1b[2J\x9b31m\r\x08"
    assert escape_controls("\u202egnp.exe") == r"\u202egnp.exe"
    assert escape_controls("\udcff") == r"\udcff"


def output_on_a_terminal(*words: str, cwd: Path) -> bytes:
    """What the program writes to a terminal, for both streams."""
    process, terminal = pty.fork()
    if not process:
        os.chdir(cwd)
        os.execv(sys.executable, [sys.executable, "-m", "imfuse_tiles", *words])
    parts = []
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(terminal)
    os.waitpid(process, 0)
    return b"".join(parts).replace(b"\r\n", b"\n")


@pytest.mark.parametrize("words", [
    ("fuse", f"{EVIL}.tif"), ("status", EVIL), (EVIL,), ("fuse", "--preset", EVIL, "a.tif"), ("ops", EVIL),
    ("verify", EVIL), ("cache", "rm", EVIL), ("help", EVIL), ("fuse", f"--{EVIL}", "a.tif"),
], ids=lambda words: words[0][:4])  # fmt: skip
def test_no_message_has_a_control_character(words: tuple[str, ...], tmp_path: Path) -> None:
    written = output_on_a_terminal(*words, cwd=tmp_path)
    assert written
    assert not any((byte < 32 and byte != 10) or byte == 127 for byte in written), written
    assert "\x9b" not in written.decode()


def test_a_stream_behaves_as_the_terminal_does() -> None:
    stream = PrintableStream(sys.__stdout__)  # type: ignore[arg-type]
    assert stream.encoding == sys.__stdout__.encoding  # type: ignore[union-attr]
    assert stream.fileno() == sys.__stdout__.fileno()  # type: ignore[union-attr]
