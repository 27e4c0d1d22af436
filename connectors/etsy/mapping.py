"""Etsy's raw JSON → the contract's plain data. Pure functions: no clock, no network.

An order is a receipt with its transactions. Address and e-mail are null where Etsy does not give them to this app; what
an order cannot do without and Etsy did not send, or sent in a form we do not know, becomes the order's `problem`. A
status we do not know is no problem: whether the receipt is paid and shipped stands in fields of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.contract.types import (
    Address,
    FulfilledBy,
    MarketplaceOrder,
    MarketplaceOrderLine,
    OrderStatus,
    Parcel,
    PersonalDetails,
    Site,
    Withheld,
)
from connectors.etsy import money
from connectors.etsy.reading import count, instant, number_id, text
from connectors.etsy.sites import SITE
from connectors.reading import Unreadable, each

STATUSES: dict[str, OrderStatus] = {
    "open": OrderStatus.INCOMPLETE,
    "payment processing": OrderStatus.INCOMPLETE,
    "canceled": OrderStatus.CANCELED,
    "cancelled": OrderStatus.CANCELED,
    "fully refunded": OrderStatus.REFUNDED,
    "completed": OrderStatus.SHIPPED,
}
"""Statuses that decide by themselves; paid, partially refunded and any new one go by `is_paid` and `is_shipped`."""

PERSONALIZATION = 54
"""The property under which receipts held the buyer's personalization before questions came (2026)."""

PATTERN = "PATTERN"
"""Added to an order's programs when it was bought at the seller's own Pattern site, not at etsy.com."""

_PATTERN_TYPE = 1

PERSONAL_FIELDS = frozenset(
    {
        "name", "first_line", "second_line", "city", "state", "zip", "formatted_address", "buyer_user_id", "buyer_email",
        "payment_email", "message_from_buyer", "message_from_seller", "gift_message", "gift_sender", "formatted_value",
    }
)  # fmt: skip
"""The names under which Etsy's payloads hold what identifies a buyer, for masking. `formatted_value` is a chosen
variation, but also what the buyer wrote to personalize the item."""

_ADDRESS = ("first_line", "second_line", "city", "zip", "formatted_address")
"""What Etsy nulls together where this app may not see addresses; name, state and country may still be there."""


def read_orders(raws: Sequence[Any], *, read_at: datetime) -> tuple[MarketplaceOrder, ...]:
    """Return the orders of a page, oldest change first."""
    return tuple(sorted((read_order(raw, read_at=read_at) for raw in raws), key=lambda order: order.updated_at))


def read_order(raw: Any, *, read_at: datetime) -> MarketplaceOrder:
    """Return one order; it never raises.

    `read_at` stands in for times that cannot be read. A receipt without a readable id gets one made from its content, so
    that it is seen, once, instead of lost.
    """
    body: dict[str, Any] = raw if isinstance(raw, dict) else {"unreadable": raw}
    problems: list[str] = []
    order_id = number_id(body, "receipt_id")
    if not order_id:
        content = json.dumps(raw, sort_keys=True, default=str).encode()
        order_id = "unreadable-" + hashlib.sha256(content).hexdigest()[:16]
        problems.append("Etsy sent a receipt without an id")
    created_at = instant(body, "created_timestamp", "create_timestamp")
    updated_at = instant(body, "updated_timestamp", "update_timestamp")
    if created_at is None or updated_at is None:
        problems.append("Etsy sent no readable time of this order")
    status = _status(body)
    paid = body.get("is_paid") is True
    pairs = _lines(body, status, problems)
    priced = _money(body, pairs, status, problems)
    personal = _personal(body, [line for line, _ in pairs])
    return MarketplaceOrder(
        order_id=order_id,
        status=status,
        raw_status=text(body, "status"),
        fulfilled_by=FulfilledBy.MERCHANT,
        purchased_at=created_at or updated_at or read_at,
        updated_at=updated_at or created_at or read_at,
        lines=priced.lines,
        site=SITE,
        currency=priced.currency,
        total=priced.total if paid else None,
        service_level=_service_level(body),
        ship_by=min(filter(None, (instant(raw, "expected_ship_date") for _, raw in pairs)), default=None),
        programs=(PATTERN,) if count(body.get("receipt_type")) == _PATTERN_TYPE else (),
        personal=personal,
        parcels=tuple(_parcel(entry) for entry in each(body, "shipments")),
        raw=body,
        problem="; ".join(problems),
        withheld=_withheld(body, personal, paid=paid),
    )


def _status(body: Mapping[str, Any]) -> OrderStatus:
    known = STATUSES.get(text(body, "status").lower().replace("_", " "))
    if known is OrderStatus.SHIPPED and body.get("is_paid") is not True:
        return OrderStatus.INCOMPLETE
    if known is not None:
        return known
    if body.get("is_paid") is not True:
        return OrderStatus.INCOMPLETE
    return OrderStatus.SHIPPED if body.get("is_shipped") is True else OrderStatus.PAID


def _service_level(body: Mapping[str, Any]) -> str:
    """Return what the buyer chose: the shipping upgrade before the method, several joined."""
    chosen = (text(raw, "shipping_upgrade") or text(raw, "shipping_method") for raw in each(body, "transactions"))
    return ", ".join(dict.fromkeys(name for name in chosen if name))


# ── lines and money ──────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(body: Mapping[str, Any], status: OrderStatus, problems: list[str]) -> list[money.Pair]:
    """Return the lines with units, without money yet, each beside its raw form."""
    found: list[money.Pair] = []
    if not isinstance(body.get("transactions"), list):
        problems.append("Etsy sent no lines")
    for raw in each(body, "transactions"):
        try:
            line = _line(raw, status)
        except Unreadable as error:
            problems.append(f"Line {text(raw, 'transaction_id') or '?'}: {error}")
            continue
        if line.quantity > 0:
            found.append((line, raw))
    return found


def _line(raw: Mapping[str, Any], status: OrderStatus) -> MarketplaceOrderLine:
    line_id = number_id(raw, "transaction_id")
    if not line_id:
        raise Unreadable("it has no id")
    quantity = count(raw.get("quantity"))
    if quantity is None:
        raise Unreadable(f"its quantity cannot be read: {raw.get('quantity')!r}")
    shipped = status is OrderStatus.SHIPPED or instant(raw, "shipped_timestamp") is not None
    return MarketplaceOrderLine(
        line_id=line_id,
        seller_sku=text(raw, "sku"),
        title=text(raw, "title"),
        quantity=quantity,
        item_id=":".join(filter(None, (number_id(raw, "listing_id"), number_id(raw, "product_id")))),
        variation=tuple(
            (text(entry, "formatted_name"), text(entry, "formatted_value"))
            for entry in each(raw, "variations")
            if not _is_personal(entry)
        ),
        quantity_shipped=quantity if shipped else 0,
        digital=raw.get("is_digital") is True,
    )


def _is_personal(variation: Mapping[str, Any]) -> bool:
    """Say whether this is what the buyer wrote, and not a variation they chose."""
    return variation.get("question_id") is not None or count(variation.get("property_id")) == PERSONALIZATION


def _money(
    body: Mapping[str, Any], pairs: Sequence[money.Pair], status: OrderStatus, problems: list[str]
) -> money.Priced:
    """Return lines and total that add up, or say in `problems` by how much they do not."""
    try:
        priced = money.price(body, pairs)
    except Unreadable as error:
        problems.append(str(error))
        return money.Priced(tuple(line for line, _ in pairs), "", None)
    # Nothing is made of these, and their amounts may be in flux.
    if priced.problem and status not in (OrderStatus.INCOMPLETE, OrderStatus.CANCELED):
        problems.append(priced.problem)
    return priced


# ── people and parcels ───────────────────────────────────────────────────────────────────────────────────────────────


def _withheld(body: Mapping[str, Any], personal: PersonalDetails, *, paid: bool) -> tuple[Withheld, ...]:
    """Return what Etsy will never show this app: it nulls the fields, by the seller's region and the app's approval.

    An unpaid receipt may get its address with the payment.
    """
    found = []
    if paid and not any(text(body, key) for key in _ADDRESS):
        found.append(Withheld.ADDRESS)
    if not personal.buyer_email:
        found.append(Withheld.EMAIL)
    return tuple(found)


def _personal(body: Mapping[str, Any], lines: Sequence[MarketplaceOrderLine]) -> PersonalDetails:
    notes = {}
    for raw in each(body, "transactions"):
        said = [
            (text(entry, "formatted_name"), text(entry, "formatted_value"))
            for entry in each(raw, "variations")
            if _is_personal(entry) and text(entry, "formatted_value")
        ]
        if said:
            notes[text(raw, "transaction_id")] = tuple(said)
    return PersonalDetails(
        buyer_name=text(body, "name"),
        buyer_email=text(body, "buyer_email"),
        shipping=_address(body),
        gift_messages=_gift_messages(body, lines),
        line_notes=notes,
        buyer_notes=text(body, "message_from_buyer"),
    )


def _gift_messages(body: Mapping[str, Any], lines: Sequence[MarketplaceOrderLine]) -> dict[str, str]:
    """Return the card's words at the first line that is shipped: Etsy has one card a receipt."""
    message, sender = text(body, "gift_message"), text(body, "gift_sender")
    if not message or not lines:
        return {}
    at = next((line for line in lines if not line.digital), lines[0])
    return {at.line_id: f"{message} ({sender})" if sender else message}


def _address(body: Mapping[str, Any]) -> Address | None:
    """Return the address as far as Etsy gives it, None when it gives nothing. What is absent is never invented."""
    address = Address(
        name=text(body, "name"),
        line1=text(body, "first_line"),
        line2=text(body, "second_line"),
        city=text(body, "city"),
        region=text(body, "state"),
        postal_code=text(body, "zip"),
        country=text(body, "country_iso").upper(),
    )
    return address if address != Address() else None


def _parcel(raw: Mapping[str, Any]) -> Parcel:
    """Return a parcel. A receipt is shipped as a whole, so Etsy never tells which lines are in it."""
    tracking = text(raw, "tracking_code")
    return Parcel(
        reference=number_id(raw, "receipt_shipping_id") or tracking,
        carrier=text(raw, "carrier_name"),
        tracking_number=tracking,
        shipped_at=instant(raw, "shipment_notification_timestamp"),
    )


# ── shops ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_site(shop: Mapping[str, Any]) -> Site:
    """Return the one site of a shop: Etsy itself, in the shop's currency."""
    return Site(
        code=SITE,
        name=text(shop, "shop_name"),
        marketplace_id=number_id(shop, "shop_id"),
        currency=text(shop, "currency_code").upper(),
        country=(text(shop, "shop_location_country_iso") or text(shop, "shipping_from_country_iso")).upper(),
    )
