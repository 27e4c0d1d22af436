"""The quota and its headers, and what the core's faults look like at BigCommerce."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.bigcommerce.conftest import CANDLE, Store

QUOTA = ("X-Rate-Limit-Time-Window-Ms", "X-Rate-Limit-Time-Reset-Ms", "X-Rate-Limit-Requests-Quota", "X-Rate-Limit-Requests-Left")  # fmt: skip


def fault(store: Store, kind: str, operation: str = "*", **params: Any) -> None:
    body = {"platform": "bigcommerce", "operation": operation, "kind": kind, "params": params}
    store.sandbox.control("POST", "/faults", body)


@pytest.mark.parametrize(("plan", "quota"), [("standard", 150), ("plus", 150), ("pro", 450)])
def test_the_plans_quota_is_told_in_headers_and_then_429(store: Store, plan: str, quota: int) -> None:
    store.settings(plan=plan)
    store.sandbox.control("POST", "/limits", {"platform": "bigcommerce", "profile": "real"})
    first = store.call("GET", "/v2/time")
    assert [first.headers[name] for name in QUOTA[::2]] == ["30000", str(quota)]
    assert int(first.headers[QUOTA[3]]) == quota - 1
    for _ in range(quota + 60):
        reply = store.call("GET", "/v2/time")
        if reply.status_code == 429:
            break
    assert reply.status_code == 429
    assert reply.headers[QUOTA[3]] == "0"
    assert int(reply.headers[QUOTA[1]]) > 0
    calls = store.sandbox.control("GET", "/calls")
    assert any(row["operation"] == "getSystemTimestamp" and row["throttled"] for row in calls)


def test_a_busy_platform_answers_429_without_headers(store: Store) -> None:
    fault(store, "throttle", "getOrders", headers=False)
    reply = store.call("GET", "/v2/orders")
    assert reply.status_code == 429
    assert not any(name in reply.headers for name in QUOTA)


def test_an_order_made_before_the_line_broke_is_there_and_found(store: Store) -> None:
    fault(store, "drop_after", "createOrder")
    with pytest.raises(requests.ConnectionError):
        store.post(external_order_id="LOST-1")
    store.sandbox.control("DELETE", "/faults")
    assert len(store.get("/v2/orders", external_order_id="LOST-1")) == 1


def test_a_search_may_find_a_new_order_late(store: Store) -> None:
    fault(store, "search_lag", "getOrders", seconds=30)
    made = store.created(external_order_id="LATE-1")
    assert store.get("/v2/orders", external_order_id="LATE-1") == []
    assert store.get(f"/v2/orders/{made['id']}")["external_order_id"] == "LATE-1"
    store.sandbox.control("POST", "/clock", {"advance_seconds": 45})
    assert len(store.get("/v2/orders", external_order_id="LATE-1")) == 1


def test_errors_have_the_form_of_their_version(store: Store) -> None:
    fault(store, "status", "getOrders", code=503)
    fault(store, "status", "getChannels", code=503)
    fault(store, "refuse", "createOrder", code="OutOfStock", message="No more of it.", status=409)
    assert store.call("GET", "/v2/orders").json()[0]["status"] == 503
    assert store.call("GET", "/v3/channels").json()["status"] == 503
    refused = store.post()
    assert (refused.status_code, refused.json()[0]["message"]) == (409, "No more of it.")
    assert refused.json()[0]["details"]["errors"][0]["type"] == "OutOfStock"


def test_a_revoked_token_a_hidden_order_and_a_strange_status(store: Store) -> None:
    first, second = store.created(external_order_id="H-1"), store.created()
    fault(store, "hide_order", "getOrders", match="H-1")
    assert [row["id"] for row in store.get("/v2/orders")] == [second["id"]]
    store.sandbox.control("DELETE", "/faults")
    fault(store, "unknown_enum", "getOrder")
    assert store.call("GET", f"/v2/orders/{first['id']}").json()["status_id"] == 77
    store.sandbox.control("DELETE", "/faults")
    fault(store, "token_revoked")
    assert store.call("GET", "/v2/orders").status_code == 401


def test_every_operation_can_be_named_by_a_fault(store: Store) -> None:
    fault(store, "status", "put-absolute-adjustment", code=500)
    row = {"location_id": 1, "sku": CANDLE, "quantity": 1}
    assert store.call("PUT", "/v3/inventory/adjustments/absolute", {"items": [row]}).status_code == 500
    assert store.call("GET", "/v3/inventory/items").ok
