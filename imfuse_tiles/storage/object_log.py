"""A log where files cannot be appended to: a row of small objects whose names follow each other."""

from __future__ import annotations

import threading

from imfuse_tiles.storage.files import Files

#: Seconds between two objects of a log.
FLUSH_SECONDS = 1.0


class ObjectLog:
    """Lines gathered for a moment and put as one object, by a thread so that none waits for the next line."""

    def __init__(self, files: Files, prefix: str) -> None:
        self.files, self.prefix = files, prefix
        self.lines: list[bytes] = []
        self.count = 0
        self.guard, self.end = threading.Lock(), threading.Event()
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._flush_regularly, daemon=True)

    def append(self, line: bytes) -> None:
        """Keep a line for the next object; what went wrong with an earlier one is raised here."""
        if self.error:
            raise self.error
        with self.guard:
            self.lines.append(line)
        if not self.thread.is_alive():
            self.thread.start()

    def flush(self) -> None:
        """Put what has been gathered."""
        with self.guard:
            lines, self.lines = self.lines, []
        if lines:
            self.files.write(f"{self.prefix}-{self.count:08d}", b"".join(lines))
            self.count += 1

    def close(self) -> None:
        """Put the rest and end."""
        self.end.set()
        if self.thread.is_alive():
            self.thread.join()
        self.flush()

    def _flush_regularly(self) -> None:
        while not self.end.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except Exception as error:
                self.error = error
                return
