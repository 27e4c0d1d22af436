"""The orders of the V2 API, and the refunds and transactions of V3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce import order_life, order_shapes, paging, totals
from connectors.sandbox.bigcommerce.errors import Refused
from connectors.sandbox.bigcommerce.order_input import STATUSES
from connectors.sandbox.bigcommerce.state import Doc, key_of

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

OFFLINE = "custom"
"""The payment provider of a refund paid outside BigCommerce."""


def found(context: Context, name: str = "id") -> Doc:
    """Return the order of the address; archived ones too. Raises Refused (404)."""
    doc = context.state.orders.get(key_of(context.hash, context.params[name]))
    if doc is None:
        raise Refused(404, "The requested resource was not found.")
    return doc


# Lists


def chosen(context: Context) -> list[Doc]:
    """Return the orders a query asks for, oldest first unless it sorts; archived ones are left out."""
    query, state = context.query, context.state
    rows: Sequence[Doc] = state.orders_of[context.hash]
    if "external_order_id" in query:
        rows = state.by_reference.get((context.hash, query["external_order_id"]), [])
        seen = context.seen_until("getOrders")
        if seen is not None:
            rows = [doc for doc in rows if _moment(doc, "placed_at") <= seen]
    tests = _tests(context)
    if context.query.get("is_deleted") != "true":
        tests.append(lambda doc: not doc["is_deleted"])
    kept = [doc for doc in rows if all(test(doc) for test in tests)]
    return _sorted(kept, query.get("sort", "id:asc"))


def _moment(doc: Doc, name: str) -> datetime:
    return datetime.fromisoformat(doc[name])


def _tests(context: Context) -> list[Callable[[Doc], bool]]:
    from connectors.sandbox.bigcommerce.face import parse_time

    query = context.query
    tests: list[Callable[[Doc], bool]] = []

    def number(name: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(query[name])
        except ValueError:
            raise Refused(400, f"The field '{name}' is invalid.") from None

    for name, field in (("status_id", "status_id"), ("customer_id", "customer_id"), ("channel_id", "channel_id")):
        if name in query:
            wanted = number(name, int)
            tests.append(lambda doc, field=field, wanted=wanted: doc[field] == wanted)  # type: ignore[misc]
    if "min_id" in query:
        least = number("min_id", int)
        tests.append(lambda doc: doc["id"] >= least)
    if "max_id" in query:
        most = number("max_id", int)
        tests.append(lambda doc: doc["id"] <= most)
    if "min_total" in query:
        low = number("min_total", float)
        tests.append(lambda doc: float(totals.of(doc)["total_inc_tax"]) >= low)
    if "max_total" in query:
        high = number("max_total", float)
        tests.append(lambda doc: float(totals.of(doc)["total_inc_tax"]) <= high)
    if "email" in query:
        tests.append(lambda doc: doc["billing_address"]["email"].casefold() == query["email"].casefold())
    if "payment_method" in query:
        tests.append(lambda doc: doc["payment_method"] == query["payment_method"])
    for field in ("date_created", "date_modified"):
        for edge, sign in (("min", 1), ("max", -1)):
            if f"{edge}_{field}" not in query:
                continue
            moment = parse_time(query[f"{edge}_{field}"])
            if moment is None:
                raise Refused(400, f"The field '{edge}_{field}' is invalid.")
            tests.append(
                lambda doc, field=field, sign=sign, moment=moment: (  # type: ignore[misc]
                    sign * (_moment(doc, field) - moment).total_seconds() >= 0
                )
            )
    return tests


def _sorted(rows: list[Doc], sort: str) -> list[Doc]:
    field, _, direction = sort.partition(":")
    if field not in ("id", "customer_id", "date_created", "date_modified", "status_id", "channel_id", "external_id"):
        raise Refused(400, "The field 'sort' is invalid.")
    if direction not in ("", "asc", "desc"):
        raise Refused(400, "The field 'sort' is invalid.")
    if field in ("id", "external_id"):
        return rows if direction != "desc" else rows[::-1]
    return sorted(rows, key=lambda doc: doc[field], reverse=direction == "desc")


def orders(context: Context) -> Any:
    """``getOrders``."""
    return paging.v2(context, chosen(context), lambda doc: order_shapes.order(context, doc))


def count(context: Context) -> Any:
    """``getOrdersCount``."""
    rows = chosen(context)
    statuses = []
    for number in range(len(STATUSES)):
        n = sum(1 for doc in rows if doc["status_id"] == number)
        statuses.append({**order_shapes.status(number), "count": n, "sort_order": number})
    return {"statuses": statuses, "count": len(rows)}


# One order


def order(context: Context) -> Any:
    """``getOrder``."""
    return order_shapes.order(context, found(context))


def update(context: Context) -> Any:
    """``updateOrder``."""
    return order_shapes.order(context, order_life.update(context, found(context)))


def archive(context: Context) -> None:
    """``deleteOrder``."""
    order_life.archive(context, found(context))


def products(context: Context) -> Any:
    """``getOrderProducts``."""
    doc = found(context)
    return paging.v2(context, doc["lines"], lambda line: order_shapes.product(doc, line))


def product(context: Context) -> Any:
    """``getOrderProduct``."""
    doc = found(context)
    line = next((line for line in doc["lines"] if str(line["id"]) == context.params["part"]), None)
    if line is None:
        raise Refused(404)
    return order_shapes.product(doc, line)


def addresses(context: Context) -> Any:
    """``getOrderShippingAddresses``."""
    doc = found(context)
    return paging.v2(context, doc["shipping"], lambda place: order_shapes.shipping_address(context, doc, place))


def consignments(context: Context) -> Any:
    """``getOrderConsignments``."""
    return order_shapes.consignments(context, found(context))


def fees(context: Context) -> Any:
    """``getOrderFees``."""
    return paging.v2(context, found(context)["fees"], order_shapes.fee)


def nothing(context: Context) -> Any:
    """Coupons, messages and taxes of an order: this store's orders have none."""
    found(context)


def statuses(context: Context) -> Any:
    """``getOrderStatuses``."""
    return [order_shapes.status(number) for number in range(len(STATUSES))]


def status(context: Context) -> Any:
    """``getOrderStatusesStatus``."""
    if int(context.params["id"]) >= len(STATUSES):
        raise Refused(404)
    return order_shapes.status(int(context.params["id"]))


# Shipments


def shipments(context: Context) -> Any:
    """``getOrderShipments``."""
    doc = found(context)
    return paging.v2(context, doc["shipments"], lambda entry: order_shapes.shipment(doc, entry))


def shipment_count(context: Context) -> Any:
    """``getOrderShipmentsCount``."""
    return {"count": len(found(context)["shipments"])}


def _shipment(context: Context, doc: Doc) -> Doc:
    entry: Doc | None = next((entry for entry in doc["shipments"] if str(entry["id"]) == context.params["part"]), None)
    if entry is None:
        raise Refused(404)
    return entry


def shipment(context: Context) -> Any:
    """``getOrderShipment``."""
    doc = found(context)
    return order_shapes.shipment(doc, _shipment(context, doc))


def ship(context: Context) -> Any:
    """``createOrderShipments``."""
    doc = found(context)
    return order_shapes.shipment(doc, order_life.ship(context, doc, context.body)), 201


def change_shipment(context: Context) -> Any:
    """``updateOrderShipment``."""
    doc = found(context)
    entry = _shipment(context, doc)
    order_life.change_shipment(context, doc, entry, context.body)
    return order_shapes.shipment(doc, entry)


def drop_shipment(context: Context) -> None:
    """``deleteOrderShipment``."""
    doc = found(context)
    order_life.drop_shipment(context, doc, _shipment(context, doc))


# Refunds and transactions (V3)


def _items(context: Context) -> Any:
    return context.body.get("items") if isinstance(context.body, dict) else None


def refund_quote(context: Context) -> Any:
    """``createOrderRefundQuotes``: what the items come to, and how it can be paid back (outside BigCommerce only)."""
    doc = found(context)
    parts = order_life.refund_parts(doc, _items(context))
    total = sum(float(part["amount"]) for part in parts)
    method = {
        "provider_id": OFFLINE,
        "provider_description": doc["payment_method"] or "Manual",
        "amount": total,
        "offline": True,
        "offline_provider": True,
        "offline_reason": "The order was paid outside BigCommerce.",
    }
    quote = {
        "order_id": doc["id"],
        "total_refund_amount": total,
        "total_refund_tax_amount": 0,
        "order_level_refund_amount": sum(float(part["amount"]) for part in parts if part["type"] == "ORDER"),
        "rounding": 0,
        "adjustment": 0,
        "tax_inclusive": False,
        "refund_methods": [[method]],
    }
    return {"data": quote, "meta": {}}, 201


def refund(context: Context) -> Any:
    """``createOrderRefund``."""
    doc = found(context)
    parts = order_life.refund_parts(doc, _items(context))
    payments = context.body.get("payments")
    if not isinstance(payments, list) or not payments or not all(isinstance(row, dict) for row in payments):
        raise Refused(422, "The payments of the refund are missing.", errors={"payments": "required"})
    worth = sum(float(part["amount"]) for part in parts)
    paid = sum(float(row.get("amount") or 0) for row in payments)
    if abs(worth - paid) > 0.005:
        raise Refused(422, "The payments are not what the items come to.", errors={"payments": "amount"})
    entry = order_life.refund(context, doc, parts, str(payments[0].get("provider_id") or OFFLINE))
    return {"data": order_shapes.refund(entry), "meta": {}}, 201


def refunds(context: Context) -> Any:
    """``getOrderRefunds``."""
    return {"data": [order_shapes.refund(entry) for entry in found(context)["refunds"]], "meta": {}}


def transactions(context: Context) -> Any:
    """``getOrderTransactions``: none, since no order is paid through BigCommerce here."""
    found(context)
