"""How the V2 API shows an order and its parts; field names and types as in orders.v2."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce import totals
from connectors.sandbox.bigcommerce.order_input import ADDRESS, STATUSES
from connectors.sandbox.bigcommerce.state import Doc
from connectors.sandbox.bigcommerce.totals import four

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

_NOTHING = "0.0000"
PROVIDERS = {
    "auspost": "Australia Post",
    "canadapost": "Canada Post",
    "endicia": "Endicia",
    "usps": "USPS",
    "fedex": "FedEx",
    "ups": "UPS",
    "upsready": "UPS Ready",
    "upsonline": "UPS Online",
    "shipperhq": "ShipperHQ",
    "royalmail": "Royal Mail",
}
"""Shipping providers V2 takes, with their names; "" and `carrier_<n>` are taken too."""


def rfc2822(iso: str) -> str:
    """Return a time as V2 writes it; "" stays ""."""
    return format_datetime(datetime.fromisoformat(iso)) if iso else ""


def _link(context: Context, order: Doc, name: str) -> Doc:
    resource = f"/orders/{order['id']}/{name}"
    return {"url": f"{context.base_url}/v2{resource}", "resource": resource}


def payment_status(order: Doc) -> str:
    """Return the payment's state; an order made through the API has no online payment of its own."""
    given_back = totals.refunded(order)
    if not given_back:
        return ""
    return "refunded" if given_back >= totals.of(order)["total_inc_tax"] else "partially refunded"


def order(context: Context, doc: Doc) -> Doc:
    """Return an order."""
    sums = {name: four(value) for name, value in totals.of(doc).items()}
    money = doc["money"]
    base = {f"base_{name}": four(money.get(f"base_{name}", sums[f"{name}_ex_tax"])) for name in totals.COSTS}
    classes = {f"{name}_tax_class_id": 2 if name == "shipping_cost" else 0 for name in totals.COSTS}
    currency = doc["currency_code"]
    kept = ("channel_id", "customer_id", "customer_message", "staff_notes", "payment_method", "ip_address", "status_id")
    store_currency = context.store["currency"]
    return {
        "id": doc["id"],
        **{name: rfc2822(doc[name]) for name in ("date_created", "date_modified", "date_shipped")},
        "cart_id": "",
        "status": STATUSES[doc["status_id"]],
        **{name: doc[name] for name in kept},
        **sums,
        **base,
        **classes,
        "items_total": sum(line["quantity"] for line in doc["lines"]),
        "items_shipped": sum(line["shipped"] for line in doc["lines"]),
        "payment_provider_id": doc["payment_provider_id"],
        "payment_status": payment_status(doc),
        "refunded_amount": four(totals.refunded(doc)),
        "order_is_digital": bool(doc["lines"]) and all(line["type"] == "digital" for line in doc["lines"]),
        "store_credit_amount": _NOTHING,
        "gift_certificate_amount": _NOTHING,
        "ip_address_v6": doc["texts"].get("ip_address_v6", ""),
        "geoip_country": doc["texts"].get("geoip_country", ""),
        "geoip_country_iso2": doc["texts"].get("geoip_country_iso2", ""),
        "currency_id": 1 + context.store["currencies"].index(currency),
        "currency_code": currency,
        "currency_exchange_rate": "1.0000000000",
        "default_currency_id": 1,
        "default_currency_code": currency,
        "store_default_currency_code": store_currency,
        "store_default_to_transactional_exchange_rate": "1.0000000000",
        "discount_amount": four(money.get("discount_amount", 0)),
        "coupon_discount": _NOTHING,
        "shipping_address_count": len(doc["shipping"]),
        "is_deleted": doc["is_deleted"],
        "ebay_order_id": doc["texts"].get("ebay_order_id", "0"),
        "billing_address": {**{name: doc["billing_address"][name] for name in ADDRESS}, "form_fields": []},
        "is_email_opt_in": False,
        "order_source": "external",
        "is_tax_inclusive_pricing": False,
        "customer_locale": doc["texts"].get("customer_locale", "en"),
        "tax_provider_id": doc["texts"].get("tax_provider_id", ""),
        "external_order_id": doc["external_order_id"],
        "external_id": None,
        "external_source": doc["texts"].get("external_source") or None,
        "external_merchant_id": doc["texts"].get("external_merchant_id") or None,
        "products": _link(context, doc, "products"),
        "shipping_addresses": _link(context, doc, "shippingaddresses"),
        "coupons": _link(context, doc, "coupons"),
        "consignments": consignments(context, doc)
        if _wants_consignments(context)
        else _link(context, doc, "consignments"),
        "fees": [fee(entry) for entry in doc["fees"]] if "fees" in _included(context) else _link(context, doc, "fees"),
    }


def _included(context: Context) -> set[str]:
    return {part.strip() for part in context.query.get("include", "").split(",")}


def _wants_consignments(context: Context) -> bool:
    asked = {"consignments", "consignments.line_items"} & _included(context)
    return bool(asked) and context.query.get("consignment_structure") == "object"


def consignments(context: Context, doc: Doc) -> Doc:
    """Return an order's consignments in the object structure: one shipping consignment an address."""
    with_lines = "consignments.line_items" in _included(context)
    rows = []
    for place in doc["shipping"]:
        row = shipping_address(context, doc, place)
        for name in ("order_id", "shipping_quotes", "form_fields"):
            row.pop(name)
        # The same amounts that are texts everywhere else in V2 are numbers here.
        row |= {name: float(row[name]) for name in row if "cost" in name and isinstance(row[name], str)}
        lines = [line for line in doc["lines"] if line["order_address_id"] == place["id"]]
        if with_lines:
            row["line_items"] = [product(doc, line) for line in lines]
        else:
            row["line_items"] = [_link(context, doc, f"consignments/shipping/{place['id']}/line_items")]
        rows.append({**row, "form_fields": []})
    return {"pickups": [], "shipping": rows, "downloads": [], "email": {"gift_certificates": []}}


def product(doc: Doc, line: Doc) -> Doc:
    """Return one of an order's products."""
    ex, inc, n = Decimal(line["price"]["ex"]), Decimal(line["price"]["inc"]), line["quantity"]
    given_back = sum(
        (Decimal(part["amount"]) for entry in doc["refunds"] for part in entry["items"] if part["line"] == line["id"]),
        Decimal(0),
    )
    zeros = (
        "base_cost_price cost_price_inc_tax cost_price_ex_tax cost_price_tax base_wrapping_cost wrapping_cost_ex_tax "
        "wrapping_cost_inc_tax wrapping_cost_tax fixed_shipping_cost width height depth"
    )
    return {
        "id": line["id"],
        "order_id": doc["id"],
        "product_id": line["product_id"],
        "variant_id": line["variant_id"],
        "order_pickup_method_id": 0,
        "order_address_id": line["order_address_id"],
        "name": line["name"],
        "name_customer": line["name_customer"],
        "name_merchant": line["name_merchant"],
        "sku": line["sku"],
        "upc": line["upc"],
        "type": line["type"],
        "base_price": four(ex),
        "price_ex_tax": four(ex),
        "price_inc_tax": four(inc),
        "price_tax": four(inc - ex),
        "base_total": four(ex * n),
        "total_ex_tax": four(ex * n),
        "total_inc_tax": four(inc * n),
        "total_tax": four((inc - ex) * n),
        "discounted_total_inc_tax": four(inc * n),
        "quantity": n,
        **dict.fromkeys(zeros.split(), _NOTHING),
        "weight": four(line["weight"]),
        "is_refunded": line["refunded"] >= n,
        "quantity_refunded": line["refunded"],
        "refund_amount": four(given_back),
        "return_id": 0,
        "wrapping_id": 0,
        "wrapping_name": "",
        "wrapping_message": "",
        "quantity_shipped": line["shipped"],
        "event_name": None,
        "event_date": None,
        "ebay_item_id": "",
        "ebay_transaction_id": "",
        "option_set_id": None,
        "parent_order_product_id": None,
        "is_bundled_product": False,
        "bin_picking_number": "",
        "external_id": None,
        "brand": line["brand"],
        "gift_certificate_id": None,
        "applied_discounts": [],
        "product_options": [_option(line, n, row) for n, row in enumerate(line["product_options"], 1)],
        "configurable_fields": [],
    }


def _option(line: Doc, n: int, row: Doc) -> Doc:
    name, value = row["display_name"], row["display_value"]
    return {
        "id": line["id"] * 10 + n,
        "order_product_id": line["id"],
        **row,
        "name": name,
        "display_style": "Pick list" if row["type"] == "Multiple choice" else "",
        "display_name_customer": name,
        "display_name_merchant": name,
        "display_value_customer": value,
        "display_value_merchant": value,
    }


def shipping_address(context: Context, doc: Doc, place: Doc) -> Doc:
    """Return one of an order's shipping addresses."""
    sums = totals.of(doc)
    lines = [line for line in doc["lines"] if line["order_address_id"] == place["id"]]
    first = place is doc["shipping"][0]
    costs = {name: four(value) if first else _NOTHING for name, value in sums.items()}
    resource = f"/orders/{doc['id']}/shippingaddresses/{place['id']}/shippingquotes"
    return {
        "id": place["id"],
        "order_id": doc["id"],
        **{name: place["address"][name] for name in ADDRESS},
        "items_total": sum(line["quantity"] for line in lines),
        "items_shipped": sum(line["shipped"] for line in lines),
        "shipping_method": place["method"],
        "base_cost": costs["shipping_cost_ex_tax"],
        "cost_ex_tax": costs["shipping_cost_ex_tax"],
        "cost_inc_tax": costs["shipping_cost_inc_tax"],
        "cost_tax": costs["shipping_cost_tax"],
        "cost_tax_class_id": 2,
        "base_handling_cost": costs["handling_cost_ex_tax"],
        "handling_cost_ex_tax": costs["handling_cost_ex_tax"],
        "handling_cost_inc_tax": costs["handling_cost_inc_tax"],
        "handling_cost_tax": costs["handling_cost_tax"],
        "handling_cost_tax_class_id": 0,
        "shipping_zone_id": 1,
        "shipping_zone_name": place["address"]["country"],
        "form_fields": [],
        "shipping_quotes": {"url": f"{context.base_url}/v2{resource}", "resource": resource},
    }


def fee(entry: Doc) -> Doc:
    """Return one of an order's fees."""
    ex, inc = Decimal(entry["ex"]), Decimal(entry["inc"])
    named = {name: value for name, value in entry.items() if name not in ("ex", "inc")}
    return {
        **named,
        "base_cost": four(ex),
        "cost_ex_tax": four(ex),
        "cost_inc_tax": four(inc),
        "cost_tax": four(inc - ex),
        "tax_class_id": 0,
    }


def shipment(doc: Doc, entry: Doc) -> Doc:
    """Return one of an order's shipments."""
    place = next((row for row in doc["shipping"] if row["id"] == entry["order_address_id"]), doc["shipping"][0])
    names = ("id", "order_address_id", "tracking_number", "shipping_method", "shipping_provider", "tracking_carrier")
    return {
        **{name: entry[name] for name in names},
        "order_id": doc["id"],
        "customer_id": doc["customer_id"],
        "date_created": rfc2822(entry["date_created"]),
        "merchant_shipping_cost": _NOTHING,
        "tracking_link": entry["tracking_link"],
        "generated_tracking_link": entry["tracking_link"],
        "shipping_provider_display_name": PROVIDERS.get(entry["shipping_provider"], ""),
        "comments": entry["comments"],
        "billing_address": {name: doc["billing_address"][name] for name in ADDRESS},
        "shipping_address": {name: place["address"][name] for name in ADDRESS},
        "items": [dict(item) for item in entry["items"]],
    }


def status(number: int) -> Doc:
    """Return one of the order statuses."""
    name = STATUSES[number]
    return {
        "id": number,
        "name": name,
        "system_label": name,
        "custom_label": name,
        "system_description": f"The order is in the status {name}.",
    }


def refund(entry: Doc) -> Doc:
    """Return a refund as orders.v3 shows it."""
    items: list[Any] = []
    for part in entry["items"]:
        row = {"item_type": part["type"], "item_id": part["line"], "reason": part["reason"]}
        row["requested_amount"] = float(part["amount"])
        if part["type"] == "PRODUCT":
            row["quantity"] = part["quantity"]
        items.append({**row, "adjustments": []})
    payment = {
        "id": entry["id"],
        "provider_id": entry["provider"],
        "amount": float(entry["amount"]),
        "offline": True,
        "is_declined": False,
        "declined_message": "",
    }
    return {
        "id": entry["id"],
        "order_id": entry["order"],
        "user_id": 0,
        "created": entry["created"],
        "reason": entry["reason"],
        "total_amount": float(entry["amount"]),
        "total_tax": 0,
        "uses_merchant_override_values": False,
        "items": items,
        "payments": [payment],
    }
