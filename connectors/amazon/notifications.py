"""Amazon's push messages → hints. Pure.

A hint only says: look at this order again. Messages come at least once, in any order, and their keys are written in two
ways (PascalCase for ORDER_CHANGE, camelCase for later types), so keys are compared without their case.
"""

from __future__ import annotations

from typing import Any

from connectors.contract.types import FulfilledBy, OrderHint, OrderStatus
from connectors.reading import count, instant, text

STATUSES: dict[str, OrderStatus] = {
    "pending": OrderStatus.INCOMPLETE,
    "pendingavailability": OrderStatus.INCOMPLETE,
    "unshipped": OrderStatus.PAID,
    "partiallyshipped": OrderStatus.PARTIALLY_SHIPPED,
    "shipped": OrderStatus.SHIPPED,
    "invoiceunconfirmed": OrderStatus.SHIPPED,
    "canceled": OrderStatus.CANCELED,
    "cancelled": OrderStatus.CANCELED,
    "unfulfillable": OrderStatus.INCOMPLETE,
}
"""The names of Orders v0, which notifications still use, in lower case."""

FULFILLED_BY = {"MFN": FulfilledBy.MERCHANT, "AFN": FulfilledBy.MARKETPLACE}


def read_hint(message: dict[str, Any] | None) -> OrderHint | None:
    """Return the hint of an ORDER_CHANGE message; None for other types and for what names no seller and order.

    None may come in too: a message of the queue that was no JSON object (`sqs.Message.body`).
    """
    body = _lowered(message) if isinstance(message, dict) else {}
    kind = text(body, "notificationtype").upper()
    change = _object(_object(body, "payload"), "orderchangenotification")
    seller_key, order_id = text(change, "sellerid"), text(change, "amazonorderid")
    if kind != "ORDER_CHANGE" or not seller_key or not order_id:
        return None
    summary = _object(change, "summary")
    items = summary.get("orderitems")
    lines = []
    for item in items if isinstance(items, list) else []:
        line = _lowered(item) if isinstance(item, dict) else {}
        sku, units = text(line, "sellersku"), count(line.get("quantity"))
        if sku and units:
            lines.append((sku, units))
    event_time = text(body, "eventtime")
    changed = _object(change, "orderchangetrigger").get("timeoforderchange")
    return OrderHint(
        message_id=text(_object(body, "notificationmetadata"), "notificationid") or f"{order_id}@{event_time}",
        seller_key=seller_key,
        order_id=order_id,
        status=STATUSES.get(text(summary, "orderstatus").lower()),
        fulfilled_by=FULFILLED_BY.get(text(summary, "fulfillmenttype").upper()),
        at=instant(changed) or instant(event_time),
        lines=tuple(lines),
    )


def _lowered(raw: dict[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in raw.items() if isinstance(key, str)}


def _object(raw: dict[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    return _lowered(value) if isinstance(value, dict) else {}
