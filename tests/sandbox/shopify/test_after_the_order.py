"""Shipping, moving, canceling, refunding, and what they do to stock."""

from __future__ import annotations

import time
from typing import Any

from tests.sandbox.shopify.conftest import Shop

MOVE = """mutation($id: ID!, $to: ID!) { fulfillmentOrderMove(id: $id, newLocationId: $to) {
  movedFulfillmentOrder { id assignedLocation { location { id } } } userErrors { code field message } } }"""
CANCEL = """mutation($id: ID!, $restock: Boolean!) { orderCancel(orderId: $id, reason: OTHER, restock: $restock) {
  job { id done } jobResult { status } orderCancelUserErrors { code message } } }"""
REFUND = """mutation($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
  refund { id totalRefundedSet { shopMoney { amount } } } userErrors { field message } } }"""
READ = """query($id: ID!) { order(id: $id) { cancelledAt displayFinancialStatus displayFulfillmentStatus
  lineItems(first: 5) { nodes { id currentQuantity unfulfilledQuantity } }
  fulfillmentOrders(first: 5) { nodes { id status } } totalRefundedSet { shopMoney { amount } } } }"""
SET = """mutation($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
  inventoryAdjustmentGroup { id changes { name delta quantityAfterChange } } userErrors { code field message } } }"""


def paid(shop: Shop, **more: Any) -> dict[str, Any]:
    return shop.order(
        transactions=[{"kind": "SALE", "status": "SUCCESS", "gateway": "Amazon", "amountSet": _usd("24.00")}], **more
    )


def _usd(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}}


def test_a_move_takes_the_claim_along_and_is_refused_once_units_were_shipped(shop: Shop) -> None:
    before = shop.available("NP-TEE-XL")
    part = shop.created(shop.order(quantity=2))["fulfillmentOrders"]["nodes"][0]
    places = shop.variant("NP-TEE-XL")["locations"]
    moved = shop.run(MOVE, id=part["id"], to=places[1]["id"])["fulfillmentOrderMove"]
    assert moved["movedFulfillmentOrder"]["assignedLocation"]["location"]["id"] == places[1]["id"]
    assert shop.available("NP-TEE-XL") == [before[0], before[1] - 2]
    order = shop.sandbox.control("GET", f"/stores/{shop.shop}/orders")["results"][0]
    shop.sandbox.control(
        "POST", f"/stores/{shop.shop}/orders/{order['id']}/ship", {"lines": [{"sku": "NP-TEE-XL", "quantity": 1}]}
    )
    refused = shop.run(MOVE, id=part["id"], to=places[0]["id"])["fulfillmentOrderMove"]["userErrors"]
    assert refused[0]["code"] == "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS"


def test_shipping_takes_units_out_of_committed_and_leaves_available_alone(shop: Shop) -> None:
    made = shop.created(shop.order(quantity=2))
    after_order = shop.variant("NP-TEE-XL")["locations"]
    assert after_order[0]["committed"] == 2
    answer = shop.sandbox.control(
        "POST", f"/stores/{shop.shop}/orders/{made['id']}/ship", {"carrier": "UPS", "tracking": "1Z5"}
    )
    assert answer["shipments"] == [
        {
            "carrier": "UPS",
            "tracking": "1Z5",
            "status": "success",
            "location": "Portland Warehouse",
            "lines": [{"sku": "NP-TEE-XL", "quantity": 2}],
        }
    ]
    assert answer["fulfillment_status"] == "fulfilled"
    shipped = shop.variant("NP-TEE-XL")["locations"]
    assert (shipped[0]["committed"], shipped[0]["available"]) == (0, after_order[0]["available"])


def test_a_cancellation_is_a_job_gives_units_back_once_and_is_refused_the_second_time(shop: Shop) -> None:
    before = shop.available("NP-TEE-XL")
    made = shop.created(paid(shop))
    canceled = shop.run(CANCEL, id=made["id"], restock=True)["orderCancel"]
    assert canceled["job"]["done"] is False
    assert shop.available("NP-TEE-XL") == before
    job = canceled["job"]["id"]
    end = time.monotonic() + 5
    while not shop.run("query($id: ID!) { job(id: $id) { done } }", id=job)["job"]["done"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    again = shop.run(CANCEL, id=made["id"], restock=True)["orderCancel"]
    assert again["orderCancelUserErrors"][0]["code"] == "INVALID"
    assert shop.available("NP-TEE-XL") == before
    assert [w["kind"] for w in shop.sandbox.control("GET", "/writes")] == ["order.create", "order.cancel"]


def test_a_refund_is_done_once_for_a_key_and_refuses_the_key_with_other_arguments(shop: Shop) -> None:
    made = shop.created(paid(shop))
    line = shop.run(READ, id=made["id"])["order"]["lineItems"]["nodes"][0]["id"]
    given = {
        "orderId": made["id"],
        "refundLineItems": [{"lineItemId": line, "quantity": 1, "restockType": "CANCEL"}],
        "transactions": [{"amount": "24.00", "gateway": "Amazon", "kind": "REFUND", "orderId": made["id"]}],
    }
    first = shop.run(REFUND, input=given, key="once")["refundCreate"]
    again = shop.run(REFUND, input=given, key="once")["refundCreate"]
    assert again == first
    assert len(shop.sandbox.control("GET", "/writes", kind="refund.create")) == 1
    other = shop.run(REFUND, input={**given, "note": "other"}, key="once")["refundCreate"]
    assert other["userErrors"] != []
    read = shop.run(READ, id=made["id"])["order"]
    assert read["displayFinancialStatus"] == "REFUNDED"
    assert (read["lineItems"]["nodes"][0]["currentQuantity"], read["totalRefundedSet"]["shopMoney"]["amount"]) == (
        0,
        "24.0",
    )
    assert read["fulfillmentOrders"]["nodes"][0]["status"] == "CLOSED"
    missing = shop.errors(REFUND.replace("@idempotent(key: $key)", "").replace(", $key: String!", ""), input=given)
    assert "@idempotent" in missing[0]["message"]


def test_more_cannot_be_refunded_than_was_paid(shop: Shop) -> None:
    made = shop.created(paid(shop))
    given = {
        "orderId": made["id"],
        "transactions": [{"amount": "24.01", "gateway": "Amazon", "kind": "REFUND", "orderId": made["id"]}],
    }
    refused = shop.run(REFUND, input=given, key="much")["refundCreate"]
    assert refused["refund"] is None
    assert refused["userErrors"][0]["message"] == "Refund amount is greater than net payment received"


def test_stock_is_compared_before_it_is_set_and_the_comparison_must_be_present(shop: Shop) -> None:
    place = shop.variant("NP-TEE-XL")["locations"][0]
    item = shop.run('{ productVariants(first: 1, query: "sku:NP-TEE-XL") { nodes { inventoryItem { id } } } }')
    entry = {
        "inventoryItemId": item["productVariants"]["nodes"][0]["inventoryItem"]["id"],
        "locationId": place["id"],
        "quantity": 9,
    }
    given = {"name": "available", "reason": "correction", "quantities": [entry]}
    absent = shop.run(SET, input=given, key="k1")["inventorySetQuantities"]
    assert absent["userErrors"][0]["field"] == ["input", "quantities", "0", "changeFromQuantity"]
    stale = shop.run(SET, input={**given, "quantities": [{**entry, "changeFromQuantity": 0}]}, key="k2")[
        "inventorySetQuantities"
    ]
    assert stale["userErrors"][0]["code"] == "CHANGE_FROM_QUANTITY_STALE"
    fits = {**given, "quantities": [{**entry, "changeFromQuantity": place["available"]}]}
    done = shop.run(SET, input=fits, key="k3")["inventorySetQuantities"]
    assert done["userErrors"] == []
    assert shop.run(SET, input=fits, key="k3")["inventorySetQuantities"] == done, (
        "the same key is answered, not done again"
    )
    assert shop.available("NP-TEE-XL")[0] == 9
    (write,) = shop.sandbox.control("GET", "/writes", kind="stock.set")
    assert write["body"]["available"] == 9
