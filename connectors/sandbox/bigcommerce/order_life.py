"""What happens to an order after it was made: status, shipments, refunds, archiving. For the API and for the merchant."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce import order_input, order_shapes, stock, totals
from connectors.sandbox.bigcommerce.errors import Refused, invalid, missing
from connectors.sandbox.bigcommerce.state import ORDERS, Doc

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

_PLAIN = ("staff_notes", "customer_message", "ip_address", "payment_method")
_SHIPMENT = frozenset(
    [
        "order_address_id",
        "items",
        "tracking_number",
        "tracking_link",
        "tracking_carrier",
        "shipping_method",
        "shipping_provider",
        "comments",
        "merchant_shipping_cost",
    ]
)


def save(context: Context, doc: Doc) -> None:
    """Keep a changed order and announce it."""
    doc["date_modified"] = context.now
    context.state.save(ORDERS, doc)
    context.tell("store/order/updated", {"type": "order", "id": doc["id"]})


# Status


def set_status(context: Context, doc: Doc, status: int, *, restock: bool | None = None) -> None:
    """Move an order to a status; stock follows (`restock` as in `stock.settle`)."""
    before = doc["status_id"]
    if status == before:
        return
    doc["status_id"] = status
    if status in stock.DONE and not doc["date_shipped"]:
        doc["date_shipped"] = context.now
    if status in stock.DONE:
        for line in doc["lines"]:
            line["shipped"] = max(line["shipped"], line["quantity"] - line["back"])
    stock.settle(context, doc, restock=restock)
    save(context, doc)
    moved = {"previous_status_id": before, "new_status_id": status}
    context.tell("store/order/statusUpdated", {"type": "order", "id": doc["id"], "status": moved})
    if status == stock.CANCELED:
        context.record("order.cancel", doc["external_order_id"] or None, doc["id"], moved)
    else:
        context.record("order.update", doc["external_order_id"] or None, doc["id"], moved)


def update(context: Context, doc: Doc) -> Doc:
    """``updateOrder``: what is not named stays. Lines and costs of an order that exists cannot be changed here."""
    body = order_input.check_names(context.body, order_input.WRITABLE)
    for name in body.keys() & {"products", "consignments", "fees", "default_currency_code", "date_created"}:
        raise Refused(400, f"The field '{name}' of an existing order is not changed by the pretend BigCommerce.")
    read, texts = order_input.common(context, body), order_input.texts(body)
    money = order_input.money(body)
    if "external_merchant_id" in texts and doc["texts"].get("external_merchant_id"):
        raise invalid("external_merchant_id")
    billing = order_input.address(body["billing_address"], "billing_address") if "billing_address" in body else None
    places = body.get("shipping_addresses")
    if places is not None and (not isinstance(places, list) or len(places) != len(doc["shipping"])):
        raise invalid("shipping_addresses")
    homes = [order_input.address(entry, "shipping_address", extra=("shipping_method",)) for entry in places or []]

    if "external_order_id" in texts:
        context.state.refer(doc, texts.pop("external_order_id"))
    doc.update({name: texts.pop(name) for name in _PLAIN if name in texts})
    doc["texts"] |= texts
    doc["money"] |= {name: str(value) for name, value in money.items()}
    doc["billing_address"] = billing or doc["billing_address"]
    for place, home in zip(doc["shipping"], homes, strict=False):
        place["method"] = home.pop("shipping_method") or place["method"]
        place["address"] = home
    doc.update({name: read[name] for name in ("customer_id", "channel_id", "payment_provider_id") if name in read})
    if "is_deleted" in body:
        doc["is_deleted"] = bool(body["is_deleted"])
    if read.get("status_id", doc["status_id"]) != doc["status_id"]:
        set_status(context, doc, read["status_id"])
    else:
        save(context, doc)
        context.record("order.update", doc["external_order_id"] or None, doc["id"], {"fields": sorted(body)})
    return doc


def archive(context: Context, doc: Doc) -> None:
    """``deleteOrder``: the order is archived; it is no longer listed."""
    doc["is_deleted"] = True
    doc["date_modified"] = context.now
    context.state.save(ORDERS, doc)
    context.tell("store/order/archived", {"type": "order", "id": doc["id"]})
    context.record("order.update", doc["external_order_id"] or None, doc["id"], {"is_deleted": True})


# Shipments


def ship(context: Context, doc: Doc, given: Any) -> Doc:
    """``createOrderShipments``: some or all that is left to ship; the order becomes Shipped or Partially Shipped."""
    body = order_input.check_names(given, _SHIPMENT)
    if doc["status_id"] in (stock.CANCELED, stock.DECLINED, stock.REFUNDED):
        raise Refused(409, "This order cannot be shipped.")
    for field in ("order_address_id", "items"):
        if not body.get(field):
            raise missing(field)
    if body["order_address_id"] not in [place["id"] for place in doc["shipping"]]:
        raise invalid("order_address_id")
    provider = str(body.get("shipping_provider") or "")
    if provider and provider not in order_shapes.PROVIDERS and not provider.startswith("carrier_"):
        raise invalid("shipping_provider")
    items = _items(doc, body["items"])
    entry: Doc = {
        "id": context.state.next_id(context.hash, "shipment", 0),
        "order_address_id": body["order_address_id"],
        "date_created": context.now,
        "shipping_provider": provider,
        "items": [
            {"order_product_id": line["id"], "product_id": line["product_id"], "quantity": n} for line, n in items
        ],
    }
    for name in ("tracking_number", "tracking_link", "tracking_carrier", "shipping_method", "comments"):
        entry[name] = str(body.get(name) or "")
    for line, n in items:
        line["shipped"] += n
    doc["shipments"].append(entry)
    context.tell("store/shipment/created", {"type": "shipment", "id": entry["id"], "orderId": doc["id"]})
    whole = all(line["shipped"] >= line["quantity"] - line["back"] for line in doc["lines"])
    context.record(
        "order.ship", doc["external_order_id"] or None, doc["id"], {"shipment": entry["id"], "items": entry["items"]}
    )
    status = stock.SHIPPED if whole else stock.PARTIALLY_SHIPPED
    if status == doc["status_id"]:
        stock.settle(context, doc)
        save(context, doc)
    else:
        set_status(context, doc, status)
    return entry


def _items(doc: Doc, given: Any) -> list[tuple[Doc, int]]:
    if not isinstance(given, list):
        raise invalid("items")
    found: list[tuple[Doc, int]] = []
    for row in given:
        if not isinstance(row, Mapping):
            raise invalid("items")
        line = next((line for line in doc["lines"] if line["id"] == row.get("order_product_id")), None)
        if line is None:
            raise invalid("order_product_id")
        units = order_input.whole(row.get("quantity"), "quantity", 1)
        if units > line["quantity"] - line["back"] - line["shipped"]:
            raise Refused(400, "The quantity of one or more items exceeds what is left to ship.")
        found.append((line, units))
    return found


def change_shipment(context: Context, doc: Doc, entry: Doc, given: Any) -> None:
    """``updateOrderShipment``: its tracking and words."""
    body = order_input.check_names(given, _SHIPMENT)
    for name in (
        "tracking_number",
        "tracking_link",
        "tracking_carrier",
        "shipping_method",
        "comments",
        "shipping_provider",
    ):
        if name in body:
            entry[name] = str(body[name] or "")
    context.tell("store/shipment/updated", {"type": "shipment", "id": entry["id"], "orderId": doc["id"]})
    save(context, doc)


def drop_shipment(context: Context, doc: Doc, entry: Doc) -> None:
    """``deleteOrderShipment``: the parcel is forgotten; the order stays Shipped, as the docs say."""
    doc["shipments"].remove(entry)
    context.tell("store/shipment/deleted", {"type": "shipment", "id": entry["id"], "orderId": doc["id"]})
    save(context, doc)


# Refunds


def refundable(doc: Doc) -> Decimal:
    """Return what is left to give back."""
    return totals.of(doc)["total_inc_tax"] - totals.refunded(doc)


def refund_parts(doc: Doc, items: Any) -> list[Doc]:
    """Read and price a refund's items; raises Refused (422)."""
    if not isinstance(items, list) or not items:
        raise Refused(422, "The items of the refund are missing.", errors={"items": "required"})
    parts: list[Doc] = []
    for n, row in enumerate(items):
        kind = row.get("item_type") if isinstance(row, Mapping) else None
        if kind == "PRODUCT":
            line = next((line for line in doc["lines"] if line["id"] == row.get("item_id")), None)
            units = row.get("quantity")
            if line is None or isinstance(units, bool) or not isinstance(units, int) or units < 1:
                raise Refused(422, "The refund names a product the order has not.", errors={f"items.{n}": "invalid"})
            if units > line["quantity"] - line["refunded"]:
                raise Refused(422, "More units than are left to refund.", errors={f"items.{n}.quantity": "too many"})
            worth = Decimal(line["price"]["inc"]) * units
            parts.append({"type": kind, "line": line["id"], "quantity": units, "amount": str(worth)})
        elif kind in ("ORDER", "SHIPPING", "HANDLING", "TAX", "FEE"):
            try:
                worth = order_input.amount(row.get("amount"), "amount")
            except Refused as refused:
                raise Refused(422, refused.message, errors={f"items.{n}.amount": "invalid"}) from None
            parts.append({"type": kind, "line": doc["id"], "amount": str(worth)})
        else:
            raise Refused(422, "The item_type is not valid.", errors={f"items.{n}.item_type": "invalid"})
        parts[-1]["reason"] = str(row.get("reason") or "")
    worth = sum((Decimal(part["amount"]) for part in parts), Decimal(0))
    if worth > refundable(doc):
        raise Refused(422, "The refund is more than is left of the order.", errors={"items": "too much"})
    return parts


def refund(context: Context, doc: Doc, parts: list[Doc], provider: str, *, restock: bool = True) -> Doc:
    """Give money back: the order becomes Refunded or Partially Refunded, refunded units go back to stock if the store's
    setting says so."""
    settings = stock.behavior(context, doc["channel_id"])
    entry: Doc = {
        "id": context.state.next_id(context.hash, "refund", 0),
        "order": doc["id"],
        "created": context.now,
        "reason": next((part["reason"] for part in parts if part["reason"]), ""),
        "amount": str(sum((Decimal(part["amount"]) for part in parts), Decimal(0))),
        "provider": provider,
        "items": parts,
    }
    for part in parts:
        if part["type"] != "PRODUCT":
            continue
        line = next(line for line in doc["lines"] if line["id"] == part["line"])
        line["refunded"] += part["quantity"]
        variant = stock.variant_of(context, line)
        if restock and settings["refund_order_stock_adjustment"]:
            line["back"] += part["quantity"]
            if variant is not None and stock.tracked(context, variant):
                taken = sum(line["taken"].values())
                too_many = max(0, taken - (line["quantity"] - line["back"]))
                stock.give_back(context, line, context.state.stock_doc(variant), too_many)
    doc["refunds"].append(entry)
    context.tell("store/order/refund/created", {"type": "order", "id": doc["id"], "refund": {"refund_id": entry["id"]}})
    body = {"amount": totals.two(entry["amount"]), "items": parts}
    context.record("refund.create", doc["external_order_id"] or None, entry["id"], body)
    whole = refundable(doc) <= 0
    before = doc["status_id"]
    doc["status_id"] = 4 if whole else 14
    if whole:
        stock.forget_promises(context, doc)
    else:
        stock.settle(context, doc)
    save(context, doc)
    if doc["status_id"] != before:
        moved = {"previous_status_id": before, "new_status_id": doc["status_id"]}
        context.tell("store/order/statusUpdated", {"type": "order", "id": doc["id"], "status": moved})
    return entry
