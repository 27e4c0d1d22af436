"""Receipts as Open API v3 shows them, addresses and e-mails only where Etsy gives them, and as the control API does.

Source of the shapes: Etsy's contract of 2026-08-17. Etsy withholds `first_line`, `second_line`, `city`, `state`, `zip`,
`country_iso` and `formatted_address` in some regions from apps that are no preferred partner, and `buyer_email` from
most; all of them are then null.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.sandbox.etsy.buying import etsy_status, goods, grandtotal, part
from connectors.sandbox.etsy.personalization import PROPERTY
from connectors.sandbox.etsy.state import Doc, amount, money, number
from connectors.sandbox.world import iso_ms

_ADDRESS = ("first_line", "second_line", "city", "state", "zip", "country_iso")
_PROPERTY_IDS = {"Color": 200, "Size": 100, "Material": 300}
"""Etsy's own properties have small numbers; the two a seller names are 513 and 514."""
_CUSTOM = (513, 514)


def seconds(ms: int | None) -> int | None:
    """Return a time as Etsy shows it: seconds since 1970."""
    return None if ms is None else ms // 1000


def iso(ms: int) -> str:
    """Return a time as the control API shows it."""
    return iso_ms(datetime.fromtimestamp(ms / 1000, UTC))


# ── receipts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def receipt_json(receipt: Doc, shop: Doc) -> Doc:
    """Return a receipt as `getShopReceipt` does, with what this shop's region lets our app see."""
    currency, created = receipt["currency"], seconds(receipt["created_ms"])

    def sum_of(value: Decimal) -> Doc:
        return money(value, currency)

    total, discount = goods(receipt), part(receipt, "discount")
    return {
        "receipt_id": int(receipt["id"]),
        # 0 is etsy.com, 1 the seller's own Pattern site.
        "receipt_type": int(receipt["pattern"]),
        "seller_user_id": shop["user_id"],
        "seller_email": None,
        "buyer_user_id": receipt["buyer"]["user_id"],
        "buyer_email": receipt["buyer"]["email"] or None if shop["email"] else None,
        "name": receipt["buyer"]["name"],
        **_address(receipt, shop),
        "status": etsy_status(receipt),
        "payment_method": receipt["payment_method"],
        "payment_email": None,
        "message_from_seller": None,
        "message_from_buyer": receipt["note"] or None,
        "message_from_payment": None,
        "is_paid": receipt["paid_ms"] is not None,
        "is_shipped": receipt["shipped_ms"] is not None,
        "create_timestamp": created,
        "created_timestamp": created,
        "update_timestamp": seconds(receipt["updated_ms"]),
        "updated_timestamp": seconds(receipt["updated_ms"]),
        "is_gift": receipt["is_gift"],
        "gift_message": receipt["gift_message"],
        "gift_sender": receipt["gift_sender"],
        "grandtotal": sum_of(grandtotal(receipt)),
        "subtotal": sum_of(total - discount),
        "total_price": sum_of(total),
        "total_shipping_cost": sum_of(part(receipt, "shipping")),
        "total_tax_cost": sum_of(Decimal(receipt["tax"])),
        "total_vat_cost": sum_of(Decimal(receipt["vat"])),
        "discount_amt": sum_of(discount),
        "gift_wrap_price": sum_of(Decimal(receipt["gift_wrap"])),
        "shipments": [shipment_json(shipment) for shipment in receipt["shipments"]],
        "transactions": [transaction_json(receipt, line, shop) for line in receipt["lines"]],
        "refunds": [
            {
                "amount": sum_of(Decimal(refund["amount"])),
                "created_timestamp": seconds(refund["at_ms"]),
                "reason": refund["reason"],
                "note_from_issuer": refund["note"] or None,
                "status": "settled",
            }
            for refund in receipt["refunds"]
        ],
    }


def _address(receipt: Doc, shop: Doc) -> Doc:
    address = receipt["buyer"]["address"] if shop["address"] else None
    if address is None:
        return dict.fromkeys((*_ADDRESS, "formatted_address"))
    shown = {name: address[name] or None for name in _ADDRESS}
    town = " ".join(part for part in (address["city"], address["state"], address["zip"]) if part)
    rows = (receipt["buyer"]["name"], address["first_line"], address["second_line"], town, address["country_iso"])
    return {**shown, "formatted_address": "\n".join(row for row in rows if row)}


def shipment_json(shipment: Doc) -> Doc:
    """Return a shipment of a receipt."""
    return {
        "receipt_shipping_id": shipment["id"],
        "shipment_notification_timestamp": seconds(shipment["at_ms"]),
        "carrier_name": shipment["carrier"],
        "tracking_code": shipment["tracking"],
    }


def transaction_json(receipt: Doc, line: Doc, shop: Doc) -> Doc:
    """Return a line of a receipt: one listing bought. `price` is that of one unit."""
    currency, digital = receipt["currency"], line["digital"]
    created = seconds(receipt["created_ms"])
    paid = receipt["paid_ms"]
    return {
        "transaction_id": int(line["id"]),
        "title": line["title"],
        "description": f"{line['title']}, made in small batches.",
        "seller_user_id": shop["user_id"],
        "buyer_user_id": receipt["buyer"]["user_id"],
        "create_timestamp": created,
        "created_timestamp": created,
        "paid_timestamp": seconds(paid),
        "shipped_timestamp": None if digital else seconds(receipt["shipped_ms"]),
        "quantity": line["quantity"],
        "listing_image_id": number(f"image:{line['item_id']}", 3_000_000_000, 900_000_000),
        "receipt_id": int(receipt["id"]),
        "is_digital": digital,
        "file_data": "1 PDF" if digital else "",
        "listing_id": int(line["item_id"]),
        "transaction_type": "listing",
        "product_id": line["product_id"],
        "sku": line["sku"] or None,
        "price": money(Decimal(line["unit_price"]), currency),
        "shipping_cost": money(Decimal(line["shipping"]), currency),
        "variations": _variations(line),
        "product_data": property_values(line["variation"]),
        "shipping_profile_id": None if digital else profile_id(shop),
        "min_processing_days": None if digital else 1,
        "max_processing_days": None if digital else 3,
        "shipping_method": None if digital else "Standard Shipping",
        "shipping_upgrade": None if digital else receipt["shipping_upgrade"] or None,
        "expected_ship_date": None if digital or paid is None else seconds(paid + 3 * 86_400_000),
        "buyer_coupon": 0.0,
        "shop_coupon": float(line["discount"]),
    }


def profile_id(shop: Doc) -> int:
    """Return the id of the shop's one shipping profile."""
    return number(f"profile:{shop['key']}", 200_000_000_000, 9_000_000_000)


def _variations(line: Doc) -> list[Doc]:
    """Return what the buyer chose and, behind it, what the buyer wrote."""
    chosen = [
        {
            "property_id": values["property_id"],
            "value_id": values["value_ids"][0],
            "formatted_name": values["property_name"],
            "formatted_value": values["values"][0],
            "question_id": None,
        }
        for values in property_values(line["variation"])
    ]
    written = [
        {
            "property_id": PROPERTY,
            "value_id": None,
            "formatted_name": row["question"],
            "formatted_value": row["answer"],
            "question_id": row["question_id"],
        }
        for row in line["personalization"]
    ]
    return chosen + written


def property_values(variation: dict[str, Any]) -> list[Doc]:
    """Return a product's options as Etsy's property values."""
    custom = iter(_CUSTOM)
    rows = []
    for name, value in variation.items():
        property_id = _PROPERTY_IDS.get(name) or next(custom, 515)
        rows.append(
            {
                "property_id": property_id,
                "property_name": name,
                "scale_id": None,
                "scale_name": None,
                "value_ids": [number(f"{name}:{value}", 1_000_000_000, 900_000_000)],
                "values": [str(value)],
            }
        )
    return rows


# ── payments ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def payment_json(receipt: Doc) -> Doc:
    """Return the payment of a paid receipt, its refunds as adjustments: whole numbers of the smallest unit."""
    currency = receipt["currency"]
    gross = grandtotal(receipt)
    fees = Decimal(amount(gross * Decimal("0.03"), currency))
    paid, changed = seconds(receipt["paid_ms"]), seconds(receipt["updated_ms"])
    payment_id = int(receipt["id"]) + 10_000_000_000
    buyer = receipt["buyer"]["user_id"]
    back = sum((Decimal(refund["amount"]) for refund in receipt["refunds"]), Decimal(0))
    adjusted = money(gross - back, currency) if back else None
    return {
        "payment_id": payment_id,
        "buyer_user_id": buyer,
        "shop_id": int(receipt["shop"]),
        "receipt_id": int(receipt["id"]),
        "amount_gross": money(gross, currency),
        "amount_fees": money(fees, currency),
        "amount_net": money(gross - fees, currency),
        "posted_gross": money(gross, currency) if receipt["shipped_ms"] else None,
        "posted_fees": money(fees, currency) if receipt["shipped_ms"] else None,
        "posted_net": money(gross - fees, currency) if receipt["shipped_ms"] else None,
        "adjusted_gross": adjusted,
        "adjusted_fees": money(fees, currency) if back else None,
        "adjusted_net": money(gross - back - fees, currency) if back else None,
        "currency": currency,
        "shop_currency": currency,
        "buyer_currency": currency,
        "shipping_user_id": buyer,
        "shipping_address_id": buyer + 1,
        "billing_address_id": buyer + 2,
        "status": "settled" if receipt["shipped_ms"] else "authed",
        "shipped_timestamp": seconds(receipt["shipped_ms"]),
        "create_timestamp": paid,
        "created_timestamp": paid,
        "update_timestamp": changed,
        "updated_timestamp": changed,
        "payment_adjustments": [
            _adjustment(receipt, refund, payment_id * 100 + place) for place, refund in enumerate(receipt["refunds"])
        ],
    }


def _adjustment(receipt: Doc, refund: Doc, adjustment_id: int) -> Doc:
    units = money(Decimal(refund["amount"]), receipt["currency"])["amount"]
    at = seconds(refund["at_ms"])
    return {
        "payment_adjustment_id": adjustment_id,
        "payment_id": int(receipt["id"]) + 10_000_000_000,
        "status": "SETTLED",
        "is_success": True,
        "user_id": receipt["buyer"]["user_id"],
        "reason_code": refund["reason"],
        "total_adjustment_amount": units,
        "shop_total_adjustment_amount": units,
        "buyer_total_adjustment_amount": units,
        "total_fee_adjustment_amount": 0,
        "create_timestamp": at,
        "created_timestamp": at,
        "update_timestamp": at,
        "updated_timestamp": at,
        "payment_adjustment_items": [],
    }


# ── the control API ──────────────────────────────────────────────────────────────────────────────────────────────────


def control_view(receipt: Doc) -> Doc:
    """Return a receipt in the control API's words; `mails` counts the e-mails its buyer got, one a tracking call."""
    currency = receipt["currency"]
    words = {"processing": "pending", "delivered": "shipped"}
    return {
        "id": receipt["id"],
        "status": words.get(receipt["state"], receipt["state"]),
        "etsy_status": etsy_status(receipt),
        "site": "ETSY",
        "fulfilled_by": "merchant",
        "created_at": iso(receipt["created_ms"]),
        "updated_at": iso(receipt["updated_ms"]),
        "delivered": receipt["delivered"],
        "lines": [
            {
                "id": line["id"],
                "sku": line["sku"],
                "item_id": line["item_id"],
                "title": line["title"],
                "variation": line["variation"],
                "quantity": line["quantity"],
                "shipped": line["quantity"] if receipt["shipped_ms"] and not line["digital"] else 0,
                "unit_price": line["unit_price"],
                "total": amount(Decimal(line["unit_price"]) * line["quantity"] - Decimal(line["discount"]), currency),
                "digital": line["digital"],
                "customization": {row["question"]: row["answer"] for row in line["personalization"]},
            }
            for line in receipt["lines"]
        ],
        "total": amount(grandtotal(receipt), currency),
        "currency": currency,
        "shipments": [
            {
                "reference": str(shipment["id"]),
                "carrier": shipment["carrier"],
                "tracking": shipment["tracking"],
                "items": [{"item_id": line["id"], "quantity": line["quantity"]} for line in receipt["lines"]],
            }
            for shipment in receipt["shipments"]
        ],
        "mails": receipt["mails"],
        "note": receipt["note"],
        "canceled": receipt["canceled"],
        "refunds": [
            {"amount": refund["amount"], "at": iso(refund["at_ms"]), "reason": refund["reason"]}
            for refund in receipt["refunds"]
        ],
    }
