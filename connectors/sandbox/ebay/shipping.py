"""Fulfillment API v1: shipping fulfillments (no deduplication, as at eBay) and issueRefund (asynchronous)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from connectors.sandbox.ebay import money
from connectors.sandbox.ebay.buying import words
from connectors.sandbox.ebay.common import EBAY, Ebay, enter
from connectors.sandbox.ebay.control import EBAY_BUYERS
from connectors.sandbox.ebay.errors import answer, refused
from connectors.sandbox.ebay.orders import BASE, order_of
from connectors.sandbox.ebay.shapes import parcel_json
from connectors.sandbox.ebay.state import Doc
from connectors.sandbox.world import iso_ms

_MOST_PARCELS = 20
"""Tracking numbers an order can have; eBay names no figure, only the error (34100)."""
_TRACKING = re.compile(r"[A-Za-z0-9]{1,64}")
_REASONS = (
    "BUYER_CANCEL", "SELLER_CANCEL", "ITEM_NOT_RECEIVED", "BUYER_RETURN", "ITEM_NOT_AS_DESCRIBED", "OTHER_ADJUSTMENT",
    "SHIPPING_DISCOUNT",
)  # fmt: skip


def setup(app: web.Application) -> None:
    """Add the routes."""
    parcels = BASE + "/{order_id}/shipping_fulfillment"
    app.router.add_get(parcels, get_parcels)
    app.router.add_post(parcels, create_parcel)
    app.router.add_get(parcels + "/{parcel_id}", get_parcel)
    app.router.add_post(BASE + "/{order_id}/issue_refund", issue_refund)


async def read_json(request: web.Request, error_id: int) -> Doc:
    """Return a body that is a JSON object; raises this error for any other."""
    try:
        body = await request.json()
    except ValueError:
        raise refused(error_id) from None
    if not isinstance(body, dict):
        raise refused(error_id)
    return body


# ── shipping fulfillments ────────────────────────────────────────────────────────────────────────────────────────────


async def get_parcels(request: web.Request) -> web.Response:
    """All parcels of an order."""
    caller = await enter(request, "getShippingFulfillments")
    order = order_of(request.app[EBAY], caller.seller, request.match_info["order_id"])
    rows = [parcel_json(parcel) for parcel in order["fulfillments"]]
    return answer({"fulfillments": rows, "total": len(rows), "warnings": []})


async def get_parcel(request: web.Request) -> web.Response:
    """One parcel; of several with the same id the first."""
    caller = await enter(request, "getShippingFulfillment")
    order = order_of(request.app[EBAY], caller.seller, request.match_info["order_id"])
    parcel_id = request.match_info["parcel_id"]
    parcel = next((parcel for parcel in order["fulfillments"] if parcel["id"] == parcel_id), None)
    if parcel is None:
        raise refused(32110, fulfillmentId=parcel_id)
    return answer(parcel_json(parcel))


async def create_parcel(request: web.Request) -> web.Response:
    """Note a parcel: each call adds one, also a call that was sent before. 201 and its address."""
    caller = await enter(request, "createShippingFulfillment")
    ebay = request.app[EBAY]
    body = await read_json(request, 32600)
    order = order_of(ebay, caller.seller, request.match_info["order_id"])
    lines = _parcel_lines(order, body)
    carrier, tracking = _tracking(order, body)
    shipped_at = _shipped_at(ebay, order, body.get("shippedDate"))
    if words(order) in ("pending", "canceled"):
        # An order that is not paid cannot be fulfilled; eBay's list has no id of its own for that.
        raise refused(32600)
    parcel_id = request.app[EBAY_BUYERS].note_parcel(order, carrier, tracking, lines, shipped_at)
    ebay.world.record("ebay", caller.seller, "order.ship", order["id"], parcel_id, body)
    path = f"{BASE}/{order['id']}/shipping_fulfillment/{parcel_id}"
    return answer(None, status=201, headers={"Location": f"{ebay.core.base_url}{path}"})


def _parcel_lines(order: Doc, body: Doc) -> list[Doc]:
    """Return the lines of a parcel; without any, all that is not shipped yet."""
    given = body.get("lineItems")
    if not given:
        return [
            {"id": line["id"], "quantity": line["quantity"] - line["shipped"]}
            for line in order["lines"]
            if line["quantity"] > line["shipped"]
        ]
    if not isinstance(given, list):
        raise refused(32600)
    lines: list[Doc] = []
    for row in given:
        line_id = str(row.get("lineItemId", "")) if isinstance(row, dict) else ""
        line = next((line for line in order["lines"] if line["id"] == line_id), None)
        if line is None:
            raise refused(32200, lineItemId=line_id)
        if any(known["id"] == line_id for known in lines):
            raise refused(32210)
        units = row.get("quantity", line["quantity"])
        if not isinstance(units, int) or isinstance(units, bool) or not 1 <= units <= line["quantity"]:
            raise refused(32600)
        lines.append({"id": line_id, "quantity": units})
    if "GLOBAL_SHIPPING" in order["programs"] and len(lines) > 1:
        raise refused(34300)
    return lines


def _tracking(order: Doc, body: Doc) -> tuple[str, str]:
    """Return carrier and tracking number: both or neither, the number of letters and digits only."""
    carrier, tracking = body.get("shippingCarrierCode") or "", body.get("trackingNumber") or ""
    if not isinstance(carrier, str) or not isinstance(tracking, str) or bool(carrier) != bool(tracking):
        raise refused(32300)
    if tracking and not _TRACKING.fullmatch(tracking):
        raise refused(32300)
    if len(order["fulfillments"]) >= _MOST_PARCELS:
        raise refused(34100)
    return carrier, tracking


def _shipped_at(ebay: Ebay, order: Doc, text: Any) -> str:
    now = ebay.world.now()
    if text is None:
        return iso_ms(now)
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise refused(32500) from None
    day_before = datetime.fromisoformat(order["created_at"]) - timedelta(days=1)
    if moment.tzinfo is None or not day_before <= moment <= now + timedelta(days=1):
        raise refused(32500)
    return iso_ms(moment.astimezone(now.tzinfo))


# ── issueRefund ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def issue_refund(request: web.Request) -> web.Response:
    """Begin a refund of the order or of lines: PENDING, and done later."""
    caller = await enter(request, "issueRefund")
    ebay, buyers = request.app[EBAY], request.app[EBAY_BUYERS]
    buyers.settle()
    body = await read_json(request, 34902)
    order = ebay.state.order(caller.seller, request.match_info["order_id"])
    if order is None:
        raise refused(34913)
    if body.get("reasonForRefund") not in _REASONS:
        raise refused(34903)
    comment = body.get("comment") or ""
    if not isinstance(comment, str) or len(comment) > 100:
        raise refused(34921)
    value, items = _wanted(order, body)
    _check_payable(order, value, items)
    refund_id = buyers.refund(order, value, items, str(body["reasonForRefund"]), comment)
    ebay.world.record("ebay", caller.seller, "refund.create", order["id"], refund_id, body)
    return answer({"refundId": refund_id, "refundStatus": "PENDING"})


def _wanted(order: Doc, body: Doc) -> tuple[Decimal, list[Doc]]:
    """Return the amount of a refund, and the lines it is for (none for one of the whole order)."""
    whole, rows = body.get("orderLevelRefundAmount"), body.get("refundItems")
    if bool(whole) == bool(rows):
        raise refused(34905)
    if whole:
        return _amount(order, whole), []
    if not isinstance(rows, list):
        raise refused(34905)
    items: list[Doc] = []
    for row in rows:
        line_id = str(row.get("lineItemId") or "") if isinstance(row, dict) else ""
        if not line_id:
            raise refused(34910)
        if not any(line["id"] == line_id for line in order["lines"]):
            raise refused(34914)
        items.append({"id": line_id, "amount": str(_amount(order, row.get("refundAmount")))})
    return sum((Decimal(item["amount"]) for item in items), Decimal(0)), items


def _amount(order: Doc, given: Any) -> Decimal:
    if not isinstance(given, dict) or not given.get("value"):
        raise refused(34906)
    if not given.get("currency"):
        raise refused(34908)
    if given["currency"] != order["currency"]:
        raise refused(34909)
    try:
        value = Decimal(str(given["value"]))
    except InvalidOperation:
        raise refused(34907) from None
    exponent = value.as_tuple().exponent
    if not value.is_finite() or value <= 0 or not isinstance(exponent, int) or exponent < -2:
        raise refused(34907)
    return value


def _check_payable(order: Doc, value: Decimal, items: list[Doc]) -> None:
    """Refuse a refund of what was not paid, or of more than is left. eBay-collected tax is not the seller's to give."""
    if order["payment"] != "PAID":
        raise refused(34929)
    if money.refunded(order, "PENDING"):
        raise refused(34922)
    whole = money.total(order, ebay_tax=False)
    if money.refunded(order, "REFUNDED") >= whole:
        raise refused(34917)
    if value > whole:
        raise refused(34915)
    if value > whole - money.refunded(order, "REFUNDED"):
        raise refused(34924)
    for item in items:
        line = next(line for line in order["lines"] if line["id"] == item["id"])
        paid = money.line_total(line, ebay_tax=False, tax_by=order["tax_by"])
        if _given_back(order, line["id"]) + Decimal(item["amount"]) > paid:
            raise refused(34924)


def _given_back(order: Doc, line_id: str) -> Decimal:
    rows = (item for r in order["refunds"] if r["status"] != "FAILED" for item in r["items"] if item["id"] == line_id)
    return sum((Decimal(item["amount"]) for item in rows), Decimal(0))
