"""A whole Salestio seen from outside: start `./run`, drive the pretend world, ask our REST API.

Standard library and requests only; nothing of our own code is imported, so nothing can be counted by what it claims.
What the store and the marketplace hold is asked of the sandbox, never of us.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

ROOT = Path(__file__).resolve().parent.parent
LONGEST_START = 180.0
Doc = dict[str, Any]


class Failed(RuntimeError):
    """Something did not answer as a check needs it; the text says what."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, ready: Callable[[], Any], *, seconds: float, every: float = 0.2) -> Any:
    """Call `ready` until it answers something true and return that. Raises `Failed` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = ready()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


class _Http:
    """JSON over one kept connection. Answers of 400 and above raise `Failed` unless they are expected."""

    def __init__(self, base: str, headers: dict[str, str] | None = None) -> None:
        self.base = base.rstrip("/")
        self.session = requests.Session()
        # A server that is being started again refuses for a moment; a GET may be repeated, anything else may not.
        again = Retry(total=8, backoff_factor=0.2, status_forcelist=(502, 503), allowed_methods=["GET"])
        self.session.mount("http://", HTTPAdapter(max_retries=again, pool_maxsize=32))
        self.session.headers.update(headers or {})

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 60.0, **params: Any) -> Any:
        answer = self.session.request(method, self.base + path, json=body, params=params or None, timeout=timeout)
        if answer.status_code >= 400:
            raise Failed(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, **params)


class Sandbox(_Http):
    """The pretend world's control API (`/_control`)."""

    def __init__(self, base: str) -> None:
        super().__init__(f"{base}/_control")
        self.address = base

    def post(self, path: str, **body: Any) -> Any:
        """POST a JSON object."""
        return self.call("POST", path, body)

    def variants(self, store: str) -> list[Doc]:
        """Return all variants of a store."""
        return list(self._pages(f"/stores/{store}/variants"))

    def set_variant(self, store: str, variant: str, **changes: Any) -> Doc:
        """Change a variant as the merchant would in the store's admin."""
        return self.call("PUT", f"/stores/{store}/variants", changes, id=variant)  # type: ignore[no-any-return]

    def store_orders(self, store: str) -> list[Doc]:
        """Return all orders of a store, oldest first."""
        return list(self._pages(f"/stores/{store}/orders", limit=1000))

    def writes(self, **wanted: Any) -> list[Doc]:
        """Return the whole write record of that kind or key, without bodies unless `body=1`."""
        found: list[Doc] = []
        since = int(wanted.pop("since", 0))
        while rows := self.get("/writes", since=since, **{"body": 0, **wanted}):
            found += rows
            since = rows[-1]["n"]
        return found

    def place(self, seller: str, *, platform: str = "amazon", **order: Any) -> list[str]:
        """Let buyers place orders and return the marketplace order ids."""
        return self.call("POST", f"/accounts/{platform}/{seller}/orders", order)["ids"]  # type: ignore[no-any-return]

    def change(self, seller: str, order_id: str, *, platform: str = "amazon", **body: Any) -> Doc:
        """Let an order's life go on at the marketplace; return it, under the id it has now."""
        return self.call("PATCH", f"/accounts/{platform}/{seller}/orders/{order_id}", body)  # type: ignore[no-any-return]

    def fault(
        self, kind: str, operation: str = "*", *, platform: str = "shopify", rate: float = 1.0, **params: Any
    ) -> None:
        """Switch a fault on."""
        self.post("/faults", platform=platform, operation=operation, kind=kind, rate=rate, params=params)

    def end_faults(self) -> list[Doc]:
        """End all faults and return what they were, with their hits."""
        found: list[Doc] = self.get("/faults")
        self.call("DELETE", "/faults")
        return found

    def calls(self, *keys: str) -> dict[tuple[str, str], int]:
        """Return how often each (platform, operation) was called since the start or reset, of these stores and sellers."""
        counted: dict[tuple[str, str], int] = {}
        for row in self.get("/calls"):
            if keys and row["key"] not in keys:
                continue
            place = (row["platform"], row["operation"])
            counted[place] = counted.get(place, 0) + row["count"]
        return counted

    def throttled(self) -> int:
        """Return how many calls met an empty bucket."""
        return sum(row["throttled"] for row in self.get("/calls"))

    def _pages(self, path: str, **params: Any) -> Iterator[Doc]:
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            yield from page["results"]
            cursor = page["next"]


class Merchant(_Http):
    """One merchant's REST API, opened by its token; what the start line says of it is in `facts`."""

    def __init__(self, web: str, facts: Doc) -> None:
        super().__init__(f"{web}/api/v1", {"Authorization": f"Bearer {facts['api_token']}"})
        self.facts = facts
        self.store: str = facts["stores"][0]["key"]
        self.store_platform: str = facts["stores"][0].get("platform", "shopify")
        self.sellers: list[str] = [account["key"] for account in facts["accounts"]]

    def orders(self, **wanted: Any) -> list[Doc]:
        """Return all orders, newest purchase first."""
        found: list[Doc] = []
        cursor = ""
        while True:
            page = self.get("/orders", limit=1000, **wanted, **({"cursor": cursor} if cursor else {}))
            found += page["results"]
            cursor = page["next"]
            if not cursor:
                return found

    def order(self, marketplace_order_id: str) -> Doc | None:
        """Return the order with that number at the marketplace, None when we do not know it."""
        found = self.get("/orders", marketplace_order_id=marketplace_order_id)["results"]
        return found[0] if found else None

    def states(self) -> dict[str, int]:
        """Return how many orders are in each export state."""
        return self.get("/summary")["states"]  # type: ignore[no-any-return]

    def events(self, order: Doc) -> list[Doc]:
        """Return an order's log, newest first."""
        return self.get(f"/orders/{order['id']}/events")["results"]  # type: ignore[no-any-return]


class Running:
    """A Salestio that runs: ours, started in a directory of its own and ended at the end, or one that runs already."""

    def __init__(self, line: Doc, directory: Path, process: subprocess.Popen[str] | None, began: float = 0.0) -> None:
        self.line, self.directory, self.process = line, directory, process
        self.start_seconds = began
        self.web: str = line["web"]
        self.sandbox = Sandbox(line["sandbox"])
        self.merchants = [Merchant(self.web, facts) for facts in line["merchants"]]
        self._own_directory: Path | None = None
        self._errors: TextIO | None = None

    @classmethod
    def start(
        cls,
        *,
        ports: tuple[int, int] | None = None,
        environment: dict[str, str] | None = None,
        directory: Path | None = None,
        fresh: bool = True,
    ) -> Running:
        """Start `./run --no-traffic --json` and wait until it takes work. Raises `Failed` with its last words."""
        own = None if directory else Path(tempfile.mkdtemp(prefix="salestio-bench-"))
        place = directory or own
        assert place is not None
        web, sandbox = ports or (free_port(), free_port())
        command = ["./run", *(["--fresh"] if fresh else []), "--no-traffic", "--json"]
        command += ["--port", str(web), "--sandbox-port", str(sandbox), "--data", str(place / "data")]
        errors = (place / "run.log").open("a+")
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(environment or {})}, text=True,
            stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        text = process.stdout.readline()
        if not text.strip():
            process.wait(LONGEST_START)
            errors.seek(0)
            raise Failed(f"./run did not start:\n{errors.read()[-3000:]}")
        running = cls(json.loads(text), place / "data", process, time.monotonic() - began)
        running._own_directory, running._errors = own, errors
        return running

    @classmethod
    def attach(cls, directory: Path) -> Running:
        """Use the run that goes on in a data directory; it is not ended. Ends the program where none goes on."""
        try:
            facts = json.loads((directory / "run.json").read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise SystemExit(
                f"--data: no Salestio runs in {directory} (start one with ./run --data {directory})"
            ) from None
        return cls(facts, directory, None)

    def pids(self, name: str) -> list[int]:
        """Return the process ids of one part as they are now."""
        return list(json.loads((self.directory / "run.json").read_text())["pids"][name])

    def end(self) -> None:
        """End what we started and remove its directory."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._errors:
            self._errors.close()
        if self._own_directory and not os.environ.get("SALESTIO_BENCH_KEEP"):
            shutil.rmtree(self._own_directory, ignore_errors=True)

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def say(text: str) -> None:
    """Tell the person who waits; figures go to standard output."""
    print(text, file=sys.stderr, flush=True)
