"""The pretend eBay alone, served over real HTTP on a thread of its own; each client holds answers to the contracts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from aiohttp import web

from connectors.sandbox import ebay, pages, server
from tests.sandbox.ebay.official import Official

CLIENT, SECRET, RU_NAME, VERIFICATION = "Salestio-Test-PRD", "PRD-secret", "Salestio-SalestioT-Test-ab", "v" * 40
LUMEN, HARBOUR, NEWCOMER = "EBLUMEN5Q", "EBHARBOUR7", "EBNEWCOMER9"
CANDLE, VARIATION = "LL-CDL-8-FIG", "FN-NTB-PLN"
SCOPE = "https://api.ebay.com/oauth/api_scope"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The sandbox runs in this process, where its server's hint about keys of a request would be an error."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning"))


class Ear:
    """The product's web server, as far as eBay goes: answers challenges, remembers each message."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.token, self.status = VERIFICATION, 204
        self.challenges = 0
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ear.challenges += 1
                code = parse_qs(urlsplit(self.path).query)["challenge_code"][0]
                endpoint = ear.url + urlsplit(self.path).path
                digest = hashlib.sha256((code + ear.token + endpoint).encode()).hexdigest()
                body = json.dumps({"challengeResponse": digest}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                ear.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(ear.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def wait(self, count: int, topic: str = "") -> list[dict[str, Any]]:
        """Return what was heard of a topic, once there are so many."""
        end = time.monotonic() + 10
        while True:
            found = [json.loads(body) for _, body in self.heard]
            found = [message for message in found if topic in ("", message["metadata"]["topic"])]
            if len(found) >= count:
                return found
            assert time.monotonic() < end, f"heard {len(found)} of {count}"
            time.sleep(0.02)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Served:
    """One sandbox with nothing but eBay in it. `run` calls something on the sandbox's own thread."""

    def __init__(self, folder: Path, web_url: str) -> None:
        self.folder, self.web_url = folder, web_url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._await(self._start())

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    async def _start(self) -> None:
        app_words = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "ru_name": RU_NAME,
            "verification_token": VERIFICATION,
        }
        app = server.make_app(
            self.folder,
            {"ebay": app_words},
            base_url="http://sandbox.test",
            web_url=self.web_url,
            setups=[ebay.setup],
        )
        pages.set_brand("Salestio")
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.core = app[server.CORE]
        self.control = self.core.marketplaces["ebay"]

    def run(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        async def inside() -> Any:
            result = call(*args, **options)
            self.core.world.commit()
            return result

        return self._await(inside())

    def reset(self) -> None:
        def everything() -> None:
            self.core.webhooks.forget("")
            self.core.clear()
            for name in list(self.core.world.table("ebay_notifications")):
                self.core.world.drop("ebay_notifications", name)
            self.core.world.reset()
            self.core.limits.set(("ebay",), "off", None)

        self.run(everything)

    def advance(self, **parts: int) -> None:
        """Let time pass: days, hours, seconds."""
        seconds = parts.get("days", 0) * 86400 + parts.get("hours", 0) * 3600 + parts.get("seconds", 0)
        self.run(self.core.world.advance, seconds)

    def close(self) -> None:
        self._await(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def basic(user: str = CLIENT, password: str = SECRET) -> dict[str, str]:
    """Return the header of the token endpoint."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@dataclass
class Seller:
    """One seller's client: calls eBay with this seller's token, and the control about the seller."""

    served: Served
    key: str
    official: Official | None
    http: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def grant(self, headers: dict[str, str] | None = None, **form: str) -> requests.Response:
        """Ask the token endpoint, as our application unless the headers say another."""
        url = f"{self.served.url}/ebay/api/identity/v1/oauth2/token"
        return self.http.post(url, data=form, headers=basic() if headers is None else headers, timeout=10)

    def sign_in(self) -> None:
        """Get an access token with the refresh token in force."""
        refresh = self.served.run(self.served.control.client)["refresh_tokens"][self.key]
        answer = self.grant(grant_type="refresh_token", refresh_token=refresh)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]

    def app_token(self) -> str:
        """Return a token of our application itself."""
        answer = self.grant(grant_type="client_credentials", scope=SCOPE)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def call(
        self,
        method: str,
        path: str,
        *,
        host: str = "api",
        token: str | None = None,
        checked: bool = True,
        **options: Any,
    ) -> requests.Response:
        """Call an API; the answer must be what eBay's contract says, when the contracts are here."""
        scheme = "IAF" if path.startswith("/post-order") else "Bearer"
        headers = {"Authorization": f"{scheme} {self.token if token is None else token}"} | options.pop("headers", {})
        answer = self.http.request(
            method, f"{self.served.url}/ebay/{host}{path}", headers=headers, timeout=30, **options
        )
        if self.official is not None and checked:
            body = answer.json() if answer.content else None
            self.official.check(method, urlsplit(path).path, answer.status_code, body)
        return answer

    def search(self, **query: Any) -> requests.Response:
        """Call getOrders."""
        return self.call("GET", "/sell/fulfillment/v1/order", params=query)

    def page(self, **query: Any) -> dict[str, Any]:
        """Return one page of orders."""
        answer = self.search(**query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ids(self, **query: Any) -> list[str]:
        """Return the order ids of one page."""
        return [order["orderId"] for order in self.page(**query)["orders"]]

    def order(self, order_id: str, **query: Any) -> dict[str, Any]:
        """Return one order by getOrder."""
        answer = self.call("GET", f"/sell/fulfillment/v1/order/{order_id}", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ship(self, order_id: str, **body: Any) -> requests.Response:
        """Create a shipping fulfillment."""
        return self.call("POST", f"/sell/fulfillment/v1/order/{order_id}/shipping_fulfillment", json=body)

    def refund(self, order_id: str, **body: Any) -> requests.Response:
        """Issue a refund; of the whole order with `value`."""
        if "value" in body:
            body["orderLevelRefundAmount"] = {"value": body.pop("value"), "currency": body.pop("currency", "USD")}
        body.setdefault("reasonForRefund", "OTHER_ADJUSTMENT")
        return self.call("POST", f"/sell/fulfillment/v1/order/{order_id}/issue_refund", json=body)

    def place(self, **body: Any) -> list[str]:
        """Let buyers order; one candle unless the body says otherwise."""
        body.setdefault("lines", [{"sku": CANDLE}])
        ids: list[str] = self.served.run(self.served.control.place, self.key, body)
        return ids

    def patch(self, order_id: str, **body: Any) -> dict[str, Any]:
        """Let an order's life go on."""
        changed: dict[str, Any] = self.served.run(self.served.control.change, self.key, order_id, body)
        return changed

    def view(self, order_id: str) -> dict[str, Any]:
        """Return an order in the control API's words."""
        found: dict[str, Any] = self.served.run(self.served.control.order, self.key, order_id)
        return found

    def action(self, name: str, **body: Any) -> dict[str, Any]:
        """Do what only eBay has."""
        done: dict[str, Any] = self.served.run(self.served.control.action, self.key, name, body)
        return done

    def writes(self, kind: str) -> list[dict[str, Any]]:
        """Return the recorded writes of a kind."""
        rows: list[dict[str, Any]] = self.served.run(self.served.core.world.writes, kind=kind, key=self.key)
        return rows

    @contextmanager
    def fault(self, kind: str, operation: str = "*", count: int | None = None, **params: Any) -> Iterator[None]:
        """Switch a fault on for a while."""
        faults = self.served.core.faults
        fault_id = self.served.run(faults.add, "ebay", operation, kind, 1.0, count, params)
        try:
            yield
        finally:
            self.served.run(faults.end, fault_id)


@pytest.fixture(scope="session")
def contracts() -> Official | None:
    """eBay's contracts, None when they are not on this machine (then answers are not held to them)."""
    folder = os.environ.get("SALESTIO_SPECS", "")
    return Official(Path(folder)) if folder and Path(folder).is_dir() else None


@pytest.fixture(scope="module")
def ear() -> Iterator[Ear]:
    """The product's address, where eBay's messages arrive."""
    made = Ear()
    yield made
    made.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, ear: Ear) -> Iterator[Served]:
    """The pretend eBay of one test file."""
    made = Served(tmp_path_factory.mktemp("ebay"), ear.url)
    yield made
    made.close()


@pytest.fixture
def fresh(served: Served, ear: Ear) -> Served:
    """The pretend eBay as at its first start, lists without delay and without limits."""
    served.reset()
    ear.heard.clear()
    ear.token, ear.status, ear.challenges = VERIFICATION, 204, 0
    return served


@pytest.fixture
def seller(fresh: Served, contracts: Official | None) -> Seller:
    """Lumen & Loom, who sells in the US and the UK, signed in."""
    made = Seller(fresh, LUMEN, contracts)
    made.sign_in()
    return made


@pytest.fixture
def stranger(fresh: Served, contracts: Official | None) -> Seller:
    """Harbour & Kiln, who sells in the US and in Germany, signed in."""
    made = Seller(fresh, HARBOUR, contracts)
    made.sign_in()
    return made
