"""``python -m imfuse_tiles``."""

import sys

from imfuse_tiles.cli.program import program

if __name__ == "__main__":
    sys.exit(program())
