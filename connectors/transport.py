"""The wire under `connectors.http`: pooled connections, a deadline over every byte, a note of whether anything left us.

Kept apart because it leans on how urllib3 and http.client are built: `HTTPConnection.send` is where bytes leave, and
`HTTPResponse` reads from the file its socket gives it.
"""

from __future__ import annotations

import http.client
import io
import os
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

IDLE_CONNECTION_SECONDS = 20.0
"""Older idle connections are not reused: a server that closes one just as we write leaves an unknown outcome."""


class CallState(threading.local):
    """What the connection needs to know about the call its thread is making."""

    deadline: float = float("inf")
    read_seconds: float = 20.0
    sent: bool = False


state = CallState()


class _DeadlineIO(io.RawIOBase):
    """A socket's reading side that gives each read no more than what is left of the whole call's time."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = state.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call took longer than its total deadline")
        self._sock.settimeout(min(left, state.read_seconds))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _SocketView:
    """Looks enough like a socket for `http.client.HTTPResponse`, which only asks it for a file."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineIO(self._sock))


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(_SocketView(sock), *args, **options)  # type: ignore[arg-type]


class _PlainConnection(HTTPConnection):
    response_class = _DeadlineResponse
    idle_since: float = 0.0

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        state.sent = True
        super().send(data)


class TlsConnection(HTTPSConnection):
    """A TLS connection that notes when bytes leave and reads within the call's deadline."""

    response_class = _DeadlineResponse
    idle_since: float = 0.0

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        state.sent = True
        super().send(data)


class _FreshConnections:
    """Pool behavior: a connection that lay idle too long is closed and opened anew."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        idle_since = getattr(connection, "idle_since", 0.0)
        if idle_since and time.monotonic() - idle_since > IDLE_CONNECTION_SECONDS:
            connection.close()
        return connection

    def _put_conn(self, connection: Any) -> None:
        if connection is not None:
            connection.idle_since = time.monotonic()
        super()._put_conn(connection)  # type: ignore[misc]


class _PlainPool(_FreshConnections, HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class TlsPool(_FreshConnections, HTTPSConnectionPool):
    """A pool of them."""

    ConnectionCls = TlsConnection


class DeadlineAdapter(HTTPAdapter):
    """Sends by connections that keep the deadline of `state`."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": TlsPool}


_sessions: dict[str, requests.Session] = {}
_sessions_lock = threading.Lock()


def session_for(platform: str) -> requests.Session:
    """Return this process's session of the platform: pooled connections; no cookies, proxies, netrc or retries."""
    with _sessions_lock:
        session = _sessions.get(platform)
        if session is None:
            session = _sessions[platform] = new_session(DeadlineAdapter)
        return session


def new_session(adapter_class: type[DeadlineAdapter]) -> requests.Session:
    """Return a session of its own, with connections of this adapter's kind."""
    session = requests.Session()
    # netrc would put its own Authorization header over ours, and a proxy would see every token.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = adapter_class(pool_connections=64, pool_maxsize=32, max_retries=Retry(0, read=False))
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


# A forked child must not write into its parent's connections.
os.register_at_fork(after_in_child=_sessions.clear)
