"""A viewer's server in a thread, and who asks it."""

from __future__ import annotations

import http.client
import json
import threading

from imfuse_tiles.viewer.serving import serve
from imfuse_tiles.viewer.session import ViewSession


class Served:
    """A session served in a thread."""

    def __init__(self, session: ViewSession) -> None:
        self.session, ready = session, threading.Event()

        def announce(address: str) -> None:
            self.address = address
            ready.set()

        self.thread = threading.Thread(target=serve, args=(session, 0, announce, 600.0))
        self.thread.start()
        assert ready.wait(20)
        self.port, self.token = int(self.address.split(":")[2].split("/")[0]), self.address.split("/")[3]

    def get(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, content and headers of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        found = answer.status, answer.read(), dict(answer.getheaders())
        connection.close()
        return found

    def ask(self, name: str, **about: object) -> dict[str, object]:
        status, content, _ = self.get(f"/{self.token}/ask/{name}", "POST", json.dumps(about))
        assert status == 200, content
        answer: dict[str, object] = json.loads(content)
        return answer

    def end(self) -> None:
        self.session.last_heard -= 10_000
        self.thread.join(20)
        assert not self.thread.is_alive()
