"""A client of the pretend shop, and a small receiver for its webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

SHOP = "northpine-supply.myshopify.com"
OTHER_SHOP = "harbour-and-kiln.myshopify.com"

ORDER_CREATE = """
mutation OrderCreate($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {
  orderCreate(order: $order, options: $options) {
    order {
      id name sourceIdentifier
      totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
      subtotalPriceSet { shopMoney { amount } }
      totalTaxSet { shopMoney { amount } }
      totalDiscountsSet { shopMoney { amount } }
      totalOutstandingSet { shopMoney { amount } } displayFinancialStatus displayFulfillmentStatus requiresShipping tags
      fulfillmentOrders(first: 10) {
        nodes {
          id status assignedLocation { location { name } }
          lineItems(first: 10) { nodes { id totalQuantity remainingQuantity } }
        }
      }
      metafield(namespace: "salestio", key: "order_key") { value }
    }
    userErrors { code field message }
  }
}
"""


def dollars(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}}


@dataclass
class Shop:
    """One pretend shop as an API client sees it, and as the control API does."""

    sandbox: Any
    shop: str
    token: str
    client: dict[str, Any]
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"{self.sandbox.url}/shopify/{self.shop}"

    def post(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> requests.Response:
        return self.http.post(
            f"{self.url}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables or {}},
            headers={"X-Shopify-Access-Token": self.token, **headers},
            timeout=20,
        )

    def run(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data; fails on any top-level error."""
        body = self.post(query, variables).json()
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    def errors(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        body = self.post(query, variables).json()
        found: list[dict[str, Any]] = body["errors"]
        return found

    def variant(self, sku: str) -> dict[str, Any]:
        found = self.sandbox.control("GET", f"/stores/{self.shop}/variants", sku=sku)["results"]
        row: dict[str, Any] = found[0]
        return row

    def change(self, sku: str, **body: Any) -> dict[str, Any]:
        changed: dict[str, Any] = self.sandbox.control("PUT", f"/stores/{self.shop}/variants", body, sku=sku)
        return changed

    def available(self, sku: str) -> list[int]:
        return [place["available"] for place in self.variant(sku)["locations"]]

    def order(self, sku: str = "NP-TEE-XL", quantity: int = 1, **more: Any) -> dict[str, Any]:
        """Return an OrderCreateOrderInput of one line."""
        line = {
            "variantId": self.variant(sku)["id"],
            "quantity": quantity,
            "requiresShipping": True,
            "priceSet": dollars("24.00"),
        }
        return {"lineItems": [line], "currency": "USD", "financialStatus": "PAID", **more}

    def create(self, order: dict[str, Any], behaviour: str | None = "DECREMENT_OBEYING_POLICY") -> dict[str, Any]:
        options = {"inventoryBehaviour": behaviour} if behaviour else None
        payload: dict[str, Any] = self.run(ORDER_CREATE, order=order, options=options)["orderCreate"]
        return payload

    def created(self, order: dict[str, Any], behaviour: str | None = "DECREMENT_OBEYING_POLICY") -> dict[str, Any]:
        payload = self.create(order, behaviour)
        assert payload["userErrors"] == [], payload
        made: dict[str, Any] = payload["order"]
        return made


@pytest.fixture
def shop(sandbox: Any) -> Iterator[Shop]:
    """Northpine's pretend shop in a fresh world."""
    sandbox.reset()
    client = sandbox.control("GET", "/endpoints")["clients"]["shopify"]
    made = Shop(sandbox, SHOP, client["tokens"][SHOP]["access_token"], client)
    yield made
    sandbox.control("DELETE", "/faults")
    made.http.close()


@dataclass
class Receiver:
    """Where webhooks arrive: (headers with lower-case names, body)."""

    url: str
    got: list[tuple[dict[str, str], bytes]]
    status: int = 200

    def wait(self, count: int, seconds: float = 8.0) -> list[tuple[dict[str, str], bytes]]:
        """Return the deliveries once there are ``count``; fails when they do not come."""
        end = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < end, f"{len(self.got)} of {count} deliveries came"
            time.sleep(0.01)
        return list(self.got)

    def until(self, done: Callable[[], bool], seconds: float = 8.0) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A local server that keeps what is posted to it."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the server's own name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hooks", got)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(5)
