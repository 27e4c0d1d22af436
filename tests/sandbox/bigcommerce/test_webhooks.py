"""Webhooks: who is told what, how it is proved, what happens when nobody listens."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.sandbox.bigcommerce.conftest import CANDLE, PLAIN, Receiver, Store


def subscribe(store: Store, receiver: Receiver, *scopes: str) -> list[dict[str, Any]]:
    made = []
    for scope in scopes:
        reply = store.hook(scope, f"{receiver.url}/{scope}", headers={"x-own-word": "secret-1"})
        assert reply.ok, reply.text
        made.append(reply.json()["data"])
    return made


def bodies(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, _, body in receiver.wait(count)]


def test_a_delivery_bears_our_own_headers_and_a_standard_signature(store: Store, receiver: Receiver) -> None:
    subscribe(store, receiver, "store/order/created")
    made = store.created()
    _, _, headers, body = receiver.wait(1)[0]
    assert headers["x-own-word"] == "secret-1"
    key = base64.b64encode(store.app["client_secret"].encode()).decode()
    told = Webhook(key).verify(body, headers)
    assert told["data"] == {"type": "order", "id": made["id"]}
    assert told["producer"] == f"stores/{store.hash}"
    assert told["store_id"].isdigit()
    assert told.keys() == {"producer", "hash", "created_at", "store_id", "scope", "data"}


def test_both_kinds_of_stock_change_are_told_apart(store: Store, receiver: Receiver) -> None:
    subscribe(
        store,
        receiver,
        "store/sku/inventory/updated",
        "store/sku/inventory/order/updated",
        "store/product/inventory/updated",
        "store/product/inventory/order/updated",
    )
    store.created(store.line(CANDLE, 2))
    told = bodies(receiver, 1)[0]
    assert told["scope"] == "store/sku/inventory/order/updated"
    assert told["data"]["inventory"]["variant_id"] == int(store.variant(CANDLE)["id"])
    assert told["data"]["inventory"]["value"] == store.available(CANDLE)
    store.change(PLAIN, available=7)
    told = bodies(receiver, 2)[1]
    assert (told["scope"], told["data"]["id"]) == (
        "store/product/inventory/updated",
        int(store.variant(PLAIN)["product_id"]),
    )


def test_an_apps_own_write_comes_back_to_it(store: Store, receiver: Receiver) -> None:
    subscribe(store, receiver, "store/sku/inventory/updated")
    row = {"location_id": 1, "sku": CANDLE, "quantity": 31}
    store.call("PUT", "/v3/inventory/adjustments/absolute", {"items": [row]})
    assert bodies(receiver, 1)[0]["scope"] == "store/sku/inventory/updated"


def test_status_shipment_and_refund_are_told(store: Store, receiver: Receiver) -> None:
    scopes = ("store/order/statusUpdated", "store/shipment/created", "store/order/refund/created")
    subscribe(store, receiver, *scopes)
    made = store.created()
    store.do(made["id"], "ship", carrier="FedEx", tracking="77")
    store.do(made["id"], "refund")
    told = {(body["scope"], json.dumps(body["data"], sort_keys=True)): body["data"] for body in bodies(receiver, 4)}
    data = [body for (scope, _), body in told.items() if scope == "store/order/statusUpdated"]
    moves = {(row["status"]["previous_status_id"], row["status"]["new_status_id"]) for row in data}
    assert moves == {(11, 2), (2, 4)}
    assert any(row.get("orderId") == made["id"] for row in told.values())
    assert any("refund" in row for row in told.values())


def test_a_star_listens_to_all_of_a_kind(store: Store, receiver: Receiver) -> None:
    subscribe(store, receiver, "store/order/*")
    store.created()
    assert bodies(receiver, 1)[0]["scope"] == "store/order/created"


def test_an_inactive_subscription_is_told_nothing(store: Store, receiver: Receiver) -> None:
    hook = subscribe(store, receiver, "store/order/created")[0]
    asleep = store.call("PUT", f"/v3/hooks/{hook['id']}", {"is_active": False}).json()["data"]
    assert asleep["is_active"] is False
    store.created()
    store.call("PUT", f"/v3/hooks/{hook['id']}", {"is_active": True})
    second = store.created()
    assert [body["data"]["id"] for body in bodies(receiver, 1)] == [second["id"]]


def test_at_most_ten_of_a_scope_and_one_of_a_destination(store: Store) -> None:
    for n in range(10):
        assert store.hook("store/order/updated", f"http://127.0.0.1:9/{n}").ok
    assert store.hook("store/order/updated", "http://127.0.0.1:9/11").status_code == 422
    assert store.hook("store/order/created", "http://127.0.0.1:9/0").ok
    assert store.hook("store/order/created", "http://127.0.0.1:9/0").status_code == 422


@pytest.mark.parametrize(
    ("scope", "destination"),
    [("store/nonsense", "https://app.example/h"), ("store/order/created", "http://app.example/h")],
)
def test_a_bad_subscription_is_refused(store: Store, scope: str, destination: str) -> None:
    reply = store.hook(scope, destination)
    assert reply.status_code == 422
    assert reply.json()["errors"]


def test_a_lost_and_a_repeated_delivery(store: Store, receiver: Receiver) -> None:
    subscribe(store, receiver, "store/order/created")
    base = {"platform": "bigcommerce", "operation": "store/order/created", "count": 1}
    store.sandbox.control("POST", "/faults", {**base, "kind": "webhook_drop"})
    store.created()
    store.sandbox.control("DELETE", "/faults")
    store.sandbox.control("POST", "/faults", {**base, "kind": "webhook_repeat"})
    second = store.created()
    told = bodies(receiver, 2)
    assert {body["data"]["id"] for body in told} == {second["id"]}
    assert len({body["hash"] for body in told}) == 1
