"""Running the viewer's server until it is interrupted or nobody looks any more."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from contextlib import suppress

from imfuse_tiles.viewer.desktop import open_command
from imfuse_tiles.viewer.session import ViewSession


def serve(
    session: ViewSession, port: int, announce: Callable[[str], None], idle: float | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Serve a session in this thread. ``announce``: called with the address once it answers.

    ``check``: called every second; what it raises ends the server. Ends on Ctrl-C or SIGTERM, and ``idle`` seconds
    after a page was last heard of (None: never). Refusal for a port that is taken.
    """
    from imfuse_tiles.viewer.server import ViewServer

    async def main() -> None:
        end = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, end.set)
        server = ViewServer(session, port)
        announce(server.address)
        try:
            while not end.is_set() and (idle is None or time.monotonic() - session.last_heard < idle):
                check()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(end.wait(), 1.0)
        finally:
            server.close()

    threading.Thread(target=session.cache.clear_oldest, daemon=True).start()  # nobody waits for it
    asyncio.run(main())


def open_browser(address: str) -> bool:
    """Open an address in the desktop's browser; whether there is a display and a browser."""
    if open_command(sys.platform, os.environ) is None:
        return False
    with suppress(webbrowser.Error, OSError):
        return webbrowser.open(address)
    return False
