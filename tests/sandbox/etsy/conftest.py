"""The pretend Etsy alone, served over real HTTP on a thread of its own, and a client that holds answers to the contract."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import secrets
import threading
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

from connectors.sandbox import etsy, pages, server
from tests.sandbox.etsy.official import Official

KEYSTRING, SECRET = "k3ystr1ngofthetests", "s3cr3tofth3t3sts"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
LUMEN, HARBOUR, NEWCOMER = "51230077", "48210055", "60990012"
CANDLE = "LL-CDL-8-FIG"
SCOPES = "transactions_r transactions_w listings_r listings_w shops_r"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The sandbox runs in this process, where its server's hint about keys of a request would be an error."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning"))


class Ear:
    """The product's web server, as far as webhooks go: remembers each message, answers what `status` says."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        ear = self

        class Handler(BaseHTTPRequestHandler):
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

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Served:
    """One sandbox with nothing but Etsy in it. `run` calls something on the sandbox's own thread."""

    def __init__(self, folder: Path, web_url: str) -> None:
        self.folder, self.web_url = folder, web_url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._await(self._start())

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    async def _start(self) -> None:
        credentials = {"etsy": {"keystring": KEYSTRING, "shared_secret": SECRET, "webhook_secret": WEBHOOK_SECRET}}
        app = server.make_app(
            self.folder, credentials, base_url="http://sandbox.test", web_url=self.web_url, setups=[etsy.setup]
        )
        pages.set_brand("Salestio")
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        self.core = app[server.CORE]
        self.control = self.core.marketplaces["etsy"]

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
            self.core.world.reset()
            self.core.limits.set(("etsy",), "off", None)

        self.run(everything)

    def close(self) -> None:
        self._await(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Shop:
    """One shop's client: calls the API with this shop's token, and the control about it."""

    served: Served
    key: str
    official: Official | None
    http: requests.Session = field(default_factory=requests.Session)
    token: str = ""
    refresh: str = ""

    def sign_in(self) -> None:
        """Take the refresh token in force and get a pair of tokens for it."""
        self.refresh = self.served.run(self.served.control.client)["refresh_tokens"][self.key]
        answer = self.grant(grant_type="refresh_token", refresh_token=self.refresh)
        assert answer.status_code == 200, answer.text
        self.token, self.refresh = answer.json()["access_token"], answer.json()["refresh_token"]

    def grant(self, **form: str) -> requests.Response:
        """Ask the token endpoint, as our application unless the form says another."""
        url = f"{self.served.url}/etsy/v3/public/oauth/token"
        return self.http.post(url, data={"client_id": KEYSTRING} | form, timeout=10)

    def call(self, method: str, path: str, *, checked: bool = True, **options: Any) -> requests.Response:
        """Call the API; the answer must be what Etsy's contract says when the contracts are here."""
        headers = {"x-api-key": f"{KEYSTRING}:{SECRET}", "Authorization": f"Bearer {self.token}"}
        headers = {name: value for name, value in {**headers, **options.pop("headers", {})}.items() if value}
        path = f"/v3/application{path}"
        answer = self.http.request(method, f"{self.served.url}/etsy{path}", headers=headers, timeout=30, **options)
        if self.official is not None and checked:
            self.official.check(method, path, answer)
        return answer

    def receipts(self, *, checked: bool = True, **query: Any) -> dict[str, Any]:
        """Return one page of the shop's receipts."""
        answer = self.call("GET", f"/shops/{self.key}/receipts", params=query, checked=checked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ids(self, **query: Any) -> list[str]:
        """Return the ids of one page."""
        return [str(row["receipt_id"]) for row in self.receipts(**query)["results"]]

    def receipt(self, receipt_id: str) -> dict[str, Any]:
        """Return one receipt."""
        answer = self.call("GET", f"/shops/{self.key}/receipts/{receipt_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ship(self, receipt_id: str, **body: Any) -> requests.Response:
        """Tell Etsy that a parcel left."""
        return self.call("POST", f"/shops/{self.key}/receipts/{receipt_id}/tracking", json=body)

    def place(self, **body: Any) -> list[str]:
        """Let buyers order; one candle to a buyer at home unless the body says otherwise."""
        body.setdefault("lines", [{"sku": CANDLE}])
        body.setdefault("buyer", {"address": {"country": "US"}})
        ids: list[str] = self.served.run(self.served.control.place, self.key, body)
        return ids

    def patch(self, receipt_id: str, **body: Any) -> dict[str, Any]:
        """Let an order's life go on."""
        changed: dict[str, Any] = self.served.run(self.served.control.change, self.key, receipt_id, body)
        return changed

    def view(self, receipt_id: str) -> dict[str, Any]:
        """Return an order in the control API's words."""
        found: dict[str, Any] = self.served.run(self.served.control.order, self.key, receipt_id)
        return found

    def listings(self, sku: str | None = None) -> list[dict[str, Any]]:
        """Return the shop's products in the control API's words."""
        found: list[dict[str, Any]] = self.served.run(self.served.control.listings, self.key, sku)
        return found

    def action(self, name: str, **body: Any) -> dict[str, Any]:
        """Do what only Etsy has."""
        done: dict[str, Any] = self.served.run(self.served.control.action, self.key, name, body)
        return done

    @contextmanager
    def fault(self, kind: str, operation: str = "*", **params: Any) -> Iterator[None]:
        """Switch a fault on for a while."""
        add = self.served.core.faults.add
        fault_id = self.served.run(add, "etsy", operation, kind, 1.0, None, params)
        try:
            yield
        finally:
            self.served.run(self.served.core.faults.end, fault_id)


def pkce() -> tuple[str, str]:
    """Return a verifier and its challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass
class Consent:
    """What a browser sees of Etsy's consent page."""

    served: Served
    verifier: str = ""

    def query(self, **changes: str) -> dict[str, str]:
        """Return the parameters of a good request, changed as the test wants; "" leaves one out."""
        self.verifier, challenge = pkce()
        good = {
            "response_type": "code",
            "client_id": KEYSTRING,
            "redirect_uri": f"{self.served.web_url}/connect/etsy/callback",
            "scope": SCOPES,
            "state": "st4te",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**good, **changes}.items() if value}

    def open(self, **changes: str) -> requests.Response:
        """Open the page."""
        query = self.query(**changes)
        return requests.get(f"{self.served.url}/etsy/site/oauth/connect", params=query, timeout=10)

    def agree(self, shop: str, *, answer: str = "approve", **changes: str) -> dict[str, str]:
        """Choose a shop and press a button; returns what the browser brings back."""
        browser, query = requests.Session(), self.query(**changes)
        page = browser.get(f"{self.served.url}/etsy/site/oauth/connect", params=query, timeout=10)
        assert page.status_code == 200 and shop in page.text
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert csrf
        form = {"csrf": csrf[1], "shop": shop, "answer": answer}
        back = browser.post(page.url, data=form, allow_redirects=False, timeout=10)
        assert back.status_code == 302, back.text
        location = urlsplit(back.headers["Location"])
        assert f"{location.scheme}://{location.netloc}{location.path}" == query["redirect_uri"]
        return {name: values[0] for name, values in parse_qs(location.query).items()}


@pytest.fixture(scope="session")
def official() -> Official | None:
    """Etsy's own contract, None where the contracts are not here (the contract tests then say so)."""
    folder = os.environ.get("SALESTIO_SPECS", "")
    return Official(Path(folder)) if folder and Path(folder).is_dir() else None


@pytest.fixture(scope="module")
def ear() -> Iterator[Ear]:
    """Where webhooks go."""
    made = Ear()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, ear: Ear) -> Iterator[Served]:
    """The sandbox of this module."""
    made = Served(tmp_path_factory.mktemp("etsy"), ear.url)
    yield made
    made.close()


@pytest.fixture
def served(running: Served, ear: Ear) -> Served:
    """The sandbox as at its first start, lists without delay and without limits."""
    running.reset()
    ear.heard.clear()
    ear.status = 200
    return running


def client(served: Served, key: str, official: Official | None) -> Shop:
    """Return a shop's client, signed in."""
    made = Shop(served, key, official)
    made.sign_in()
    return made


@pytest.fixture
def lumen(served: Served, official: Official | None) -> Shop:
    """LumenAndLoom: sells in euros, gives addresses but no e-mails."""
    return client(served, LUMEN, official)


@pytest.fixture
def harbour(served: Served, official: Official | None) -> Shop:
    """HarbourAndKiln: sells in dollars; Etsy withholds addresses, e-mails and the tracking call."""
    return client(served, HARBOUR, official)


@pytest.fixture
def consent(served: Served) -> Consent:
    """A browser before Etsy's consent page."""
    return Consent(served)
