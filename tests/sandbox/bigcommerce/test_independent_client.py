"""An independent client, the `bigcommerce` package, against the pretend store."""

from __future__ import annotations

from typing import Any

import pytest
from bigcommerce.connection import ClientRequestException, OAuthConnection, RateLimitingException
from bigcommerce.resources import OrderProducts, Orders, OrderShipments, Time

from tests.sandbox.bigcommerce.conftest import SCARCE, Store


class _Here(OAuthConnection):
    """Speaks to the sandbox: the package itself knows https only."""

    def __init__(self, store: Store, api_path: str) -> None:
        self.base = f"{store.url}/{api_path}"
        super().__init__(store.app["client_id"], store.hash, store.token)

    def full_path(self, url: str) -> str:
        return f"{self.base}{url}" if url.startswith("/") else f"{self.base}/{url}"


@pytest.fixture
def v2(store: Store) -> Any:
    return _Here(store, "v2")


def test_orders_are_made_listed_and_shipped(store: Store, v2: Any) -> None:
    made = Orders.create(connection=v2, **store.order(external_order_id="PY-1"))
    assert [row.id for row in Orders.all(connection=v2, external_order_id="PY-1")] == [made.id]
    line = OrderProducts.all(made.id, connection=v2)[0]
    items = [{"order_product_id": line.id, "quantity": line.quantity}]
    OrderShipments.create(made.id, connection=v2, order_address_id=line.order_address_id, items=items)
    assert Orders.get(made.id, connection=v2).status == "Shipped"


def test_a_refusal_is_the_clients_own_error_with_our_body(store: Store, v2: Any) -> None:
    with pytest.raises(ClientRequestException) as refused:
        Orders.create(connection=v2, **store.order(store.line(SCARCE, 3)))
    assert refused.value.status_code == 409
    assert refused.value.response.json()[0]["details"]["errors"][0]["type"] == "OutOfStock"


def test_the_quota_is_understood(store: Store, v2: Any) -> None:
    store.sandbox.control("POST", "/limits", {"platform": "bigcommerce", "profile": "real"})
    Time.all(connection=v2)
    assert v2.rate_limit["requests_quota"] == 150
    body = {"platform": "bigcommerce", "operation": "getSystemTimestamp", "kind": "throttle"}
    store.sandbox.control("POST", "/faults", body)
    with pytest.raises(RateLimitingException) as throttled:
        Time.all(connection=v2)
    assert int(throttled.value.retry_after) > 0


def test_v3_filters_of_several_values_work(store: Store) -> None:
    connection = _Here(store, "v3")
    found = connection.make_request("GET", "inventory/items", None, {"sku:in": "LL-TEA-12,LL-WNT"}, None)
    assert sorted(row["identity"]["sku"] for row in found["data"]) == ["LL-TEA-12", "LL-WNT"]
