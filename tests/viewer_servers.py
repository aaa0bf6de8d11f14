"""A viewer's server in a thread, and who asks it."""

from __future__ import annotations

import http.client
import json
import threading

import numpy as np
from browser import Browser
from imagecodecs import png_decode

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
        assert ready.wait(240)
        self.port, self.token = int(self.address.split(":")[2].split("/")[0]), self.address.split("/")[3]

    def get(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, content and headers of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=240)
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
        self.thread.join(240)
        assert not self.thread.is_alive()


#: Where the picture lies in a window of 1280 x 800, without the column beside it.
PICTURE = slice(100, 700), slice(100, 800)


def opened_page(browser: Browser, server: Served) -> Browser:
    """The page of a server opened anew, its picture drawn: no test finds what another has left in it."""
    browser.events.clear()
    forget = browser.call("Page.addScriptToEvaluateOnNewDocument", source="sessionStorage.clear()")
    browser.open(server.address)
    browser.call("Page.removeScriptToEvaluateOnNewDocument", **forget)
    browser.until("document.querySelector('#layer-a').value")
    before, after = np.zeros(1), pixels(browser)
    for _ in range(200):
        if after[PICTURE].std() > 20 and np.array_equal(before, after):
            return browser
        before, after = after, pixels(browser)
    raise AssertionError("the picture is not drawn")


def pixels(browser: Browser) -> np.ndarray:
    """The page as it is seen, (y, x, 3) int."""
    return np.asarray(png_decode(browser.screenshot()))[..., :3].astype(int)
