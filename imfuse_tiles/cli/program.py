"""The command line as a program of its own."""

from __future__ import annotations

from imfuse_tiles.cli.loading import Loading


def program() -> int:
    """Load the command line and run it; its exit code."""
    with Loading():
        from imfuse_tiles.cli.main import program as run

    return run()
