"""What can go wrong in a way the user can mend, with the exit code each answers with."""

from __future__ import annotations


class ImfuseError(Exception):
    """A run that ends on purpose: one line for the user and an exit code for the shell."""

    code = 1
    #: Whether the same command goes on from what is kept.
    can_resume = False


class Refusal(ImfuseError):
    """Bad input or arguments: the message names the culprit and says what is allowed (exit 2)."""

    code = 2


class TooLarge(Refusal):
    """A stage does not fit the memory that it may have (exit 2)."""


class AlreadyExists(ImfuseError):
    """An output is there already, or another run holds the store (exit 3)."""

    code = 3


class Incomplete(ImfuseError):
    """Stopped half way with everything computed so far kept: the same command goes on (exit 4)."""

    code = 4
    can_resume = True


class BlockFailed(ImfuseError):
    """A block could not be computed; the others were (exit 5)."""

    code = 5
    can_resume = True


class EmptyResult(ImfuseError):
    """The result is written and shows nothing (exit 6)."""

    code = 6


class Interrupted(ImfuseError):
    """Ended by a signal after the blocks in flight were kept (exit 128 + signal number)."""

    can_resume = True

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}; everything finished so far is kept")
        self.code = 128 + signal_number
