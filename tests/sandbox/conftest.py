"""The pretend Amazon as a client's program sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

US, CA, UK = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1F83G8C2ARO7P"
EVERYTHING = (
    "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT,FULFILLMENT_ORDERS"
)
SKU = "NP-MBL-200-W-S-FOR"


@dataclass
class Seller:
    """One seller at the pretend Amazon: calls SP-API with this seller's token, and the control API about it."""

    sandbox: Any
    key: str
    region: str
    app: dict[str, Any]
    http: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def lwa(self, **form: str) -> requests.Response:
        """Ask Login with Amazon for a token, as our application unless the form says another."""
        own = {"client_id": self.app["client_id"], "client_secret": self.app["client_secret"]}
        return self.http.post(f"{self.sandbox.url}/amazon/lwa/auth/o2/token", data=own | form, timeout=10)

    def sign_in(self) -> str:
        """Get an access token with the refresh token in force."""
        refresh = self.sandbox.control("GET", "/endpoints")["clients"]["amazon"]["refresh_tokens"][self.key]
        answer = self.lwa(grant_type="refresh_token", refresh_token=refresh)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self.token

    def call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> requests.Response:
        """Call SP-API in this seller's region."""
        headers = {"x-amz-access-token": self.token if token is None else token}
        url = f"{self.sandbox.url}/amazon/{self.region}{path}"
        return self.http.request(method, url, headers=headers, timeout=30, **options)

    def search(self, **query: Any) -> requests.Response:
        """Call searchOrders, by change since ever unless the query says otherwise."""
        if not {"createdAfter", "lastUpdatedAfter"} & set(query):
            query["lastUpdatedAfter"] = "2026-01-01T00:00:00Z"
        return self.call("GET", "/orders/2026-01-01/orders", params=query)

    def order(self, order_id: str, included: str = EVERYTHING) -> dict[str, Any]:
        """Return one order by getOrder."""
        answer = self.call("GET", f"/orders/2026-01-01/orders/{order_id}", params={"includedData": included})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["order"]
        return found

    def place(self, **body: Any) -> list[str]:
        """Place orders over the control API."""
        body.setdefault("lines", [{"sku": SKU, "quantity": 1}])
        ids: list[str] = self.sandbox.control("POST", f"/accounts/amazon/{self.key}/orders", body)["ids"]
        return ids

    def patch(self, order_id: str, **body: Any) -> dict[str, Any]:
        """Let an order's life go on."""
        changed: dict[str, Any] = self.sandbox.control("PATCH", f"/accounts/amazon/{self.key}/orders/{order_id}", body)
        return changed


@pytest.fixture
def world(sandbox: Any) -> Iterator[Any]:
    """The sandbox as at its first start, lists without delay and without limits."""
    sandbox.reset()
    sandbox.control("POST", "/limits", {"profile": "off"})
    yield sandbox
    sandbox.reset()


def _seller(sandbox: Any, key: str, region: str) -> Seller:
    made = Seller(sandbox, key, region, sandbox.control("GET", "/endpoints")["clients"]["amazon"])
    made.sign_in()
    return made


@pytest.fixture
def seller(world: Any) -> Seller:
    """Northpine US, signed in."""
    return _seller(world, "A1NORTHPINEUS", "na")


@pytest.fixture
def outlet(world: Any) -> Seller:
    """Northpine Outlet, which sells in the US and in Canada, signed in."""
    return _seller(world, "A3NORTHPINEOUT", "na")


@pytest.fixture
def british(world: Any) -> Seller:
    """Northpine UK, signed in."""
    return _seller(world, "A2NORTHPINEUK", "eu")
