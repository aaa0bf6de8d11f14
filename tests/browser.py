"""A real Chromium without a window, driven by its DevTools protocol: pages are opened, clicked, typed at and looked at.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9, "Enter": 13, "PageUp": 33}


def chromium() -> str:
    """The program, or the test is skipped."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    return found


class Browser:
    """One page of a headless Chromium. ``folder``: for its profile."""

    def __init__(self, folder: Path, width: int = 1280, height: int = 800) -> None:
        self.loop = asyncio.new_event_loop()
        self.process = subprocess.Popen(
            [chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-port=0",
             f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": "/dev/null"},
        )  # fmt: skip
        self.number, self.socket = 0, self._connect(folder)
        self.events: list[dict[str, Any]] = []
        self.call("Runtime.enable")
        self.call("Page.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def _connect(self, folder: Path) -> WebSocketClientConnection:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            with suppress(OSError, IndexError, ValueError, StopIteration):
                port = (folder / "DevToolsActivePort").read_text().split()[0]
                with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                    page = next(each for each in json.load(answer) if each["type"] == "page")
                return self.loop.run_until_complete(_connected(page["webSocketDebuggerUrl"]))
            time.sleep(0.1)
        raise TimeoutError("Chromium does not answer")

    def close(self) -> None:
        with suppress(Exception):
            self.call("Browser.close")
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()
        self.loop.close()

    def call(self, method: str, **about: Any) -> dict[str, Any]:
        """The answer to a command."""
        self.number += 1
        number = self.number
        text = json.dumps({"id": number, "method": method, "params": about})

        async def asked() -> dict[str, Any]:
            await self.socket.write_message(text)
            while True:
                message = json.loads(await self.socket.read_message() or "{}")
                if message.get("id") == number:
                    return message
                self.events.append(message)

        answer = self.loop.run_until_complete(asyncio.wait_for(asked(), 240))
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def js(self, expression: str) -> Any:
        """The value of an expression in the page, a promise's once it is there."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 240) -> Any:
        """The first true value of an expression."""
        deadline = time.monotonic() + seconds
        while not (value := self.js(expression)):
            assert time.monotonic() < deadline, f"never: {expression}"
            time.sleep(0.05)
        return value

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start: tuple[float, float], stop: tuple[float, float], steps: int = 6) -> None:
        """Press the left button, move, release."""
        (x, y), (x1, y1) = start, stop
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1, buttons=1)
        for step in range(1, steps + 1):
            self.mouse("mouseMoved", x + (x1 - x) * step / steps, y + (y1 - y) * step / steps, button="left", buttons=1)
        self.mouse("mouseReleased", x1, y1, button="left", clickCount=1)

    def centre(self, selector: str) -> tuple[float, float]:
        """Where an element is, scrolled into view."""
        box = self.js(f"""(() => {{
            const e = document.querySelector({selector!r});
            e.scrollIntoView({{block: "nearest"}});
            const b = e.getBoundingClientRect();
            return [b.left + b.width / 2, b.top + b.height / 2];
        }})()""")
        return box[0], box[1]

    def click(self, selector: str) -> None:
        x, y = self.centre(selector)
        self.mouse("mousePressed", x, y, button="left", clickCount=1, buttons=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)

    def choose(self, selector: str, value: object) -> None:
        """Set a field as a person does who types or chooses: with its events."""
        self.js(f"""(() => {{ const e = document.querySelector({selector!r}); e.value = {str(value)!r};
            for (const kind of ["input", "change"]) e.dispatchEvent(new Event(kind, {{bubbles: true}})); }})()""")

    def key(self, key: str, control: bool = False) -> None:
        about: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": KEYS.get(key, ord(key[0].upper()))}
        about["modifiers"] = 2 if control else 0
        if len(key) == 1 and not control:
            about["text"] = key
        self.call("Input.dispatchKeyEvent", type="keyDown", **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def screenshot(self, path: Path | None = None) -> bytes:
        """The page as PNG."""
        content = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        if path:
            path.write_bytes(content)
        return content

    def problems(self) -> list[str]:
        """What the page has complained of."""
        self.js("1")
        found = [event for event in self.events if event.get("method") == "Runtime.exceptionThrown"]
        logged = [event for event in self.events if event.get("method") == "Runtime.consoleAPICalled"
                  and event["params"]["type"] in ("error", "warning")]  # fmt: skip
        texts = [json.dumps(event["params"])[:2000] for event in [*found, *logged]]
        return [text for text in texts if "loaded before reset" not in text]  # tiles of a layer that was taken away


async def _connected(address: str) -> WebSocketClientConnection:
    return await websocket_connect(address, max_message_size=1 << 28)
