"""The program with one block that sleeps for a minute, as a block on a stuck disk does."""

import sys
import time
from pathlib import Path

from imfuse_tiles.cli.main import main
from imfuse_tiles.stages.merged_masks import MergeJob

merged = MergeJob.compute


def slow(self, access, block):
    if block.name != "0/0/0":
        return merged(self, access, block)
    Path(access.store.root, "../asleep").touch()
    time.sleep(60)


MergeJob.compute = slow
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
