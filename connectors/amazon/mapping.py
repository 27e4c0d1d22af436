"""Amazon's raw JSON → the contract's plain data. Pure functions: no clock, no network.

Orders are those of Orders API 2026-01-01. Fields that are absent are normal (personal data needs roles, FBA orders have
little of it, unpaid orders have no prices). What an order cannot do without and Amazon did not send, or sent in a form
we do not know, becomes the order's `problem`; it never fails the page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.amazon import money, sites
from connectors.contract.types import (
    Address,
    FulfilledBy,
    MarketplaceOrder,
    MarketplaceOrderLine,
    OrderStatus,
    Parcel,
    PersonalDetails,
    Site,
)
from connectors.reading import Unreadable, count, each, instant, nested, part, text

STATUSES: dict[str, OrderStatus] = {
    "PENDING_AVAILABILITY": OrderStatus.INCOMPLETE,
    "PENDING": OrderStatus.INCOMPLETE,
    "UNSHIPPED": OrderStatus.PAID,
    "PARTIALLY_SHIPPED": OrderStatus.PARTIALLY_SHIPPED,
    "SHIPPED": OrderStatus.SHIPPED,
    "CANCELLED": OrderStatus.CANCELED,
    # Only for orders that Amazon ships for other shops and cannot: nothing may be made of them while that lasts.
    "UNFULFILLABLE": OrderStatus.INCOMPLETE,
}

FULFILLED_BY = {"MERCHANT": FulfilledBy.MERCHANT, "AMAZON": FulfilledBy.MARKETPLACE}

NON_AMAZON = "NON_AMAZON"
"""Added to an order's programs when it was not bought at Amazon (Amazon only ships it for another shop)."""

_REPLACEMENTS = ("REPLACEMENT_ORIGINAL_ID", "EXCHANGE_ORIGINAL_ID")


def iso(moment: datetime) -> str:
    """Return a time as Amazon takes it: UTC, milliseconds, Z. Offsets and naive times are refused there, and here."""
    if moment.tzinfo is None:
        raise ValueError("a time sent to Amazon must have a timezone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def next_token(page: Mapping[str, Any]) -> str:
    """Return the token of the next page, empty on the last."""
    return text(part(page, "pagination"), "nextToken")


def bound(page: Mapping[str, Any], family: str) -> datetime | None:
    """Return the upper bound Amazon applied (`family`: created or lastUpdated), which is the next cursor."""
    return instant(page.get(f"{family}Before"))


def read_orders(raws: Sequence[Any], *, read_at: datetime) -> tuple[MarketplaceOrder, ...]:
    """Return the orders of a page, oldest change first (Amazon promises no order)."""
    return tuple(sorted((read_order(raw, read_at=read_at) for raw in raws), key=lambda order: order.updated_at))


def read_order(raw: Any, *, read_at: datetime) -> MarketplaceOrder:
    """Return one order; it never raises.

    `read_at` stands in for times that cannot be read. An order without a readable id gets one made from its content, so
    that it is seen, once, instead of lost.
    """
    body: dict[str, Any] = raw if isinstance(raw, dict) else {"unreadable": raw}
    order_id = text(body, "orderId")
    problems: list[str] = []
    if not order_id:
        order_id = (
            "unreadable-" + hashlib.sha256(json.dumps(raw, sort_keys=True, default=str).encode()).hexdigest()[:16]
        )
        problems.append("Amazon sent an order without an id")
    fulfillment = part(body, "fulfillment")
    status, raw_status = _status(fulfillment, problems)
    updated_at = instant(body.get("lastUpdatedTime"))
    created_at = instant(body.get("createdTime"))
    if updated_at is None or created_at is None:
        problems.append("Amazon sent no readable time of this order")
    lines = _lines(body, problems)
    replaced = _replacement_of(body)
    priced = _money(body, status, lines, replaced, problems)
    channel = part(body, "salesChannel")
    return MarketplaceOrder(
        order_id=order_id,
        status=status,
        raw_status=raw_status,
        fulfilled_by=_fulfilled_by(fulfillment, status, problems),
        purchased_at=created_at or updated_at or read_at,
        updated_at=updated_at or created_at or read_at,
        lines=priced.lines,
        site=_site(channel),
        currency=priced.currency or _site_currency(channel),
        total=priced.total,
        service_level=text(fulfillment, "fulfillmentServiceLevel"),
        ship_by=instant(part(fulfillment, "shipByWindow").get("latestDateTime")),
        deliver_by=instant(part(fulfillment, "deliverByWindow").get("latestDateTime")),
        replacement_of=replaced,
        programs=_programs(body, channel),
        personal=_personal(body),
        parcels=tuple(_parcel(package) for package in each(body, "packages")),
        raw=body,
        problem="; ".join(problems),
    )


def _status(fulfillment: Mapping[str, Any], problems: list[str]) -> tuple[OrderStatus, str]:
    raw_status = text(fulfillment, "fulfillmentStatus")
    status = STATUSES.get(raw_status)
    if status is None:
        problems.append(f"Amazon sent an order status we do not know: {raw_status or 'none'}")
        return OrderStatus.INCOMPLETE, raw_status
    return status, raw_status


def _fulfilled_by(fulfillment: Mapping[str, Any], status: OrderStatus, problems: list[str]) -> FulfilledBy:
    told = text(fulfillment, "fulfilledBy")
    known = FULFILLED_BY.get(told)
    if known is not None:
        return known
    if status is not OrderStatus.CANCELED:
        problems.append(f"Amazon did not say who ships this order: {told or 'nothing'}")
    # The cautious side: nothing is reserved or exported for what Amazon ships.
    return FulfilledBy.MARKETPLACE


def _site(channel: Mapping[str, Any]) -> str:
    marketplace_id = text(channel, "marketplaceId")
    known = sites.BY_ID.get(marketplace_id)
    return known.code if known else text(channel, "marketplaceName") or marketplace_id


def _site_currency(channel: Mapping[str, Any]) -> str:
    known = sites.BY_ID.get(text(channel, "marketplaceId"))
    return known.currency if known else ""


def _programs(body: Mapping[str, Any], channel: Mapping[str, Any]) -> tuple[str, ...]:
    listed = body.get("programs")
    programs = [program for program in listed if isinstance(program, str)] if isinstance(listed, list) else []
    if text(channel, "channelName") == NON_AMAZON:
        programs.append(NON_AMAZON)
    return tuple(programs)


def _replacement_of(body: Mapping[str, Any]) -> str:
    associated = {text(entry, "associationType"): text(entry, "orderId") for entry in each(body, "associatedOrders")}
    return next((associated[kind] for kind in _REPLACEMENTS if associated.get(kind)), "")


# ── lines and money ──────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(body: Mapping[str, Any], problems: list[str]) -> list[tuple[MarketplaceOrderLine, Mapping[str, Any]]]:
    """Return the lines with units, without money yet, each beside its raw form."""
    found = []
    if not isinstance(body.get("orderItems"), list):
        problems.append("Amazon sent no lines")
    for item in each(body, "orderItems"):
        try:
            line = _line(item)
        except Unreadable as error:
            problems.append(f"Line {text(item, 'orderItemId') or '?'}: {error}")
            continue
        if line.quantity > 0:  # a line canceled whole stays in the list with zero units
            found.append((line, item))
    return found


def _line(item: Mapping[str, Any]) -> MarketplaceOrderLine:
    line_id = text(item, "orderItemId")
    if not line_id:
        raise Unreadable("it has no id")
    quantity = count(item.get("quantityOrdered"))
    if quantity is None:
        raise Unreadable(f"its quantity cannot be read: {item.get('quantityOrdered')!r}")
    product = part(item, "product")
    collections = each(part(item, "tax"), "taxCollections")
    shipped = count(part(item, "fulfillment").get("quantityFulfilled")) or 0
    return MarketplaceOrderLine(
        line_id=line_id,
        seller_sku=text(product, "sellerSku"),
        title=text(product, "title"),
        quantity=quantity,
        item_id=text(product, "asin"),
        quantity_shipped=min(shipped, quantity),
        tax_collected_by_marketplace=any(text(entry, "model") == "MARKETPLACE_FACILITATOR" for entry in collections),
        cancel_requested=bool(part(part(item, "cancellation"), "cancellationRequest")),
    )


def _money(
    body: Mapping[str, Any],
    status: OrderStatus,
    lines: Sequence[tuple[MarketplaceOrderLine, Mapping[str, Any]]],
    replaced: str,
    problems: list[str],
) -> money.Priced:
    """Return lines and total that add up, or say in `problems` by how much they do not."""
    try:
        priced = money.price(part(body, "proceeds"), lines, free=bool(replaced))
    except Unreadable as error:
        problems.append(str(error))
        return money.Priced(tuple(line for line, _ in lines), "", None)
    unpriced = status in (OrderStatus.INCOMPLETE, OrderStatus.CANCELED)
    if priced.problem and not unpriced:  # Amazon gives no dependable prices before payment nor after cancellation
        problems.append(priced.problem)
    return priced


# ── people and parcels ───────────────────────────────────────────────────────────────────────────────────────────────


def _personal(body: Mapping[str, Any]) -> PersonalDetails:
    buyer = part(body, "buyer")
    recipient = part(body, "recipient")
    preference = part(recipient, "deliveryPreference")
    notes = (text(preference, "dropOffLocation"), text(preference, "addressInstruction"))
    items = {text(item, "orderItemId"): item for item in each(body, "orderItems")}
    gifts = {line_id: nested(item, "fulfillment", "packing", "giftOption") for line_id, item in items.items()}
    custom = {line_id: nested(item, "product", "customization") for line_id, item in items.items()}
    return PersonalDetails(
        buyer_name=text(buyer, "buyerName"),
        buyer_email=text(buyer, "buyerEmail"),
        buyer_company=text(buyer, "buyerCompanyName"),
        purchase_order_number=text(buyer, "buyerPurchaseOrderNumber"),
        shipping=_address(part(recipient, "deliveryAddress")),
        delivery_notes="; ".join(note for note in notes if note),
        gift_messages={key: text(gift, "giftMessage") for key, gift in gifts.items() if text(gift, "giftMessage")},
        customization_urls={
            key: text(one, "customizedUrl") for key, one in custom.items() if text(one, "customizedUrl")
        },
    )


def _address(raw: Mapping[str, Any]) -> Address | None:
    """Return the delivery address, or None when Amazon gave none. What is absent stays empty, never invented."""
    if not raw:
        return None
    extended = part(raw, "extendedFields")  # Brazil
    street = [text(raw, f"addressLine{number}") for number in (1, 2, 3)]
    # Some buyers leave the first line empty; the store needs it filled.
    street = [line for line in street if line]
    if not street:
        brazilian = [text(extended, "streetName"), text(extended, "streetNumber")]
        street = [line for line in (", ".join(filter(None, brazilian)), text(extended, "complement")) if line]
    street += [""] * (3 - len(street))
    return Address(
        name=text(raw, "name"),
        company=text(raw, "companyName"),
        line1=street[0],
        line2=street[1],
        line3=street[2],
        city=text(raw, "city") or text(raw, "municipality"),
        district=text(raw, "districtOrCounty") or text(extended, "neighborhood"),
        region=text(raw, "stateOrRegion"),
        postal_code=text(raw, "postalCode"),
        country=text(raw, "countryCode").upper(),
        phone=text(raw, "phone"),
    )


def _parcel(raw: Mapping[str, Any]) -> Parcel:
    """Return a parcel. Amazon tells that it was delivered, never when."""
    items = ((text(item, "orderItemId"), count(item.get("quantity")) or 0) for item in each(raw, "packageItems"))
    return Parcel(
        reference=text(raw, "packageReferenceId"),
        carrier=text(raw, "carrier"),
        tracking_number=text(raw, "trackingNumber"),
        shipped_at=instant(raw.get("shipTime")),
        lines=tuple((line_id, units) for line_id, units in items if line_id and units),
    )


# ── sellers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_sites(listed: Sequence[Mapping[str, Any]]) -> tuple[Site, ...]:
    """Return the sites of getMarketplaceParticipations, real Amazon sites only.

    Amazon also lists what is no site to buyers (orders it ships for other shops); those have no Amazon domain.
    """
    found = []
    for line in listed:
        marketplace = part(line, "marketplace")
        marketplace_id = text(marketplace, "id")
        known = sites.BY_ID.get(marketplace_id)
        if known is None and not text(marketplace, "domainName").startswith("www.amazon."):
            continue
        country = text(marketplace, "countryCode") or (known.country if known else "")
        found.append(
            Site(
                code=known.code if known else country,
                name=text(marketplace, "name"),
                marketplace_id=marketplace_id,
                currency=text(marketplace, "defaultCurrencyCode") or (known.currency if known else ""),
                country=country,
                active=part(line, "participation").get("isParticipating") is True,
                suspended=part(line, "participation").get("hasSuspendedListings") is True,
            )
        )
    return tuple(found)
