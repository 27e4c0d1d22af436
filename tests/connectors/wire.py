"""A raw HTTP/1.1 server for tests: it answers, drips, stops half-way or hangs up, and keeps what it was asked."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Step = Callable[[socket.socket], bool]
"""Answers on a connection; False closes it."""


def answer(status: int = 200, body: Any = None, *, headers: Mapping[str, str] | None = None, raw: bytes = b"") -> Step:
    """A whole answer: `body` as JSON, or `raw` bytes."""
    content = raw if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]

    def step(connection: socket.socket) -> bool:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        return True

    return step


def drop(connection: socket.socket) -> bool:
    """Hang up without a word."""
    return False


def half(connection: socket.socket) -> bool:
    """Stop in the middle of the body."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"orders": [')
    return False


def half_chunked(connection: socket.socket) -> bool:
    """Stop in the middle of a chunked body."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n')
    return False


def silence(connection: socket.socket) -> bool:
    """Say nothing until the other side gives up."""
    connection.settimeout(5)
    try:
        connection.recv(1)
    except OSError:
        return False
    return False


def drip(head: bytes, rest: bytes, *, seconds: float = 0.05) -> Step:
    """Send the head at once and the rest one byte at a time."""

    def step(connection: socket.socket) -> bool:
        connection.sendall(head)
        try:
            for byte in rest:
                connection.sendall(bytes([byte]))
                time.sleep(seconds)
        except OSError:
            return False
        return True

    return step


class Wire:
    """The server. `answer_with(*steps)`: one a request, the last repeats. `asked` holds the requests in order."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[Asked] = []
        self.connections = 0
        self._steps: list[Step] = [answer(200, {})]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def answer_with(self, *steps: Step) -> None:
        with self._lock:
            self._steps = list(steps)

    def close(self) -> None:
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as reader:
                while (asked := _read(reader)) is not None:
                    with self._lock:
                        self.asked.append(asked)
                        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
                    if not step(connection):
                        return
        except (OSError, ValueError):
            return  # the client hung up, or the test is over
        finally:
            self._open.discard(connection)


def _read(reader: Any) -> Asked | None:
    first = reader.readline().decode().split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while (line := reader.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    return Asked(first[0], first[1], headers, body)
