"""Etsy's receipts for tests: one ordinary receipt to change, and generated ones that add up by Etsy's own rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from connectors.contract.types import MarketplaceOrder
from connectors.etsy import mapping

READ_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CREATED = 1763600000
UPDATED = 1763600600
SHOP = 12345


def read(raw: Any) -> MarketplaceOrder:
    return mapping.read_order(raw, read_at=READ_AT)


def money(cents: int, currency: str = "USD", divisor: int = 100) -> dict[str, Any]:
    return {"amount": cents, "divisor": divisor, "currency_code": currency}


def bought(cents: int = 2000, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A transaction of one unit; keyword arguments replace its parts."""
    price = changes.get("price") or money(cents)
    return {
        "transaction_id": 4000000000 + number,
        "title": "Beeswax Candle",
        "description": "A candle of beeswax.",
        "seller_user_id": 77,
        "buyer_user_id": 88,
        "create_timestamp": CREATED,
        "created_timestamp": CREATED,
        "paid_timestamp": CREATED,
        "shipped_timestamp": None,
        "quantity": 1,
        "listing_image_id": 5,
        "receipt_id": 3000000001,
        "is_digital": False,
        "file_data": "",
        "listing_id": 1100 + number,
        "transaction_type": "listing",
        "product_id": 2200 + number,
        "sku": f"CANDLE-{number}",
        "price": price,
        "shipping_cost": {**price, "amount": 0},
        "variations": [],
        "product_data": [],
        "shipping_profile_id": 9,
        "min_processing_days": 1,
        "max_processing_days": 3,
        "shipping_method": "Standard",
        "shipping_upgrade": None,
        "expected_ship_date": CREATED + 3 * 86400,
        "buyer_coupon": 0,
        "shop_coupon": 0,
        **changes,
    }


def receipt(*transactions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A paid receipt with these transactions; keyword arguments replace its parts.

    Amounts not given come from the lines: nothing off, no shipping, no tax.
    """
    lines = list(transactions) or [bought()]
    goods = sum(line["price"]["amount"] * line["quantity"] for line in lines)
    like = lines[0]["price"]

    def same(cents: int) -> dict[str, Any]:
        return {**like, "amount": cents}

    return {
        "receipt_id": 3000000001,
        "receipt_type": 0,
        "seller_user_id": 77,
        "seller_email": "seller@example.com",
        "buyer_user_id": 88,
        "buyer_email": None,
        "name": "Greta Example",
        "first_line": "12 Mill Lane",
        "second_line": "Unit 3",
        "city": "Portland",
        "state": "OR",
        "zip": "97209",
        "status": "paid",
        "formatted_address": "Greta Example\n12 Mill Lane\nUnit 3\nPORTLAND, OR 97209\nUnited States",
        "country_iso": "US",
        "payment_method": "cc",
        "payment_email": None,
        "message_from_seller": None,
        "message_from_buyer": None,
        "message_from_payment": None,
        "is_paid": True,
        "is_shipped": False,
        "create_timestamp": CREATED,
        "created_timestamp": CREATED,
        "update_timestamp": UPDATED,
        "updated_timestamp": UPDATED,
        "is_gift": False,
        "gift_message": "",
        "gift_sender": "",
        "grandtotal": same(goods),
        "subtotal": same(goods),
        "total_price": same(goods),
        "total_shipping_cost": same(0),
        "total_tax_cost": same(0),
        "total_vat_cost": same(0),
        "discount_amt": same(0),
        "gift_wrap_price": same(0),
        "shipments": [],
        "transactions": lines,
        "refunds": [],
        **changes,
    }


WITHHELD = dict.fromkeys(("first_line", "second_line", "city", "state", "zip", "formatted_address"))
"""What Etsy nulls where this app may not see addresses."""


def shop(**changes: Any) -> dict[str, Any]:
    """A shop as getShop tells it, as far as we read it."""
    return {
        "shop_id": SHOP,
        "user_id": 77,
        "shop_name": "LumenAndLoom",
        "currency_code": "EUR",
        "is_vacation": False,
        "shop_location_country_iso": "DE",
        "shipping_from_country_iso": "DE",
        **changes,
    }


@st.composite
def receipts(draw: st.DrawFn) -> dict[str, Any]:
    """A paid receipt of any currency, with any coupon, shipping, tax, value-added tax and gift wrap, that adds up."""
    currency, divisor = draw(st.sampled_from([("USD", 100), ("EUR", 100), ("JPY", 1), ("KWD", 1000)]))
    cents = st.integers(0, 500_00)
    lines = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        price = money(draw(cents), currency, divisor)
        lines.append(
            bought(
                number=number,
                price=price,
                quantity=draw(st.integers(1, 5)),
                is_digital=draw(st.booleans()),
                shipping_cost=money(draw(st.integers(0, 900)), currency, divisor),
            )
        )
    goods = sum(line["price"]["amount"] * line["quantity"] for line in lines)
    off = draw(st.integers(0, goods))
    shipping, tax, vat, wrap = (draw(st.integers(0, 99_99)) for _ in range(4))
    on_top = draw(st.booleans())
    wrapped = draw(st.booleans())
    grand = goods - off + shipping + tax + (vat if on_top else 0) + (wrap if wrapped else 0)

    def same(amount: int) -> dict[str, Any]:
        return money(amount, currency, divisor)

    return receipt(
        *lines,
        grandtotal=same(grand),
        subtotal=same(goods - off),
        discount_amt=same(off),
        total_shipping_cost=same(shipping),
        total_tax_cost=same(tax),
        total_vat_cost=same(vat),
        gift_wrap_price=same(wrap),
    )
