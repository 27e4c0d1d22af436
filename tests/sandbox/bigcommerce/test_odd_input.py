"""Whatever a client sends, the pretend store refuses it with words; it never fails."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.bigcommerce.conftest import HASH, PLAIN, Store

ODD: tuple[Any, ...] = (None, "", -1, 1.5, "abc", [], {}, [1], {"a": 1}, True, 10**20, "1e999", "NaN")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within a JSON value, itself included."""
    yield path
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in rows:
        yield from places(entry, (*path, name))


def with_odd(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """Return a copy of a JSON value with another one at a path."""
    if not path:
        return odd
    made = copy.deepcopy(value)
    inner = made
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = odd
    return made


def test_odd_products_of_an_order_are_refused_or_taken(store: Store) -> None:
    modifier = {"id": 1116, "value": "Ann"}
    line = store.line("LL-ENG", product_options=[modifier])
    custom = {"name": "Thing", "quantity": 1, "price_inc_tax": 2, "price_ex_tax": 1}
    body = {**store.order(line, custom, status_id=0, discount_amount=1), "shipping_addresses": []}
    kept = {name: body[name] for name in ("products", "status_id", "discount_amount", "shipping_addresses")}
    for path in places(kept):
        for odd in ODD:
            sent = {**body, **with_odd(kept, path, odd)} if path else odd
            reply = store.call("POST", "/v2/orders", sent)
            assert reply.status_code in (200, 400), (path, odd, reply.text)


CALLS: list[tuple[str, str, Any]] = [
    ("PUT", "/v3/inventory/adjustments/absolute", {"items": [{"location_id": 1, "sku": PLAIN, "quantity": 5}]}),
    ("PUT", "/v3/inventory/locations/1/items", {"settings": [{"identity": {"sku": PLAIN}, "safety_stock": 0}]}),
    ("POST", "/v3/hooks", {"scope": "store/order/created", "destination": "http://127.0.0.1:9/x", "is_active": True}),
    ("POST", "/v3/customers", [{"email": "a@b.example", "first_name": "A", "last_name": "B"}]),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_odd_input_of_v3_is_a_422_or_taken(store: Store, method: str, path: str, body: Any) -> None:
    for place in places(body):
        for odd in ODD:
            reply = store.call(method, path, with_odd(body, place, odd))
            assert reply.status_code in (200, 400, 422), (place, odd, reply.text)


def test_an_odd_shipment_is_refused(store: Store) -> None:
    made = store.created()
    line = store.get(f"/v2/orders/{made['id']}/products")[0]
    items = [{"order_product_id": line["id"], "quantity": 1}]
    body = {"order_address_id": line["order_address_id"], "items": items}
    for place in places(body):
        for odd in ODD:
            reply = store.call("POST", f"/v2/orders/{made['id']}/shipments", with_odd(body, place, odd))
            assert reply.status_code in (201, 400), (place, odd, reply.text)


def test_an_odd_product_of_the_control_api_is_refused_by_field(store: Store) -> None:
    modifier = {"name": "Text", "kind": "choice", "values": ["x"], "required": True}
    body = {"product_title": "T", "options": {"Size": "S"}, "sku": "S-1", "price": "1.00", "modifiers": [modifier]}
    for place in places(body):
        for odd in ODD:
            sent = with_odd(body, place, odd)
            reply = store.http.post(f"{store.sandbox.url}/_control/stores/{HASH}/variants", json=sent, timeout=10)
            assert reply.status_code in (201, 400, 415), (place, odd, reply.text)
