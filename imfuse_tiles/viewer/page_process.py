"""The viewer of a run, in a process of its own: it lives on when the run has ended, until nobody looks any more."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

from imfuse_tiles.storage.store import Store

#: Seconds without a page after which it ends.
IDLE = 600


class PageProcess:
    """Starts the viewer of a store, which need not exist yet. ``tell``: called with the address once it answers."""

    def __init__(self, store: Store, tell: Callable[[str], None]) -> None:
        words = ["view", store.root, "--to-come", f"--idle={IDLE}"]
        # It takes no stream of this process: who waits for the end of these would wait for it, too.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "imfuse_tiles", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.tell = tell
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        assert self.process.stdout
        address = self.process.stdout.readline().strip()
        self.process.stdout.close()
        if address:
            self.tell(address)

    def told(self, seconds: float = 20) -> None:
        """Wait until the address is told."""
        self.thread.join(seconds)
