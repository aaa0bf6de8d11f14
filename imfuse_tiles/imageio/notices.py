"""What the user is to know of how the files of a stack were taken, one line each."""

from __future__ import annotations


class Hint(str):
    """A notice of what leaves the picture as it is: --quiet does not print it."""
