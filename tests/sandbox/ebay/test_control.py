"""The pretend eBay in the control API's words: what is taken, what is refused, and the faults it can have."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from connectors.sandbox.platforms import Refusal
from tests.sandbox.ebay.conftest import CANDLE, HARBOUR, LUMEN, NEWCOMER, Seller, Served


def test_the_demos_sellers_have_agreed_and_the_newcomer_has_not(fresh: Served) -> None:
    control = fresh.control
    rows = {key: fresh.run(control.seller, key) for key in fresh.run(control.keys)}

    assert [rows[key]["connected"] for key in (LUMEN, HARBOUR, NEWCOMER)] == [True, True, False]
    assert rows[LUMEN]["sites"] == ["US", "UK"] and rows[LUMEN]["currency"] == "USD"
    assert rows[HARBOUR]["merchant"] == "harbour" and rows[NEWCOMER]["merchant"] == ""


def test_an_order_is_told_in_the_control_apis_words(seller: Seller) -> None:
    (order_id,) = seller.place(
        lines=[{"sku": CANDLE, "quantity": 2, "unit_price": "10.00"}], tax="1.00", shipping="4.00"
    )
    view = seller.view(order_id)

    assert (view["status"], view["total"], view["currency"], view["site"]) == ("paid", "25.00", "USD", "US")
    assert view["lines"][0] | {"sku": CANDLE, "quantity": 2, "shipped": 0, "unit_price": "10.00"} == view["lines"][0]
    assert view["shipments"] == [] and view["refunds"] == [] and view["canceled"] is None


def test_an_orders_life_goes_on_by_hand(seller: Seller) -> None:
    (order_id,) = seller.place(status="pending")
    order_id = seller.patch(order_id, status="paid")["id"]
    shipped = seller.patch(order_id, status="shipped", carrier="UPS", tracking="1Z999")
    (canceled,) = seller.place()
    gone = seller.patch(canceled, status="canceled", by="merchant", reason="OUT_OF_STOCK")

    assert shipped["status"] == "shipped" and shipped["shipments"][0]["tracking"] == "1Z999"
    assert gone["status"] == "canceled" and gone["canceled"]["by"] == "SELLER"
    with pytest.raises(Refusal) as refusal:
        seller.patch(order_id, status="canceled")
    assert refusal.value.status == 409


def test_lines_address_and_refund_can_be_changed(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "quantity": 3, "unit_price": "10.00"}], buyer={"name": "Ada"})
    seller.patch(order_id, lines=[{"sku": CANDLE, "quantity": 2}])
    seller.patch(order_id, address={"address1": "1 New Road", "city": "Boise", "zip": "83702", "country": "US"})
    seller.patch(order_id, refund="5.00")
    order = seller.order(order_id)
    to = order["fulfillmentStartInstructions"][0]["shippingStep"]["shipTo"]

    assert order["lineItems"][0]["quantity"] == 2 and order["pricingSummary"]["total"]["value"] == "20.0"
    assert (to["fullName"], to["contactAddress"]["addressLine1"]) == ("Ada", "1 New Road")
    assert order["orderPaymentStatus"] == "PARTIALLY_REFUNDED"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": CANDLE, "quantity": 0}]}, "lines[0].quantity"),
        ({"lines": [{"sku": CANDLE, "unit_price": 12.5}]}, "lines[0].unit_price"),
        ({"lines": [{"sku": CANDLE, "variation": "XL"}]}, "lines[0].variation"),
        ({"site": "DE"}, "site"),
        ({"currency": "JPY"}, "currency"),
        ({"status": "lost"}, "status"),
        ({"mode": "loud"}, "mode"),
        ({"count": 0}, "count"),
        ({"tax": "-1.00"}, "tax"),
        ({"programs": ["PRIME"]}, "programs"),
        ({"buyer": {"address": {"planet": "Mars"}}}, "buyer.address.planet"),
        ({"replacement_of": "1"}, "replacement_of"),
        ({"discount": "9999.00"}, "discount"),
        ({"combined": "yes"}, "combined"),
        ({"buyer_currency": "XYZ"}, "buyer_currency"),
        ({"color": "red"}, "color"),
    ],
)
def test_what_is_wrong_with_an_order_is_named(seller: Seller, body: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refusal:
        seller.place(**body)

    assert refusal.value.field == field
    assert seller.ids() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"color": "red"}, "color"),
        ({"status": "pending"}, "status"),
        ({"refund": {"amount": "ten"}}, "refund.amount"),
        ({"lines": [{"sku": "OTHER", "quantity": 1}]}, "lines[0]"),
        ({"payment": "late"}, "payment"),
    ],
)
def test_what_is_wrong_with_a_change_is_named_and_changes_nothing(
    seller: Seller, body: dict[str, Any], field: str
) -> None:
    (order_id,) = seller.place()
    before = seller.order(order_id)

    with pytest.raises(Refusal) as refusal:
        seller.patch(order_id, note="changed?", **body)

    assert refusal.value.field == field
    assert seller.order(order_id) == before


def test_orders_are_listed_newest_first_in_pages(seller: Seller) -> None:
    placed = seller.place(count=5)
    first, following = seller.served.run(seller.served.control.orders, LUMEN, 0, 3)
    second, end = seller.served.run(seller.served.control.orders, LUMEN, 3, 3)

    assert [row["id"] for row in first + second] == placed[::-1]
    assert (following, end) == ("3", None)


def test_a_further_seller_copies_anothers_listings(fresh: Served, seller: Seller) -> None:
    made = fresh.run(fresh.control.add, "EBBENCH0001", {"like": LUMEN, "name": "Bench", "sites": ["DE"]})
    copied = fresh.run(fresh.control.listings, "EBBENCH0001")

    assert made["refresh_token"] and made["currency"] == "EUR" and made["connected"]
    assert len(copied) == len(fresh.run(fresh.control.listings, LUMEN))
    assert set(copied[0]["prices"]) == {"DE"}
    with pytest.raises(Refusal) as refusal:
        fresh.run(fresh.control.add, "EBBENCH0001", {})
    assert refusal.value.status == 409


def test_a_reset_keeps_who_agreed_and_forgets_what_was_bought(fresh: Served, seller: Seller) -> None:
    seller.place(count=3)
    seller.action("settings", refund_seconds=9)
    fresh.reset()

    assert seller.ids() == [] and fresh.control.ebay.settings == {}  # type: ignore[attr-defined]
    assert seller.place() == seller.ids()


def test_a_seller_may_change_the_user_name_but_not_the_id(seller: Seller) -> None:
    seller.action("rename", username="lumen_new")

    user = seller.call("GET", "/commerce/identity/v1/user/", host="apiz").json()

    assert (user["userId"], user["username"]) == (LUMEN, "lumen_new")


def test_what_nobody_knows_is_refused(seller: Seller) -> None:
    control = seller.served.control
    for call, arguments in (
        (control.seller, ("NOBODY",)),
        (control.order, (LUMEN, "00-00000-00000")),
        (control.action, (LUMEN, "dance", {})),
    ):
        with pytest.raises(Refusal) as refusal:
            seller.served.run(call, *arguments)
        assert refusal.value.status == 404
    answer = seller.call("GET", "/buy/browse/v1/item/1", checked=False)
    assert (answer.status_code, answer.json()["errors"][0]["errorId"]) == (404, 2002)


# ── Seller Hub ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_seller_hub_shows_an_order_under_every_id_it_had(seller: Seller) -> None:
    (first,) = seller.place(status="pending", note="<b>Ring</b> twice")
    now = seller.patch(first, status="paid")["id"]
    pages = [
        requests.get(f"{seller.served.url}/ebay/hub/{path}", timeout=10)
        for path in (f"orders/{now}", f"orders/{first}", f"ord/details?orderid={now}", "orders/00-00000-00000")
    ]

    assert [page.status_code for page in pages] == [200, 200, 200, 404]
    assert all(now in page.text and "&lt;b&gt;Ring" in page.text for page in pages[:3])


# ── faults and limits ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_day_has_so_many_calls_for_the_whole_application(seller: Seller, stranger: Seller) -> None:
    seller.served.run(seller.served.core.limits.set, ("ebay",), "real", 0.0)
    seller.action("settings", daily_limits={"sell.fulfillment": 3})
    answers = [seller.search(), stranger.search(), seller.search(), stranger.search()]
    path = "/developer/analytics/v1_beta/rate_limit/"
    shown = seller.call("GET", path, token=seller.app_token(), params={"api_name": "fulfillment"}).json()
    (rate,) = shown["rateLimits"][0]["resources"][0]["rates"]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["errors"][0]["errorId"] == 2001
    assert (rate["limit"], rate["count"], rate["remaining"], rate["timeWindow"]) == (3, 3, 0, 86400)
    seller.served.advance(days=1)
    seller.sign_in()
    assert seller.search().status_code == 200, "the next day begins anew"


def test_an_api_without_limits_answers_with_nothing(seller: Seller) -> None:
    path = "/developer/analytics/v1_beta/rate_limit/"

    assert seller.call("GET", path, token=seller.app_token(), params={"api_name": "none"}).status_code == 204


@pytest.mark.parametrize(
    ("kind", "params", "status"),
    [
        ("status", {"code": 500}, 500),
        ("throttle", {}, 429),
        ("token_revoked", {}, 401),
        ("refuse", {"code": "32100", "message": "Gone"}, 400),
    ],
)
def test_faults_speak_as_ebay_does(seller: Seller, kind: str, params: dict[str, Any], status: int) -> None:
    (order_id,) = seller.place()
    with seller.fault(kind, "getOrder", **params):
        answer = seller.call("GET", f"/sell/fulfillment/v1/order/{order_id}")

    assert answer.status_code == status
    assert seller.order(order_id)["orderId"] == order_id


def test_a_status_after_the_work_leaves_the_work_done(seller: Seller) -> None:
    (order_id,) = seller.place()
    with seller.fault("status_after", "issueRefund", code=500):
        answer = seller.refund(order_id, value="1.00")

    assert answer.status_code == 500 and answer.json()["errors"][0]["errorId"] == 34900
    assert [refund["amount"] for refund in seller.view(order_id)["refunds"]] == ["1.00"]


def test_orders_can_be_hidden_repeated_and_late_in_lists(seller: Seller) -> None:
    placed = seller.place(count=4)
    window = {"filter": "lastmodifieddate:[2026-01-01T00:00:00.000Z..]"}

    with seller.fault("hide_order", "getOrders", match=placed[1]):
        assert seller.ids(**window) == [placed[0], *placed[2:]]
        assert seller.page(**window)["total"] == 4
    with seller.fault("repeat_order", "getOrders"):
        assert seller.ids(**window, limit=2, offset=2) == placed[1:]
    with seller.fault("search_lag", "getOrders", seconds=60):
        assert seller.ids(**window) == []
        assert seller.order(placed[0])


def test_answers_can_hold_what_nobody_announced(seller: Seller) -> None:
    (order_id,) = seller.place()
    path = f"/sell/fulfillment/v1/order/{order_id}"

    with seller.fault("schema_extra", "getOrder"):
        assert "sustainability" in seller.call("GET", path, checked=False).json()
    with seller.fault("unknown_enum", "getOrder", field="orderFulfillmentStatus", value="TELEPORTED"):
        assert seller.order(order_id)["orderFulfillmentStatus"] == "TELEPORTED"
    with seller.fault("null_field", "getOrder", field="lineItems.title"):
        assert seller.call("GET", path, checked=False).json()["lineItems"][0]["title"] is None
    assert "sustainability" not in json.dumps(seller.order(order_id))


def test_the_token_endpoint_has_faults_of_its_own_shape(seller: Seller) -> None:
    refresh = seller.served.run(seller.served.control.client)["refresh_tokens"][LUMEN]
    form = {"grant_type": "refresh_token", "refresh_token": refresh}

    with seller.fault("status", "token", code=503):
        broken = seller.grant(**form)
    with seller.fault("token_revoked", "token"):
        revoked = seller.grant(**form)

    assert (broken.status_code, broken.json()["error"]) == (503, "server_error")
    assert (revoked.status_code, revoked.json()["error"]) == (400, "invalid_grant")


def test_what_ebay_ships_itself_shows_no_parcel(seller: Seller) -> None:
    (order_id,) = seller.place(fulfilled_by="marketplace", status="shipped")

    assert seller.order(order_id)["orderFulfillmentStatus"] == "FULFILLED"
    assert seller.view(order_id)["status"] == "shipped" and seller.view(order_id)["shipments"] == []
