"""What connects to the viewer's server: no body is read, and no connection kept for long, of who shows no token."""

from __future__ import annotations

from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application

#: Connections that have not shown the token. Seconds that one may say nothing, and that a question may take to arrive.
STRANGERS, SILENCE, ARRIVAL = 100, 30.0, 60.0


class Listener(HTTPServer):
    """Closes connections that stay silent, and of those that have not shown the token the oldest if there are many.

    Whoever reads bodies allows them.
    """

    def initialize(self, application: Application) -> None:  # type: ignore[override]
        self.strangers = dict[IOStream, None]()
        super().initialize(application, max_body_size=0, idle_connection_timeout=SILENCE, body_timeout=ARRIVAL)

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        self.strangers = {known: None for known in self.strangers if not known.closed()}
        if len(self.strangers) >= STRANGERS:
            next(iter(self.strangers)).close()
        self.strangers[stream] = None
        super().handle_stream(stream, address)

    def trust(self, stream: IOStream) -> None:
        """Keep a connection that has shown the token."""
        self.strangers.pop(stream, None)
