"""Shipping, refunds and cancellations: what a seller's program does to an order, and what it sees afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.ebay.conftest import CANDLE, Seller

PARCEL = {"shippingCarrierCode": "USPS", "trackingNumber": "9400100000000000000017"}
CANCEL = "/post-order/v2/cancellation"


def error_of(answer: Any) -> tuple[int, int]:
    return answer.status_code, answer.json()["errors"][0]["errorId"]


def lines_of(seller: Seller, order_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = seller.order(order_id)["lineItems"]
    return found


# ── shipping ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_parcel_is_named_by_its_tracking_number_and_read_back(seller: Seller) -> None:
    (order_id,) = seller.place()
    (line,) = lines_of(seller, order_id)
    shipped = {"lineItems": [{"lineItemId": line["lineItemId"], "quantity": 1}], **PARCEL}

    answer = seller.ship(order_id, **shipped)
    order = seller.order(order_id)
    parcels = seller.call("GET", f"/sell/fulfillment/v1/order/{order_id}/shipping_fulfillment").json()

    assert answer.status_code == 201 and answer.headers["Location"].endswith("/9400100000000000000017")
    assert order["orderFulfillmentStatus"] == "FULFILLED"
    assert order["fulfillmentHrefs"] == [answer.headers["Location"]]
    assert parcels["total"] == 1 and parcels["fulfillments"][0]["shipmentTrackingNumber"] == PARCEL["trackingNumber"]
    one = seller.call("GET", f"/sell/fulfillment/v1/order/{order_id}/shipping_fulfillment/{PARCEL['trackingNumber']}")
    assert one.json() == parcels["fulfillments"][0]
    (write,) = seller.writes("order.ship")
    assert (write["reference"], write["id"], write["body"]) == (order_id, PARCEL["trackingNumber"], shipped)


def test_the_same_parcel_sent_twice_is_there_twice(seller: Seller) -> None:
    (order_id,) = seller.place()

    assert [seller.ship(order_id, **PARCEL).status_code for _ in range(2)] == [201, 201]
    assert len(seller.view(order_id)["shipments"]) == 2 and len(seller.writes("order.ship")) == 2


def test_a_part_of_a_line_can_be_shipped(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "quantity": 3}])
    (line,) = lines_of(seller, order_id)

    seller.ship(order_id, lineItems=[{"lineItemId": line["lineItemId"], "quantity": 1}], **PARCEL)

    assert seller.order(order_id)["orderFulfillmentStatus"] == "IN_PROGRESS"
    assert seller.view(order_id)["status"] == "partially_shipped"
    seller.ship(order_id, lineItems=[{"lineItemId": line["lineItemId"], "quantity": 2}])
    assert seller.order(order_id)["orderFulfillmentStatus"] == "FULFILLED"
    assert seller.view(order_id)["shipments"][1]["reference"] == "999", "a parcel without a number"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"shippingCarrierCode": "USPS"}, 32300),
        ({"trackingNumber": "940010"}, 32300),
        ({"shippingCarrierCode": "USPS", "trackingNumber": "9400 1000-17"}, 32300),
        ({"lineItems": [{"lineItemId": "nobodys"}], **PARCEL}, 32200),
        ({"shippedDate": "yesterday", **PARCEL}, 32500),
        ({"shippedDate": "2031-01-01T00:00:00.000Z", **PARCEL}, 32500),
    ],
)
def test_what_is_wrong_with_a_parcel_is_said_by_number(seller: Seller, body: dict[str, Any], wanted: int) -> None:
    (order_id,) = seller.place()

    assert error_of(seller.ship(order_id, **body)) == (400, wanted)
    assert seller.writes("order.ship") == []


def test_a_line_can_be_in_a_parcel_once(seller: Seller) -> None:
    (order_id,) = seller.place()
    twice = [{"lineItemId": lines_of(seller, order_id)[0]["lineItemId"], "quantity": 1}] * 2

    assert error_of(seller.ship(order_id, lineItems=twice, **PARCEL)) == (400, 32210)


def test_an_order_that_is_not_paid_or_not_there_cannot_be_shipped(seller: Seller) -> None:
    (unpaid,) = seller.place(status="pending")

    assert error_of(seller.ship(unpaid, **PARCEL)) == (400, 32600)
    assert error_of(seller.ship("00-00000-00000", **PARCEL)) == (400, 32100)


# ── refunds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refund_is_pending_at_first_and_done_later(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "unit_price": "30.00"}], tax="2.50")
    seller.action("settings", refund_seconds=60)

    answer = seller.refund(order_id, value="10.00", reasonForRefund="BUYER_RETURN", comment="Broken")
    pending = seller.order(order_id)
    seller.served.advance(seconds=61)
    done = seller.order(order_id)

    assert answer.json()["refundStatus"] == "PENDING"
    assert pending["paymentSummary"]["refunds"][0]["refundStatus"] == "PENDING"
    assert pending["orderPaymentStatus"] == "PAID"
    (refund,) = done["paymentSummary"]["refunds"]
    assert (refund["refundStatus"], refund["refundId"]) == ("REFUNDED", answer.json()["refundId"])
    assert done["orderPaymentStatus"] == "PARTIALLY_REFUNDED" and done["lastModifiedDate"] > pending["lastModifiedDate"]
    assert seller.writes("refund.create")[0]["id"] == answer.json()["refundId"]


def test_all_that_the_seller_got_is_all_there_is_to_refund(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "unit_price": "30.00"}], tax="2.50")

    assert error_of(seller.refund(order_id, value="32.50")) == (400, 34915), "eBay's tax is not the seller's to give"
    seller.refund(order_id, value="12.00")
    assert error_of(seller.refund(order_id, value="18.01")) == (409, 34924)
    seller.refund(order_id, value="18.00")
    assert seller.order(order_id)["orderPaymentStatus"] == "FULLY_REFUNDED"
    assert error_of(seller.refund(order_id, value="0.01")) == (400, 34917)


def test_a_second_refund_waits_for_the_first(seller: Seller) -> None:
    (order_id,) = seller.place()
    seller.action("settings", refund_seconds=60)
    seller.refund(order_id, value="1.00")

    assert error_of(seller.refund(order_id, value="2.00")) == (400, 34922)
    seller.served.advance(seconds=61)
    assert seller.refund(order_id, value="2.00").status_code == 200


def test_a_refund_that_fails_gives_nothing_back(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "unit_price": "30.00"}])
    seller.action("settings", refund_outcome="FAILED")

    seller.refund(order_id, value="30.00")
    order = seller.order(order_id)

    assert order["paymentSummary"]["refunds"][0]["refundStatus"] == "FAILED"
    assert order["orderPaymentStatus"] == "PAID"
    seller.action("settings", refund_outcome="REFUNDED")
    assert seller.refund(order_id, value="30.00").status_code == 200, "what failed can be tried again"


def test_a_refund_of_lines_is_shown_at_the_lines(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "unit_price": "30.00"}, {"title": "Brass Snuffer"}])
    first, second = lines_of(seller, order_id)
    items = [{"lineItemId": first["lineItemId"], "refundAmount": {"value": "5.00", "currency": "USD"}}]

    answer = seller.refund(order_id, refundItems=items)
    order = seller.order(order_id)

    assert order["paymentSummary"]["refunds"] == []
    assert order["lineItems"][0]["refunds"][0]["refundId"] == answer.json()["refundId"]
    assert order["lineItems"][1]["refunds"] == []
    items[0]["refundAmount"] = {"value": "25.01", "currency": "USD"}
    assert error_of(seller.refund(order_id, refundItems=items)) == (409, 34924)
    assert second["lineItemId"] != first["lineItemId"]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"reasonForRefund": "LOST", "value": "1.00"}, (400, 34903)),
        ({}, (400, 34905)),
        ({"value": "1.001"}, (400, 34907)),
        ({"value": "-1.00"}, (400, 34907)),
        ({"value": "1.00", "currency": "EUR"}, (400, 34909)),
        ({"value": "1.00", "comment": "x" * 101}, (400, 34921)),
        (
            {"refundItems": [{"lineItemId": "nobodys", "refundAmount": {"value": "1.00", "currency": "USD"}}]},
            (400, 34914),
        ),
        ({"refundItems": [{"refundAmount": {"value": "1.00", "currency": "USD"}}]}, (400, 34910)),
    ],
)
def test_what_is_wrong_with_a_refund_is_said_by_number(
    seller: Seller, body: dict[str, Any], wanted: tuple[int, int]
) -> None:
    (order_id,) = seller.place()

    assert error_of(seller.refund(order_id, **body)) == wanted
    assert seller.writes("refund.create") == []


def test_an_order_that_is_not_paid_or_not_there_cannot_be_refunded(seller: Seller) -> None:
    (unpaid,) = seller.place(status="pending")

    assert error_of(seller.refund(unpaid, value="1.00")) == (409, 34929)
    assert error_of(seller.refund("00-00000-00000", value="1.00")) == (404, 34913)


# ── cancellations ────────────────────────────────────────────────────────────────────────────────────────────────────


def cancel(seller: Seller, order_id: str, reason: str = "BUYER_ASKED_CANCEL") -> Any:
    body = {"legacyOrderId": order_id, "buyerPaid": True, "cancelReason": reason}
    return seller.call("POST", CANCEL, json=body)


def test_a_buyers_request_is_counted_in_lists_and_told_for_one_order(seller: Seller) -> None:
    (order_id,) = seller.place()
    seller.patch(order_id, cancel_request=True, reason="ORDER_MISTAKE")

    (listed,) = seller.page()["orders"]
    single = seller.order(order_id)

    assert listed["cancelStatus"] == {"cancelState": "IN_PROGRESS", "cancelRequests": []}
    (request,) = single["cancelStatus"]["cancelRequests"]
    assert (request["cancelInitiator"], request["cancelRequestState"]) == ("Buyer", "REQUESTED")
    assert seller.view(order_id)["cancel_requests"][0]["by"] == "buyer"


def test_the_seller_approves_and_the_money_goes_back_by_itself(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "unit_price": "30.00"}])
    seller.patch(order_id, cancel_request=True)
    cancel_id = seller.order(order_id)["cancelStatus"]["cancelRequests"][0]["cancelRequestId"]

    assert seller.call("POST", f"{CANCEL}/{cancel_id}/approve", json={}).status_code == 200
    order = seller.order(order_id)

    assert order["cancelStatus"]["cancelState"] == "CANCELED" and order["cancelStatus"]["cancelledDate"]
    assert order["orderPaymentStatus"] == "FULLY_REFUNDED"
    assert seller.writes("refund.create") == [], "eBay did that, not our client"
    assert seller.writes("order.cancel")[0]["reference"] == order_id
    assert seller.call("POST", f"{CANCEL}/{cancel_id}/approve", json={}).status_code == 409


def test_the_seller_says_no_and_the_order_goes_on(seller: Seller) -> None:
    (order_id,) = seller.place()
    seller.patch(order_id, cancel_request=True)
    cancel_id = seller.order(order_id)["cancelStatus"]["cancelRequests"][0]["cancelRequestId"]

    seller.call("POST", f"{CANCEL}/{cancel_id}/reject", json={})
    status = seller.order(order_id)["cancelStatus"]

    assert status["cancelState"] == "NONE_REQUESTED"
    assert status["cancelRequests"][0]["cancelRequestState"] == "REJECTED"
    assert seller.view(order_id)["status"] == "paid"


def test_the_seller_cancels_and_ebay_takes_its_time(seller: Seller) -> None:
    (order_id,) = seller.place()
    seller.action("settings", refund_seconds=60)

    cancel_id = cancel(seller, order_id).json()["cancelId"]
    begun = seller.order(order_id)
    seller.served.advance(seconds=61)
    canceled = seller.order(order_id)
    seller.served.advance(seconds=61)
    done = seller.order(order_id)

    assert begun["cancelStatus"]["cancelState"] == "IN_PROGRESS" and begun["paymentSummary"]["refunds"] == []
    assert canceled["cancelStatus"]["cancelState"] == "CANCELED"
    assert canceled["paymentSummary"]["refunds"][0]["refundStatus"] == "PENDING"
    assert done["orderPaymentStatus"] == "FULLY_REFUNDED"
    detail = seller.call("GET", f"{CANCEL}/{cancel_id}").json()["cancelDetail"]
    assert (detail["cancelState"], detail["cancelStatus"]) == ("CLOSED", "CANCEL_CLOSED_WITH_REFUND")
    found = seller.call("GET", f"{CANCEL}/search", params={"legacy_order_id": order_id}).json()
    assert [row["cancelId"] for row in found["cancellations"]] == [cancel_id]


def test_what_was_shipped_or_canceled_cannot_be_canceled(seller: Seller) -> None:
    (shipped,) = seller.place(status="shipped")
    (gone,) = seller.place(status="canceled")
    (fine,) = seller.place()

    assert [cancel(seller, order_id).status_code for order_id in (shipped, gone)] == [409, 409]
    assert cancel(seller, fine, "CHANGED_MY_MIND").status_code == 400
    eligible = [
        seller.call("POST", f"{CANCEL}/check_eligibility", json={"legacyOrderId": order_id}).json()["eligible"]
        for order_id in (shipped, gone, fine)
    ]
    assert eligible == [False, False, True]


def test_an_unpaid_order_is_canceled_at_once_without_a_refund(seller: Seller) -> None:
    (order_id,) = seller.place(status="pending")
    seller.action("settings", refund_seconds=60)

    cancel(seller, order_id)

    assert seller.order(order_id)["cancelStatus"]["cancelState"] == "CANCELED"
    assert seller.view(order_id)["refunds"] == [] and seller.view(order_id)["status"] == "canceled"


def test_nobody_cancels_anothers_order(seller: Seller, stranger: Seller) -> None:
    (order_id,) = seller.place()
    seller.patch(order_id, cancel_request=True)
    cancel_id = seller.order(order_id)["cancelStatus"]["cancelRequests"][0]["cancelRequestId"]

    assert cancel(stranger, order_id).status_code == 400
    assert stranger.call("POST", f"{CANCEL}/{cancel_id}/approve", json={}).status_code == 404
    assert stranger.call("GET", f"{CANCEL}/search").json()["total"] == 0


def test_money_is_conserved_by_refunds_of_all_kinds(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "quantity": 2, "unit_price": "19.99"}], shipping="4.01")
    seller.refund(order_id, value="3.99")
    cancel(seller, order_id)

    refunds = seller.view(order_id)["refunds"]

    assert sum(Decimal(refund["amount"]) for refund in refunds) == Decimal("43.99")
