"""Making an order: `POST /v2/orders`. Everything is checked before anything changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce import order_input, order_lines, order_shapes, stock, totals
from connectors.sandbox.bigcommerce.errors import Refused, invalid, missing
from connectors.sandbox.bigcommerce.state import Doc

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

_OPTIONAL: tuple[Any, ...] = (None, "", [], {})


def create(context: Context) -> Doc:
    """``createOrder``: returns the order as the API shows it."""
    return order_shapes.order(context, place(context))


def place(context: Context) -> Doc:
    """Check and make an order; stock is claimed as its status demands. Raises Refused."""
    body = order_input.check_names(context.body, order_input.WRITABLE)
    if body.get("consignments") not in _OPTIONAL:
        raise Refused(400, "Pick-up consignments need a pick-up method, which this store has none of.")
    for field in ("products", "billing_address"):
        if body.get(field) in _OPTIONAL:
            raise missing(field)
    read = order_input.common(context, body)
    texts = order_input.texts(body)
    money = order_input.money(body)
    code = order_input.currency(context, body)
    billing = order_input.address(body["billing_address"], "billing_address")
    shipping = _shipping(body, billing)
    fees = order_input.fees(body)
    created = order_input.created_at(context, body)
    status = read.get("status_id", stock.PENDING)
    lines = order_lines.read(context, body["products"])
    for line in lines:
        line["shipped"] = line["quantity"] if status in stock.DONE else 0
    if status not in stock.TAKES_NOTHING:
        order_lines.check_stock(context, lines)

    # From here on nothing is refused.
    number = context.state.next_id(context.hash, "order", 99)
    _number(context, lines, shipping)
    doc: Doc = {
        "store": context.hash,
        "id": number,
        "status_id": status,
        "channel_id": read.get("channel_id", 1),
        "customer_id": read.get("customer_id", 0),
        "payment_provider_id": read.get("payment_provider_id", ""),
        **{
            name: texts.pop(name, "") for name in ("staff_notes", "customer_message", "ip_address", "external_order_id")
        },
        "payment_method": texts.pop("payment_method", "Manual"),
        "texts": texts,
        "currency_code": code,
        "money": {name: str(value) for name, value in money.items()},
        "fees": fees,
        "billing_address": billing,
        "shipping": shipping,
        "lines": lines,
        "shipments": [],
        "refunds": [],
        "is_deleted": False,
        "date_created": created,
        "date_modified": context.now,
        "date_shipped": context.now if status in stock.DONE else "",
        "placed_at": context.now,
    }
    context.state.add_order(doc)
    stock.settle(context, doc)
    context.state.save("bigcommerce_orders", doc)
    _count_sold(context, doc)
    context.record("order.create", doc["external_order_id"] or None, number, _recorded(doc))
    stock.watch_oversold(context, doc)
    context.tell("store/order/created", {"type": "order", "id": number})
    return doc


def _number(context: Context, lines: list[Doc], shipping: list[Doc]) -> None:
    """Give an order's parts their numbers; everything goes to the first address."""
    for row in shipping:
        row["id"] = context.state.next_id(context.hash, "order_address", 0)
    for line in lines:
        line["id"] = context.state.next_id(context.hash, "order_product", 0)
        line["order_address_id"] = shipping[0]["id"]


def _shipping(body: Doc, billing: Doc) -> list[Doc]:
    """Read the shipping addresses; an order without any goes to its billing address."""
    given = body.get("shipping_addresses")
    if given in _OPTIONAL:
        return [{"address": billing, "method": ""}]
    if not isinstance(given, list):
        raise invalid("shipping_addresses")
    rows = []
    for entry in given:
        read = order_input.address(entry, "shipping_address", extra=("shipping_method",))
        rows.append({"method": read.pop("shipping_method"), "address": read})
    return rows


def _count_sold(context: Context, doc: Doc) -> None:
    for line in doc["lines"]:
        variant = stock.variant_of(context, line)
        if variant is not None and doc["status_id"] != stock.INCOMPLETE:
            product = context.state.product_of(variant)
            product["total_sold"] += line["quantity"]
            context.state.save("bigcommerce_products", product)


def _recorded(doc: Doc) -> Doc:
    """Return what the write record keeps of an order."""
    return {
        "status_id": doc["status_id"],
        "external_order_id": doc["external_order_id"],
        "external_source": doc["texts"].get("external_source"),
        "total": totals.two(totals.of(doc)["total_inc_tax"]),
        "currency": doc["currency_code"],
        "staff_notes": doc["staff_notes"],
        "payment_method": doc["payment_method"],
        "channel_id": doc["channel_id"],
        "lines": [
            {
                "product_id": line["product_id"],
                "variant_id": line["variant_id"],
                "sku": line["sku"],
                "quantity": line["quantity"],
                "price_inc_tax": totals.two(line["price"]["inc"]),
                "price_ex_tax": totals.two(line["price"]["ex"]),
                "taken": sum(line["taken"].values()),
            }
            for line in doc["lines"]
        ],
    }
