"""Our pages served to a browser or a platform by the test process itself, which hangs up on everybody when it ends."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.testcases import LiveServerThread, QuietWSGIRequestHandler
from pytest_django.live_server_helper import LiveServer


class _Server(ThreadedWSGIServer):
    """One that ends its open connections, and waits for their threads.

    Django's leaves them to themselves: the sandbox went on delivering webhooks into the tests of the next file, where no
    database may be asked, and a traceback written there breaks `ast.parse` of this thread (CPython 3.11, gh-106905).
    """

    daemon_threads = False
    block_on_close = True

    def __init__(self, *args: Any, **options: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args, **options)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self._open.discard(request)
        super().close_request(request)

    def server_close(self) -> None:
        for request in list(self._open):
            with contextlib.suppress(OSError):  # hung up at the other end already
                request.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Thread(LiveServerThread):
    """One that takes its address again at once: Django's waits until the last connections are forgotten."""

    def _create_server(self, connections_override: Any = None) -> _Server:
        return _Server(
            (self.host, self.port),
            QuietWSGIRequestHandler,
            allow_reuse_address=True,
            connections_override=connections_override,
        )


def serve(address: str) -> LiveServer:
    """Serve our pages at host:port, port 0 for any, until `stop()` of what is returned."""
    server = LiveServer(address, start=False)
    asked = server.thread
    server.thread = _Thread(asked.host, asked.static_handler, asked.connections_override, asked.port)
    server.thread.daemon = True
    server.start()
    return server
