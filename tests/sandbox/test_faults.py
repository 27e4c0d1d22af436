"""Faults and limits as a client meets them over HTTP."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import Seller


def fault(seller: Seller, kind: str, operation: str = "getOrder", **more: Any) -> str:
    body = {"platform": "amazon", "operation": operation, "kind": kind, **more}
    return str(seller.sandbox.control("POST", "/faults", body)["id"])


def get(seller: Seller, order_id: str) -> requests.Response:
    return seller.call("GET", f"/orders/2026-01-01/orders/{order_id}", params={"includedData": "FULFILLMENT,RECIPIENT"})


def test_a_status_comes_instead_of_the_work_as_often_as_said(seller: Seller) -> None:
    order_id = seller.place()[0]
    fault(seller, "status", count=2, params={"code": 503})

    answers = [get(seller, order_id) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].json()["errors"][0]["code"] == "ServiceUnavailable"
    assert seller.sandbox.control("GET", "/faults")[0]["hits"] == 2


@pytest.mark.parametrize("kind", ["status_after", "drop_after", "timeout_after"])
def test_the_work_is_done_although_the_answer_says_otherwise(seller: Seller, kind: str) -> None:
    order = seller.order(seller.place()[0])
    fault(seller, kind, "confirmShipment", count=1, params={"seconds": 0.2})
    body = {
        "marketplaceId": order["salesChannel"]["marketplaceId"],
        "packageDetail": {
            "packageReferenceId": "1",
            "carrierCode": "UPS",
            "trackingNumber": "1Z",
            "shipDate": order["createdTime"],
            "orderItems": [{"orderItemId": order["orderItems"][0]["orderItemId"], "quantity": 1}],
        },
    }
    path = f"/orders/v0/orders/{order['orderId']}/shipmentConfirmation"

    if kind == "status_after":
        assert seller.call("POST", path, json=body).status_code == 500
    else:
        with pytest.raises(requests.ConnectionError):
            seller.call("POST", path, json=body)

    assert seller.order(order["orderId"])["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert len(seller.sandbox.control("GET", "/writes", kind="order.ship")) == 1
    seen = {"status_after": 204, "drop_after": "dropped", "timeout_after": "timeout"}[kind]
    rows = seller.sandbox.control("GET", "/calls")
    assert [row["count"] for row in rows if (row["operation"], row["status"]) == ("confirmShipment", seen)] == [1]


def test_a_status_before_the_work_leaves_it_undone(seller: Seller) -> None:
    order = seller.order(seller.place()[0])
    fault(seller, "status", "confirmShipment", params={"code": 500})
    path = f"/orders/v0/orders/{order['orderId']}/shipmentConfirmation"

    assert seller.call("POST", path, json={}).status_code == 500
    assert seller.sandbox.control("GET", "/writes") == []


def test_html_comes_instead_of_json(seller: Seller) -> None:
    order_id = seller.place()[0]
    fault(seller, "html", params={"code": 200})

    answer = get(seller, order_id)

    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_an_answer_is_cut_in_the_middle(seller: Seller) -> None:
    order_id = seller.place()[0]
    fault(seller, "truncate")

    answer = get(seller, order_id)

    assert answer.status_code == 200 and answer.text.startswith('{"order"')
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_slow_answer_arrives_whole_in_the_end(seller: Seller) -> None:
    order_id = seller.place()[0]
    fault(seller, "slow", params={"seconds": 0.6})
    began = time.monotonic()

    answer = get(seller, order_id)

    assert answer.json()["order"]["orderId"] == order_id and time.monotonic() - began > 0.5


def test_throttled_and_refused_answers_are_the_platforms_own(seller: Seller) -> None:
    order_id = seller.place()[0]
    fault(seller, "throttle", count=1)
    throttled = get(seller, order_id)
    fault(seller, "refuse", params={"code": "InvalidInput", "message": "No such thing", "status": 400})
    refused = get(seller, order_id)

    assert throttled.status_code == 429 and throttled.json()["errors"][0]["code"] == "QuotaExceeded"
    assert refused.status_code == 400 and refused.json()["errors"][0]["message"] == "No such thing"
    rows = [row for row in seller.sandbox.control("GET", "/calls") if row["status"] == 429]
    assert [(row["count"], row["throttled"]) for row in rows] == [(1, 1)]


def test_a_revoked_token_is_said_in_the_platforms_words(seller: Seller) -> None:
    fault(seller, "token_revoked", "*")

    assert "revoked" in seller.search().json()["errors"][0]["details"]
    assert seller.lwa(grant_type="refresh_token", refresh_token="x").json()["error"] == "invalid_grant"


def test_a_fault_with_a_match_strikes_that_order_only(seller: Seller) -> None:
    first, second = seller.place(count=2)
    fault(seller, "status", params={"code": 500, "match": first})

    assert [get(seller, first).status_code, get(seller, second).status_code] == [500, 200]


def test_an_order_is_hidden_from_lists_and_shown_on_two_pages(seller: Seller) -> None:
    ids = seller.place(count=4)
    fault(seller, "hide_order", "searchOrders", params={"match": ids[0]})

    assert {order["orderId"] for order in seller.search().json()["orders"]} == set(ids[1:])

    seller.sandbox.control("DELETE", "/faults")
    fault(seller, "repeat_order", "searchOrders")
    first = seller.search(maxResultsPerPage=2).json()
    second = seller.search(maxResultsPerPage=2, paginationToken=first["pagination"]["nextToken"]).json()
    assert second["orders"][0]["orderId"] == first["orders"][-1]["orderId"]


def test_fields_nobody_announced_unknown_states_and_empty_values(seller: Seller) -> None:
    order_id = seller.place()[0]
    plain = get(seller, order_id).json()["order"]
    fault(seller, "schema_extra", count=1)
    extra = get(seller, order_id).json()["order"]
    fault(seller, "unknown_enum", count=1)
    enum = get(seller, order_id).json()["order"]
    fault(seller, "null_field", count=1, params={"field": "orderItems.product.title"})
    null = get(seller, order_id).json()["order"]

    assert set(extra) - set(plain) == {"fulfillmentInsights"}
    assert enum["fulfillment"]["fulfillmentStatus"] == "ON_ITS_WAY"
    assert null["orderItems"][0]["product"]["title"] is None


def test_faults_end_one_by_one_and_all_at_once(seller: Seller) -> None:
    first, _ = fault(seller, "status"), fault(seller, "slow")

    assert seller.sandbox.control("DELETE", f"/faults/{first}") == {"ended": 1}
    assert [row["kind"] for row in seller.sandbox.control("GET", "/faults")] == ["slow"]
    assert seller.sandbox.control("DELETE", "/faults") == {"ended": 1}


# ── limits and latency ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_published_burst_holds_and_each_seller_has_a_bucket_of_its_own(seller: Seller, outlet: Seller) -> None:
    seller.sandbox.control("POST", "/limits", {"platform": "amazon", "profile": "real"})

    answers = [seller.search() for _ in range(22)]

    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 2
    assert answers[0].headers["x-amzn-RateLimit-Limit"] == "0.0056"
    assert "x-amzn-RateLimit-Limit" not in answers[-1].headers
    assert outlet.search().status_code == 200


def test_the_demo_profile_says_its_own_rate(seller: Seller) -> None:
    seller.sandbox.control("POST", "/limits", {"platform": "amazon", "profile": "demo"})

    assert seller.search().headers["x-amzn-RateLimit-Limit"] == "0.56"


def test_every_answer_takes_the_latency_and_they_take_it_together(seller: Seller) -> None:
    from concurrent.futures import ThreadPoolExecutor

    order_id = seller.place()[0]
    seller.sandbox.control("POST", "/latency", {"milliseconds": 150})
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(seller, order_id), range(8)))

    assert all(answer.status_code == 200 for answer in answers)
    assert 0.15 <= time.monotonic() - began < 0.15 * 6
