"""The control API: its safety, its checks, and what it counts."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.conftest import SKU, Seller


def post(world: Any, path: str, body: Any, method: str = "POST", **headers: str) -> requests.Response:
    return requests.request(method, f"{world.url}/_control{path}", json=body, headers=headers, timeout=10)


# ── safety ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "sandbox.example"},
        {"Host": "10.0.0.1:80"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_host_or_another_site_may_not_use_it(world: Any, headers: dict[str, str]) -> None:
    assert post(world, "/clock", {"advance_seconds": 5}, **headers).status_code == 403
    assert requests.get(f"{world.url}/_control/endpoints", headers=headers, timeout=10).status_code == 403


def test_writes_must_be_json(world: Any) -> None:
    form = requests.post(f"{world.url}/_control/reset", data={"a": "b"}, timeout=10)
    text = requests.post(f"{world.url}/_control/reset", data="{}", headers={"Content-Type": "text/plain"}, timeout=10)

    assert form.status_code == text.status_code == 415


@pytest.mark.parametrize("url", ["http://localhost", "http://127.0.0.1"])
def test_this_machines_own_names_are_fine(world: Any, url: str) -> None:
    port = world.url.rpartition(":")[2]
    answer = requests.get(f"{world.url}/_control/limits", headers={"Host": f"{url[7:]}:{port}"}, timeout=10)

    assert answer.status_code == 200


# ── bad input names its field ────────────────────────────────────────────────────────────────────────────────────────

ORDERS = "/accounts/amazon/A1NORTHPINEUS/orders"
LINE = {"sku": SKU, "quantity": 1}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (ORDERS, {}, "lines"),
        (ORDERS, {"lines": []}, "lines"),
        (ORDERS, {"lines": [{"quantity": 1}]}, "lines[0].sku"),
        (ORDERS, {"lines": [LINE, {"sku": "A", "quantity": 0}]}, "lines[1].quantity"),
        (ORDERS, {"lines": [LINE | {"unit_price": 5}]}, "lines[0].unit_price"),
        (ORDERS, {"lines": [LINE | {"unit_price": "cheap"}]}, "lines[0].unit_price"),
        (ORDERS, {"lines": [LINE], "tax": "-1"}, "tax"),
        (ORDERS, {"lines": [LINE], "discount": "NaN"}, "discount"),
        (ORDERS, {"lines": [LINE], "count": 0}, "count"),
        (ORDERS, {"lines": [LINE], "count": True}, "count"),
        (ORDERS, {"lines": [LINE], "status": "lost"}, "status"),
        (ORDERS, {"lines": [LINE], "fulfilled_by": "pigeon"}, "fulfilled_by"),
        (ORDERS, {"lines": [LINE], "site": "UK"}, "site"),
        (ORDERS, {"lines": [LINE], "currency": "EUR"}, "currency"),
        (ORDERS, {"lines": [LINE], "mode": "loud"}, "mode"),
        (ORDERS, {"lines": [LINE], "buyer": {"address": {"planet": "Mars"}}}, "buyer.address.planet"),
        (ORDERS, {"lines": [LINE], "surprise": 1}, "surprise"),
        ("/faults", {"kind": "status"}, "platform"),
        ("/faults", {"platform": "amazon", "kind": "gremlin"}, "kind"),
        ("/faults", {"platform": "amazon", "kind": "status", "rate": 2}, "rate"),
        ("/faults", {"platform": "amazon", "kind": "status", "count": 0}, "count"),
        ("/faults", {"platform": "amazon", "kind": "status", "params": {"code": 9}}, "params.code"),
        ("/faults", {"platform": "amazon", "kind": "status", "params": []}, "params"),
        ("/limits", {"profile": "fast"}, "profile"),
        ("/limits", {"profile": "real", "platform": "bazaar"}, "platform"),
        ("/limits", {"profile": "real", "list_delay_seconds": -1}, "list_delay_seconds"),
        ("/clock", {}, "advance_seconds"),
        ("/latency", {"milliseconds": "slow"}, "milliseconds"),
        ("/traffic", {"start": 1}, "start"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(world: Any, path: str, body: dict[str, Any], field: str) -> None:
    answer = post(world, path, body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == field and answer.json()["message"]
    assert world.control("GET", ORDERS)["results"] == []


def test_unknown_sellers_platforms_orders_and_addresses_are_404(world: Any) -> None:
    for path in ("/accounts/amazon/NOBODY/listings", "/accounts/bazaar/A1/listings", f"{ORDERS}/1", "/nothing"):
        assert requests.get(f"{world.url}/_control{path}", timeout=10).status_code == 404, path


def test_what_is_no_json_is_a_400(world: Any) -> None:
    for raw in ("{", "[]", '"x"'):
        answer = requests.post(
            f"{world.url}/_control/clock", data=raw, headers={"Content-Type": "application/json"}, timeout=10
        )
        assert answer.status_code == 400


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_orders_are_placed_at_once_and_read_back(world: Any) -> None:
    ids = world.control("POST", ORDERS, {"lines": [LINE | {"unit_price": "10.00", "quantity": 2}], "count": 20})["ids"]

    assert len(set(ids)) == 20
    order = world.control("GET", f"{ORDERS}/{ids[0]}")
    assert (order["status"], order["total"], order["currency"]) == ("paid", "20.00", "USD")
    assert order["lines"][0]["sku"] == SKU and order["lines"][0]["quantity"] == 2
    assert order["shipments"] == [] and order["canceled"] is None and order["refunds"] == []


def test_an_orders_life_goes_on_and_does_not_go_back(seller: Seller) -> None:
    order_id = seller.place(status="pending")[0]

    assert seller.patch(order_id, status="paid")["status"] == "paid"
    shipped = seller.patch(order_id, status="shipped", carrier="DHL", tracking="JD1")
    assert shipped["status"] == "shipped" and shipped["shipments"][0]["tracking"] == "JD1"
    assert seller.patch(order_id, refund={"amount": "3.00"})["refunds"][0]["amount"] == "3.00"
    for status in ("pending", "canceled", "paid"):
        back = post(seller.sandbox, f"/accounts/amazon/{seller.key}/orders/{order_id}", {"status": status}, "PATCH")
        assert back.status_code == 409 and back.json()["field"] == "status"


def test_amounts_of_the_whole_order_are_spread_to_the_cent(seller: Seller) -> None:
    lines = [{"sku": name, "unit_price": "9.99"} for name in ("A", "B", "C")]
    order_id = seller.place(lines=lines, discount="10.00", tax="1.00", shipping="0.01")[0]

    order = seller.sandbox.control("GET", f"/accounts/amazon/{seller.key}/orders/{order_id}")

    assert order["total"] == "20.98"


# ── what it counts, and how it begins again ──────────────────────────────────────────────────────────────────────────


def test_calls_are_counted_by_operation_and_status(seller: Seller) -> None:
    order_id = seller.place()[0]
    seller.order(order_id)
    seller.order(order_id)
    seller.search(maxResultsPerPage="0")

    rows = {
        (r["operation"], r["status"]): r["count"]
        for r in seller.sandbox.control("GET", "/calls")
        if r["key"] == seller.key
    }

    assert rows["getOrder", 200] == 2 and rows["searchOrders", 400] == 1


def test_a_reset_keeps_tokens_and_forgets_orders_faults_limits_and_the_clock(seller: Seller) -> None:
    seller.place()
    world = seller.sandbox
    world.control("POST", "/faults", {"platform": "amazon", "kind": "status"})
    world.control("POST", "/latency", {"milliseconds": 1})
    world.control("POST", "/clock", {"advance_seconds": 100})

    world.control("POST", "/reset", {})

    assert world.control("GET", "/faults") == [] and world.control("GET", "/calls") == []
    assert world.control("GET", "/writes") == []
    assert world.control("GET", "/limits")["amazon"] == {"profile": "demo", "list_delay_seconds": 1.0}
    assert seller.search().json()["orders"] == []


def test_endpoints_tell_a_foreign_client_all_it_needs(world: Any) -> None:
    known = world.control("GET", "/endpoints")

    assert set(known["amazon"]) >= {"na", "eu", "fe", "lwa", "sqs"}
    assert set(known["clients"]["amazon"]["refresh_tokens"]) >= {
        "A1NORTHPINEUS",
        "A2NORTHPINEUK",
        "A3NORTHPINEOUT",
        "A4HARBOURKILN",
    }
    assert known["clients"]["sqs"]["queue_url"].startswith(known["amazon"]["sqs"])
    assert "northpine-supply.myshopify.com" in known["shopify"]


def test_the_addresses_the_launcher_assumes_are_the_sandboxs(world: Any) -> None:
    from salestio.launch.environment import QUEUE_ARN, QUEUE_PATH

    sqs = world.control("GET", "/endpoints")["clients"]["sqs"]

    assert sqs["queue_arn"] == QUEUE_ARN and sqs["queue_url"] == f"{world.url}{QUEUE_PATH}"


def test_writes_refuse_an_unknown_kind_and_a_limit_that_is_too_high(world: Any) -> None:
    for query in ("kind=order.explode", "limit=1001", "since=-1", "limit=x"):
        assert requests.get(f"{world.url}/_control/writes?{query}", timeout=10).status_code == 400


def test_mails_are_listed_newest_first(world: Any) -> None:
    import os

    folder = world.data / "mail"
    folder.mkdir(exist_ok=True)
    for n, subject in enumerate(("First", "Second")):
        path = folder / f"{n}.eml"
        path.write_text(f"From: a@x.example\nTo: b@x.example\nSubject: {subject}\n\nHello {n}\n")
        os.utime(path, (1_800_000_000 + n, 1_800_000_000 + n))

    found = world.control("GET", "/mail")
    for path in folder.glob("*.eml"):
        path.unlink()

    assert [(mail["subject"], mail["text"].strip()) for mail in found] == [("Second", "Hello 1"), ("First", "Hello 0")]


def test_without_traffic_no_order_comes_by_itself(world: Any) -> None:
    assert world.control("POST", "/traffic", {"start": True}) == {"allowed": False, "running": False, "seeded": False}


def test_the_document_names_every_fault_every_kind_of_write_and_every_call() -> None:
    from pathlib import Path

    from connectors.sandbox.control import _ROUTES
    from connectors.sandbox.faults import KINDS
    from connectors.sandbox.world import WRITE_KINDS

    text = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text()

    assert [name for name in (*KINDS, *WRITE_KINDS) if f"`{name}`" not in text] == []
    assert [path for _, path, _ in _ROUTES if "/" + path.split("/")[1] not in text] == []
