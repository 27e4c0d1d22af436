"""What is done to our own processes during the storm: worker killed, Redis flushed, PostgreSQL stopped at once."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from urllib.parse import unquote, urlsplit

from bench.outside import Running, say

PAUSE = 11.0
"""Seconds between two kills; `./run` gives up on a process that dies five times a minute before it ran steadily."""


def flush_redis(url: str) -> None:
    """Send FLUSHALL. Raises OSError when Redis does not answer OK."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=5) as wire:
        if parts.password:
            _command(wire, "AUTH", unquote(parts.password))
        _command(wire, "FLUSHALL")


def _command(wire: socket.socket, *words: str) -> None:
    wire.sendall(f"*{len(words)}\r\n".encode() + b"".join(f"${len(w.encode())}\r\n{w}\r\n".encode() for w in words))
    answer = wire.recv(200)
    if not answer.startswith(b"+OK"):
        raise OSError(f"Redis answered {answer!r} to {words[0]}")


class Chaos:
    """A thread that strikes at random times; `done` counts what it did."""

    def __init__(self, running: Running, chance: random.Random) -> None:
        self.running, self.chance = running, chance
        self.done: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._strike, name="chaos", daemon=True)
        self._last_kill = 0.0

    def start(self) -> None:
        """Begin to strike."""
        self._thread.start()

    def end(self) -> None:
        """Stop striking."""
        self._stop.set()
        self._thread.join()

    def rest_of_the_faults(self, *, until: float) -> None:
        """Wait until at least three kills, a flush and a database restart happened and the given moment passed."""
        while time.monotonic() < until or self.done["kill -9 worker"] < 3 or not self.done["PostgreSQL immediate stop"]:
            time.sleep(0.5)

    def _strike(self) -> None:
        blows = ["kill", "flush", "kill", "database", "kill", "flush", "kill", "kill"]
        while not self._stop.wait(self.chance.uniform(3.0, 7.0)):
            blow = blows.pop(0) if blows else self.chance.choice(("kill", "kill", "flush"))
            try:
                {"kill": self._kill, "flush": self._flush, "database": self._database}[blow]()
            except (OSError, IndexError, json.JSONDecodeError) as error:
                say(f"  ({blow} did not strike: {error})")
                blows.insert(0, blow)

    def _kill(self) -> None:
        if self._stop.wait(max(0.0, self._last_kill + PAUSE - time.monotonic())):
            return
        pid = self.running.pids("worker")[0]
        os.kill(pid, signal.SIGKILL)
        self._last_kill = time.monotonic()
        self.done["kill -9 worker"] += 1
        say("  kill -9 worker")

    def _flush(self) -> None:
        flush_redis(json.loads((self.running.directory / "ports.json").read_text())["redis_url"])
        self.done["Redis FLUSHALL"] += 1
        say("  Redis FLUSHALL")

    def _database(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.running.pids("postgres")[0], signal.SIGQUIT)
            self.done["PostgreSQL immediate stop"] += 1
            self._last_kill = time.monotonic()
            say("  PostgreSQL immediate stop")
