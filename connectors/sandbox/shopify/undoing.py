"""Cancel and refund: ``orderCancel`` (an asynchronous job), ``refundCreate``, and what both do to stock and money."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from connectors.sandbox.shopify import money, payloads, stock, totals
from connectors.sandbox.shopify.context import line_of
from connectors.sandbox.shopify.payloads import currencies_of
from connectors.sandbox.shopify.state import JOBS, Doc

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context

JOB_SECONDS = 0.4
"""How long a cancellation stays "not done" after it was asked for."""


def cancel(ctx: Context, order_id: str, *, reason: str, restock: bool, staff_note: str | None) -> Doc:
    """``orderCancel``: refused for an unknown order, one canceled already, and one with shipped units; else a job, done
    soon after.

    The order itself is canceled at once; ``Job.done`` follows after ``JOB_SECONDS``, as a client must poll for it.
    """
    order = ctx.order(order_id)
    if order is None:
        return _refused("Order does not exist", "NOT_FOUND")
    if order.get("cancelledAt"):
        return _refused("Cannot cancel an order that has already been canceled", "INVALID")
    if any(entry["status"] == "SUCCESS" for entry in order["fulfillments"]):
        return _refused("Cannot cancel an order that has fulfillments that cannot be canceled", "INVALID")
    cancel_now(ctx, order, reason=reason, restock=restock, staff_note=staff_note)
    job = {
        "__typename": "Job",
        "id": ctx.state.new_id("Job"),
        "shop": ctx.shop,
        "at": ctx.instant,
        "order": order["id"],
    }
    ctx.state.save(JOBS, job)
    return {
        "job": job,
        "jobResult": {**job, "__typename": "OrderCancelJobResult"},
        "orderCancelUserErrors": [],
        "userErrors": [],
    }


def _refused(message: str, code: str) -> Doc:
    problem = {"code": code, "field": ["orderId"], "message": message}
    return {"job": None, "jobResult": None, "orderCancelUserErrors": [problem], "userErrors": [problem]}


def cancel_now(ctx: Context, order: Doc, *, reason: str, restock: bool, staff_note: str | None = None) -> None:
    """Cancel what has not been shipped: release the stock, close the fulfillment orders, tell the subscribers."""
    for fulfillment_order in order["fulfillmentOrders"]:
        for line in fulfillment_order["lines"]:
            stock.release(ctx, fulfillment_order, line, line["remaining"], restock=restock)
        if fulfillment_order["status"] != "CLOSED":
            fulfillment_order["status"] = "CANCELLED"
            fulfillment_order["updatedAt"] = ctx.now
    order["cancelledAt"] = ctx.now
    order["closedAt"] = ctx.now
    order["cancelReason"] = reason
    order["staffNote"] = staff_note
    ctx.saved(order)
    body = {"name": order["name"], "reason": reason, "restock": restock}
    ctx.record("order.cancel", order["sourceIdentifier"], order["id"], body)
    ctx.tell("ORDERS_CANCELLED", lambda: payloads.order(ctx, order))
    ctx.tell("ORDERS_UPDATED", lambda: payloads.order(ctx, order))


def refund(ctx: Context, given: Doc) -> Doc:
    """``refundCreate``: lines with what becomes of their stock, shipping, and transactions (none when the money moved
    elsewhere)."""
    order = ctx.order(given["orderId"])
    if order is None:
        return {
            "order": None,
            "refund": None,
            "userErrors": [{"field": ["orderId"], "message": "Order does not exist"}],
        }
    if order["currencyCode"] != order["presentmentCurrencyCode"] and not given.get("currency"):
        return {
            "order": order,
            "refund": None,
            "userErrors": [{"field": ["currency"], "message": "Currency must be given"}],
        }
    problem = _bad_lines(ctx, order, given.get("refundLineItems") or [])
    if problem is None:
        problem = _too_much(order, given)
    if problem:
        return {"order": order, "refund": None, "userErrors": [problem]}
    doc = _refund_doc(ctx, order, given)
    order["refunds"].append(doc)
    ctx.state.know_parts(order)
    order["displayFinancialStatus"] = totals.financial_status(order)
    order["displayFulfillmentStatus"] = totals.fulfillment_status(order)
    ctx.saved(order)
    body = {
        "refund": doc["id"],
        "amount": str(money.load(doc["total"])[0]),
        "currency": order["currencyCode"],
        "lines": [
            {"line": part["line"], "quantity": part["quantity"], "restock": part["restockType"]}
            for part in doc["lines"]
        ],
    }
    ctx.record("refund.create", order["sourceIdentifier"], order["id"], body)
    ctx.tell("REFUNDS_CREATE", lambda: payloads.refund(ctx, order, doc))
    ctx.tell("ORDERS_UPDATED", lambda: payloads.order(ctx, order))
    return {"order": order, "refund": doc, "userErrors": []}


def _bad_lines(ctx: Context, order: Doc, given: list[Doc]) -> Doc | None:
    lines = {line["id"]: line for line in order["lines"]}
    for n, entry in enumerate(given):
        line = lines.get(entry["lineItemId"])
        field = ["refundLineItems", str(n)]
        if line is None:
            return {"field": [*field, "lineItemId"], "message": "Line item does not belong to the order"}
        if entry["quantity"] < 1 or entry["quantity"] > line["quantity"] - line["removed"]:
            return {"field": [*field, "quantity"], "message": "Quantity cannot refund more items than were purchased"}
        place = entry.get("locationId")
        if place and (ctx.state.locations.get(place) or {}).get("shop") != ctx.shop:
            return {"field": [*field, "locationId"], "message": "Location does not exist"}
        if entry.get("restockType") == "RETURN" and not place:
            return {"field": [*field, "locationId"], "message": "Location must be specified to restock items"}
    return None


def _too_much(order: Doc, given: Doc) -> Doc | None:
    asked = sum((money.parse(row["amount"]) for row in given.get("transactions") or []), Decimal(0))
    if asked < 0:
        return {"field": ["transactions"], "message": "Amount must be greater than zero"}
    left = totals.received(order)[0] - totals.refunded(order)[0]
    if asked > left and not given.get("allowOverRefunding"):
        return {"field": ["transactions"], "message": "Refund amount is greater than net payment received"}
    return None


def _refund_doc(ctx: Context, order: Doc, given: Doc) -> Doc:
    both = currencies_of(order)
    lines = []
    for entry in given.get("refundLineItems") or []:
        line = line_of(order, entry["lineItemId"])
        units, kind = entry["quantity"], entry.get("restockType") or "NO_RESTOCK"
        line["removed"] += units
        place = _restock(ctx, order, line, units, kind, entry.get("locationId"))
        net = money.minus(money.times(money.load(line["price"]), line["quantity"]), money.load(line["discount"]))
        share = Decimal(units) / Decimal(line["quantity"])
        lines.append(
            {
                "id": ctx.state.new_id("RefundLineItem"),
                "line": line["id"],
                "quantity": units,
                "restockType": kind,
                "location": place,
                "price": line["price"],
                "subtotal": money.keep(money.times(net, share), both),
                "tax": money.keep(money.times(totals.tax_of(line["taxLines"]), share), both),
            }
        )
    transactions = [_transaction(ctx, order, row) for row in given.get("transactions") or []]
    order["transactions"].extend(transactions)
    paid = money.total(money.load(row["amount"]) for row in transactions)
    return {
        "__typename": "Refund",
        "id": ctx.state.new_id("Refund"),
        "order": order["id"],
        "note": given.get("note"),
        "createdAt": ctx.now,
        "updatedAt": ctx.now,
        "lines": lines,
        "transactions": transactions,
        "shipping": (given.get("shipping") or {}).get("amount"),
        "total": money.keep(paid, both),
    }


def _transaction(ctx: Context, order: Doc, row: Doc) -> Doc:
    amount = money.parse(row["amount"])
    return {
        "id": ctx.state.new_id("OrderTransaction"),
        "amount": money.keep((amount, amount), currencies_of(order)),
        "kind": "REFUND",
        "status": "SUCCESS",
        "gateway": row.get("gateway"),
        "parent": row.get("parentId"),
        "test": order["test"],
        "createdAt": ctx.now,
        "processedAt": ctx.now,
    }


def _restock(ctx: Context, order: Doc, line: Doc, units: int, kind: str, place: str | None) -> str | None:
    """Do what the restock type says; returns the location that got the units.

    CANCEL and NO_RESTOCK take unshipped units off the fulfillment orders (back to stock or not); what is left over was
    shipped. RETURN puts
    shipped units on the shelf of the named location.
    """
    left = units
    for fulfillment_order in order["fulfillmentOrders"]:
        for part in fulfillment_order["lines"]:
            if kind != "RETURN" and part["line"] == line["id"] and left and part["remaining"]:
                freed = min(left, part["remaining"])
                stock.release(ctx, fulfillment_order, part, freed, restock=kind == "CANCEL")
                left -= freed
                place = place or fulfillment_order["location"]
        _close_if_empty(ctx, fulfillment_order)
    variant = ctx.state.variants.get(line["variant"] or "")
    if kind == "RETURN" and place and variant is not None and variant["tracked"]:
        stock.move(ctx, variant["item"], place, available=units)
    return place if kind != "NO_RESTOCK" else None


def _close_if_empty(ctx: Context, fulfillment_order: Doc) -> None:
    if fulfillment_order["status"] in ("OPEN", "IN_PROGRESS") and not any(
        line["remaining"] for line in fulfillment_order["lines"]
    ):
        fulfillment_order["status"] = "CLOSED"
        fulfillment_order["updatedAt"] = ctx.now
