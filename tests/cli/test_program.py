"""Ctrl-C while the program loads its modules ends it in one line; later it is an error that can be heeded."""

from __future__ import annotations

import subprocess
import sys

import pytest

TESTED_MODULES = ("cli.loading",)
INTERRUPT = "import os, signal; from imfuse_tiles.cli.loading import Loading\n"


def ended(words: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-c", INTERRUPT + words], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


KILL = "os.kill(os.getpid(), signal.SIGINT)"


def test_ctrl_c_in_the_midst_of_loading_is_one_line() -> None:
    catch = f"signal.signal(signal.SIGINT, signal.default_int_handler)\ntry:\n with Loading(): {KILL}\n"
    assert ended(catch + "except BaseException: print('lost')") == (130, "", "imfuse-tiles: stopped by signal 2\n")


def test_ctrl_c_after_loading_is_an_error() -> None:
    begin = "signal.signal(signal.SIGINT, signal.default_int_handler)\nwith Loading(): pass\n"
    assert ended(begin + f"try: {KILL}\nexcept KeyboardInterrupt: print('heeded')") == (0, "heeded\n", "")


@pytest.mark.parametrize("handler", ["signal.SIG_IGN", "lambda *_: None"])
def test_who_heeds_ctrl_c_otherwise_goes_on_doing_so(handler: str) -> None:
    words = f"handler = {handler}\nsignal.signal(signal.SIGINT, handler)\nwith Loading(): {KILL}\n"
    assert ended(words + "print(signal.getsignal(signal.SIGINT) == handler)") == (0, "True\n", "")
