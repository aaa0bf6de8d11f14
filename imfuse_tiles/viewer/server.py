"""The local web server of the viewer: one page, its tiles and its questions, for who has the token only.

It listens on 127.0.0.1. A page of another site could send requests there, or have its own name resolve to that
address; so nothing is answered without the token of the printed address, nor to another Host or Origin.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from imfuse_tiles.errors import AlreadyExists, ImfuseError, Refusal
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.viewer.listener import Listener
from imfuse_tiles.viewer.session import ViewSession

ADDRESS = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
#: Nothing is run or loaded that this server does not send, and no other page may show this one.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: What is said to who is refused.
WORDS = {400: "not understood", 403: "not allowed", 404: "not there", 405: "not allowed"}
#: Threads that make tiles, those that wait for answers, and bytes of the longest question.
THREADS, ASKERS, LONGEST = 3, 6, 8 << 20


class Guarded(RequestHandler):
    """Answers only to who has the token, from this page."""

    session: ViewSession
    token: str
    hosts: frozenset[str]
    listener: Listener
    threads: ThreadPoolExecutor
    askers: ThreadPoolExecutor

    def initialize(self, **shared: Any) -> None:
        self.__dict__.update(shared)

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Server", "imfuse-tiles")

    def prepare(self) -> None:
        headers = self.request.headers
        token = self.request.path.split("/")[1] if self.request.path.count("/") > 1 else ""
        known = hmac.compare_digest(token.encode(), self.token.encode())
        origin = headers.get("Origin")
        own = origin is None or origin.removeprefix("http://") in self.hosts
        if not (known and own and headers.get("Host", "") in self.hosts):
            raise HTTPError(403)
        self.listener.trust(self.request.connection.stream)  # type: ignore[union-attr]
        self.session.heard()

    def write_error(self, status_code: int, **more: Any) -> None:
        """One plain line instead of a page."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        error = (more.get("exc_info") or (None, None, None))[1]
        cause = getattr(error, "__cause__", None)
        line = str(cause) if isinstance(cause, ImfuseError | Damaged) else WORDS.get(status_code, "a bug")
        self.finish(line.encode(errors="backslashreplace"))

    def log_exception(self, *error: Any) -> None:
        """What the page shows is not printed, too."""
        if not isinstance(error[1], HTTPError):
            super().log_exception(*error)

    async def in_thread(self, work: Callable[[], Any], threads: ThreadPoolExecutor | None = None) -> Any:
        """What ``work`` returns, computed beside the server. A Refusal becomes an answer of one line.

        Its status is 409 where something is there already that would be lost, 400 otherwise.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(threads or self.threads, work)
        except (ImfuseError, Damaged) as error:
            raise HTTPError(409 if isinstance(error, AlreadyExists) else 400) from error

    def send(self, content: Any) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(content, separators=(",", ":")).encode())


class Forbidden(Guarded):
    """Every other address."""

    def prepare(self) -> None:
        raise HTTPError(403)


class Files(Guarded):
    """The page and what belongs to it."""

    def get(self, name: str) -> None:
        path = PAGE / (name or "index.html")
        if path.name not in self.session.page_files or path.suffix not in TYPES:
            raise HTTPError(404)
        self.set_header("Content-Type", f"{TYPES[path.suffix]}; charset=utf-8")
        self.finish(path.read_bytes())


class Tile(Guarded):
    """A tile of a layer."""

    async def get(self, layer: str, z: str, reduction: str, column: str, row: str, ending: str) -> None:
        place = int(reduction), int(row), int(column)

        def work() -> tuple[bytes, bool]:
            if self.request.connection.stream.closed():  # type: ignore[union-attr]  # who asked has moved on
                return b"", False
            return self.session.tile(layer, int(z), place, lossless=ending == "png")

        content, final = await self.in_thread(work)
        if final:
            self.set_header("Cache-Control", "private, max-age=86400, immutable")
        self.set_header("Content-Type", "image/png" if ending == "png" else "image/jpeg")
        self.finish(content)


class Picture(Guarded):
    """A picture that was computed for the page."""

    async def get(self, number: str) -> None:
        content = await self.in_thread(lambda: self.session.pictures(int(number)), self.askers)
        if content is None:
            raise HTTPError(404)
        self.set_header("Content-Type", "image/png")
        self.finish(content)


@stream_request_body
class Question(Guarded):
    """A question of the page: a method of the session by its name, its arguments as JSON.

    It is read once the token is known: who has none does not fill the memory.
    """

    def prepare(self) -> None:
        super().prepare()
        self.body = bytearray()
        self.request.connection.set_max_body_size(LONGEST)  # type: ignore[union-attr]

    def data_received(self, chunk: bytes) -> None:
        self.body += chunk

    async def post(self, name: str) -> None:
        try:
            about = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            raise HTTPError(400) from None
        if name not in self.session.questions or not isinstance(about, dict):
            raise HTTPError(404)
        self.send(await self.in_thread(lambda: self.session.questions[name](about), self.askers))


class ViewServer:
    """A server for a session, on a port of its own. ``address``: what to open; it holds the token."""

    def __init__(self, session: ViewSession, port: int = 0) -> None:
        self.token = secrets.token_urlsafe(24)
        try:
            sockets = bind_sockets(port, ADDRESS)
        except OSError as error:
            raise Refusal(f"--port {port}: {error.strerror or error}") from None
        self.port = sockets[0].getsockname()[1]
        hosts = frozenset(f"{name}:{self.port}" for name in (ADDRESS, "localhost"))
        threads = ThreadPoolExecutor(THREADS, "tiles")
        self.pools = threads, ThreadPoolExecutor(ASKERS, "answers")
        shared = {"session": session, "token": self.token, "hosts": hosts, "threads": threads, "askers": self.pools[1]}
        routes = [
            (r"/[^/]+/tile/([\w.-]{1,80})/(\d{1,7})/(\d{1,2})/(\d{1,7})_(\d{1,7})\.(jpg|png)", Tile, shared),
            (r"/[^/]+/picture/(\d{1,9})\.png", Picture, shared),
            (r"/[^/]+/ask/([a-z_]{1,30})", Question, shared),
            (r"/[^/]+/([\w.-]{0,60})", Files, shared),
            (r".*", Forbidden, shared),
        ]
        application = Application(routes, log_function=lambda handler: None)
        self.http = Listener(application)
        shared["listener"] = self.http
        self.http.add_sockets(sockets)

    def close(self) -> None:
        """Listen no more, and begin with nothing that was asked for."""
        self.http.stop()
        for pool in self.pools:
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def address(self) -> str:
        return f"http://{ADDRESS}:{self.port}/{self.token}/"
