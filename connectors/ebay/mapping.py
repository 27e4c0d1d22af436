"""eBay's raw JSON → the contract's plain data. Pure functions: no clock, no network.

Orders are those of the Fulfillment API v1. Fields that are absent are normal: the e-mail address goes 14 days after the
order was made, name and phone after 90. What an order cannot do without and eBay did not send, or sent in a form we do
not know, becomes the order's `problem`; it never fails the page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.contract.types import (
    Address,
    FulfilledBy,
    MarketplaceOrder,
    MarketplaceOrderLine,
    OrderStatus,
    Parcel,
    PersonalDetails,
    Withheld,
)
from connectors.ebay import money, sites
from connectors.reading import Unreadable, count, each, instant, nested, part, text

PAYMENTS: dict[str, OrderStatus | None] = {
    "PENDING": OrderStatus.INCOMPLETE,
    "FAILED": OrderStatus.INCOMPLETE,
    "FULLY_REFUNDED": OrderStatus.REFUNDED,
    "PAID": None,
    "PARTIALLY_REFUNDED": None,
}
"""orderPaymentStatus → our status; None: paid, so the fulfillment tells."""

FULFILLMENTS = {
    "NOT_STARTED": OrderStatus.PAID,
    "IN_PROGRESS": OrderStatus.PARTIALLY_SHIPPED,
    "FULFILLED": OrderStatus.SHIPPED,
}
"""orderFulfillmentStatus → our status of a paid order."""

NOT_CANCELED = ("", "NONE_REQUESTED")
CANCELED = ("CANCELED", "CANCELLED")
"""cancelState; its other values are not documented, and all mean that a cancellation is in play."""

FROM_VAULT = ("VAULT_TO_VAULT", "VAULT_TO_BUYER")
"""eBay Vault orders that eBay ships; SELLER_TO_VAULT is the seller's to ship, to an authenticator."""

PARCELS = "shippingFulfillments"
"""Where the connector puts an order's parcels when it read them too; eBay's order itself has only their addresses."""

EMAIL_DAYS = 14
"""How long after its making an order still shows the buyer's e-mail address."""

PERSONAL_FIELDS = frozenset(
    {
        "username", "fullName", "companyName", "email", "primaryPhone", "phoneNumber", "contactAddress",
        "finalDestinationAddress", "buyerRegistrationAddress", "taxAddress", "addressLine1", "addressLine2", "city",
        "county", "postalCode", "stateOrProvince", "taxIdentifier", "taxpayerId", "buyerCheckoutNotes", "giftDetails",
        "recipientEmail", "senderName", "shipToReferenceId",
    }
)  # fmt: skip
"""The names under which eBay's payloads hold what identifies a buyer, for masking. With `giftDetails` its message goes
too; the reference of a shipment leads the shipping provider to the buyer."""


def iso(moment: datetime) -> str:
    """Return a time as eBay takes it: UTC, milliseconds, Z."""
    if moment.tzinfo is None:
        raise ValueError("a time sent to eBay must have a timezone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def cancel_state(raw: Mapping[str, Any]) -> str:
    """Return the order's cancelState."""
    return text(part(raw, "cancelStatus"), "cancelState").upper()


def wants_whole(raw: Mapping[str, Any]) -> bool:
    """Say whether the list left out something of this order that getOrder tells.

    That is the cancellation requests, and the tax id of buyers on eBay's Italian and Spanish sites.
    """
    if cancel_state(raw) not in NOT_CANCELED:
        return True
    codes = set().union(*(sites_of(item) for item in each(raw, "lineItems")))
    return bool(codes & {"IT", "ES"}) and not part(part(raw, "buyer"), "taxIdentifier")


def wants_parcels(raw: Mapping[str, Any]) -> bool:
    """Say whether only its parcels tell how many units of this order are shipped."""
    return text(raw, "orderFulfillmentStatus") == "IN_PROGRESS" and bool(raw.get("fulfillmentHrefs"))


def sites_of(item: Mapping[str, Any]) -> set[str]:
    """Return the codes of the sites a line was listed and bought on."""
    ids = (text(item, "listingMarketplaceId"), text(item, "purchaseMarketplaceId"))
    return {sites.code_of(marketplace_id) for marketplace_id in ids if marketplace_id}


def belongs(raw: Any, codes: Sequence[str]) -> bool:
    """Say whether an order is of one of these sites. One that names no site is never left out."""
    if not codes or not isinstance(raw, dict):
        return True
    found = set().union(*(sites_of(item) for item in each(raw, "lineItems")))
    return not found or bool(found & {code.upper() for code in codes})


def read_orders(raws: Sequence[Any], *, read_at: datetime) -> tuple[MarketplaceOrder, ...]:
    """Return the orders of a page, oldest change first (eBay's sorting varies with the filter)."""
    return tuple(sorted((read_order(raw, read_at=read_at) for raw in raws), key=lambda order: order.updated_at))


def read_order(raw: Any, *, read_at: datetime) -> MarketplaceOrder:
    """Return one order; it never raises.

    `read_at` stands in for times that cannot be read. An order without a readable id gets one made from its content, so
    that it is seen, once, instead of lost.
    """
    body: dict[str, Any] = raw if isinstance(raw, dict) else {"unreadable": raw}
    problems: list[str] = []
    order_id = text(body, "orderId")
    if not order_id:
        content = json.dumps(raw, sort_keys=True, default=str).encode()
        order_id = "unreadable-" + hashlib.sha256(content).hexdigest()[:16]
        problems.append("eBay sent an order without an id")
    status = _status(body, problems)
    updated_at = instant(body.get("lastModifiedDate"))
    created_at = instant(body.get("creationDate"))
    if updated_at is None or created_at is None:
        problems.append("eBay sent no readable time of this order")
    instructions = each(body, "fulfillmentStartInstructions")
    lines = _lines(body, instructions, problems)
    site, site_currency = _site(body)
    priced = _money(body, status, lines, site_currency, problems)
    personal = _personal(body, instructions)
    purchased_at = created_at or updated_at or read_at
    return MarketplaceOrder(
        order_id=order_id,
        status=status,
        raw_status=_raw_status(body),
        fulfilled_by=_fulfilled_by(body, instructions),
        purchased_at=purchased_at,
        updated_at=updated_at or created_at or read_at,
        lines=priced.lines,
        site=site,
        currency=priced.currency,
        total=None if status is OrderStatus.INCOMPLETE else priced.total,
        service_level=_service_level(instructions),
        ship_by=_ship_by(body),
        deliver_by=_latest(instant(one.get("maxEstimatedDeliveryDate")) for one in instructions),
        programs=_programs(body, instructions),
        personal=personal,
        parcels=_parcels(body),
        raw=body,
        problem="; ".join(problems),
        withheld=_withheld(personal, instructions, age=read_at - purchased_at),
        cancel_requested=cancel_state(body) not in (*NOT_CANCELED, *CANCELED),
        lines_identify=True,
    )


def _status(body: Mapping[str, Any], problems: list[str]) -> OrderStatus:
    if cancel_state(body) in CANCELED:
        return OrderStatus.CANCELED
    payment = text(body, "orderPaymentStatus")
    if payment not in PAYMENTS:
        problems.append(f"eBay sent a payment status we do not know: {payment or 'none'}")
        return OrderStatus.INCOMPLETE
    status = PAYMENTS[payment]
    if status is not None:
        return status
    fulfillment = text(body, "orderFulfillmentStatus")
    if fulfillment not in FULFILLMENTS:
        problems.append(f"eBay sent a fulfillment status we do not know: {fulfillment or 'none'}")
        return OrderStatus.INCOMPLETE
    return FULFILLMENTS[fulfillment]


def _raw_status(body: Mapping[str, Any]) -> str:
    """Return eBay's own words: payment, fulfillment and, where there is one, the cancellation."""
    canceled = cancel_state(body)
    parts = [text(body, "orderPaymentStatus"), text(body, "orderFulfillmentStatus")]
    return " ".join(word for word in (*parts, "" if canceled in NOT_CANCELED else canceled) if word)[:60]


def _site(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the site the order was listed on, and its currency: there its merchant looks for it."""
    for key in ("listingMarketplaceId", "purchaseMarketplaceId"):
        for item in each(body, "lineItems"):
            marketplace_id = text(item, key)
            if marketplace_id:
                known = sites.BY_ID.get(marketplace_id)
                return sites.code_of(marketplace_id), known.currency if known else ""
    return "", ""


# ── who ships, and how ───────────────────────────────────────────────────────────────────────────────────────────────


def _vault(body: Mapping[str, Any]) -> str:
    kind = text(nested(body, "program", "ebayVault"), "fulfillmentType")
    return kind.upper().replace(" ", "_")


def _kinds(instructions: Sequence[Mapping[str, Any]]) -> set[str]:
    return {text(one, "fulfillmentInstructionsType") for one in instructions}


def _fulfilled_by(body: Mapping[str, Any], instructions: Sequence[Mapping[str, Any]]) -> FulfilledBy:
    by_ebay = text(nested(body, "program", "fulfillmentProgram"), "fulfilledBy") == "EBAY"
    if by_ebay or "FULFILLED_BY_EBAY" in _kinds(instructions) or _vault(body) in FROM_VAULT:
        return FulfilledBy.MARKETPLACE
    return FulfilledBy.MERCHANT


def _programs(body: Mapping[str, Any], instructions: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the eBay programs that change how an order is shipped, in words of ours."""
    program = part(body, "program")
    kinds = _kinds(instructions)
    hub = any(one.get("ebaySupportedFulfillment") is True for one in instructions)
    international, authentic = "ebayInternationalShipping" in program, "authenticityVerification" in program
    found = {
        "AUTHENTICITY_GUARANTEE": authentic,
        f"EBAY_VAULT {_vault(body)}".strip(): "ebayVault" in program,
        "EBAY_INTERNATIONAL_SHIPPING": international,
        "GLOBAL_SHIPPING": hub and not international and not authentic,
        "FULFILLED_BY_EBAY": "fulfillmentProgram" in program or "FULFILLED_BY_EBAY" in kinds,
        "EBAY_LABEL": text(part(program, "ebayShipping"), "shippingLabelProvidedBy") == "EBAY",
        "PICKUP": "PREPARE_FOR_PICKUP" in kinds,
        "DIGITAL": "DIGITAL" in kinds,
    }
    return tuple(name for name, yes in found.items() if yes)


def _service_level(instructions: Sequence[Mapping[str, Any]]) -> str:
    codes = (text(part(one, "shippingStep"), "shippingServiceCode") for one in instructions)
    return next((code for code in codes if code), "")


def _ship_by(body: Mapping[str, Any]) -> datetime | None:
    """Return the earliest time by which a line must leave."""
    told = (
        instant(part(item, "lineItemFulfillmentInstructions").get("shipByDate")) for item in each(body, "lineItems")
    )
    return min((moment for moment in told if moment), default=None)


def _latest(moments: Any) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _parcels(body: Mapping[str, Any]) -> tuple[Parcel, ...]:
    """Return the parcels: whole where they were read (`PARCELS`), else what their addresses tell.

    The last part of such an address is the tracking number, or a short number when there is none.
    """
    if isinstance(body.get(PARCELS), list):
        return tuple(_parcel(raw) for raw in each(body, PARCELS) if text(raw, "fulfillmentId"))
    listed = body.get("fulfillmentHrefs")
    found = []
    for href in listed if isinstance(listed, list) else ():
        reference = unquote(urlsplit(href).path.rstrip("/").rpartition("/")[2]) if isinstance(href, str) else ""
        if reference:
            found.append(Parcel(reference=reference, tracking_number=reference if len(reference) > 5 else ""))
    return tuple(found)


def _parcel(raw: Mapping[str, Any]) -> Parcel:
    items = ((text(item, "lineItemId"), count(item.get("quantity")) or 0) for item in each(raw, "lineItems"))
    return Parcel(
        reference=text(raw, "fulfillmentId"),
        carrier=text(raw, "shippingCarrierCode"),
        tracking_number=text(raw, "shipmentTrackingNumber"),
        shipped_at=instant(raw.get("shippedDate")),
        lines=tuple((line_id, units) for line_id, units in items if line_id and units),
    )


def _shipped(body: Mapping[str, Any]) -> dict[str, int]:
    """Return line id → units in parcels that were read."""
    units: dict[str, int] = {}
    for item in (item for parcel in each(body, PARCELS) for item in each(parcel, "lineItems")):
        line_id = text(item, "lineItemId")
        units[line_id] = units.get(line_id, 0) + (count(item.get("quantity")) or 0)
    return units


# ── lines and money ──────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(
    body: Mapping[str, Any], instructions: Sequence[Mapping[str, Any]], problems: list[str]
) -> list[tuple[MarketplaceOrderLine, Mapping[str, Any]]]:
    """Return the lines with units, without money yet, each beside its raw form."""
    found = []
    if not each(body, "lineItems"):
        problems.append("eBay sent no lines")
    digital = _kinds(instructions) == {"DIGITAL"}
    shipped = _shipped(body)
    for item in each(body, "lineItems"):
        try:
            line = _line(item, digital=digital, shipped=shipped)
        except Unreadable as error:
            problems.append(f"Line {text(item, 'lineItemId') or '?'}: {error}")
            continue
        if line.quantity > 0:
            found.append((line, item))
    return found


def _line(item: Mapping[str, Any], *, digital: bool, shipped: Mapping[str, int]) -> MarketplaceOrderLine:
    line_id = text(item, "lineItemId")
    if not line_id:
        raise Unreadable("it has no id")
    quantity = count(item.get("quantity"))
    if quantity is None:
        raise Unreadable(f"its quantity cannot be read: {item.get('quantity')!r}")
    listing, variation = text(item, "legacyItemId"), text(item, "legacyVariationId")
    title = text(item, "title")
    whole = text(item, "lineItemFulfillmentStatus") == "FULFILLED"
    # A listing on hold for a policy violation shows its number where its title was: no product is called so.
    named = title if title and title != listing else f"eBay item {listing}".strip()
    pairs = ((text(aspect, "name"), text(aspect, "value")) for aspect in each(item, "variationAspects"))
    return MarketplaceOrderLine(
        line_id=line_id,
        seller_sku=text(item, "sku"),
        title=named,
        quantity=quantity,
        # Variation 0 stands for "no variation" in eBay's older listings.
        item_id=f"{listing}:{variation}" if variation not in ("", "0") else listing,
        variation=tuple((name, value) for name, value in pairs if name and value),
        quantity_shipped=quantity if whole else min(shipped.get(line_id, 0), quantity),
        tax_collected_by_marketplace=bool(each(item, "ebayCollectAndRemitTaxes")),
        digital=digital or bool(part(item, "giftDetails")),
    )


def _money(
    body: Mapping[str, Any],
    status: OrderStatus,
    lines: Sequence[tuple[MarketplaceOrderLine, Mapping[str, Any]]],
    site_currency: str,
    problems: list[str],
) -> money.Priced:
    """Return lines and total that add up, or say in `problems` by how much they do not."""
    unpriced = status in (OrderStatus.INCOMPLETE, OrderStatus.CANCELED)
    try:
        priced = money.price(body, lines, currency=site_currency)
    except Unreadable as error:
        if not unpriced:
            problems.append(str(error))
        return money.Priced(tuple(line for line, _ in lines), site_currency, None)
    if priced.problem and not unpriced:  # before payment prices may still change, after cancellation they are void
        problems.append(priced.problem)
    return priced


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _personal(body: Mapping[str, Any], instructions: Sequence[Mapping[str, Any]]) -> PersonalDetails:
    buyer = part(part(body, "buyer"), "buyerRegistrationAddress")
    steps = [part(one, "shippingStep") for one in instructions]
    step = next((one for one in steps if part(one, "shipTo")), {})
    ship_to = part(step, "shipTo")
    reference = text(step, "shipToReferenceId")
    gifts = {text(item, "lineItemId"): text(part(item, "giftDetails"), "message") for item in each(body, "lineItems")}
    shops = [text(part(one, "pickupStep"), "merchantLocationKey") for one in instructions]
    named = reference if reference.casefold().startswith("reference") else f"Reference {reference}"
    notes = [f"{named} must be on the label"] if reference else []
    notes += [f"The buyer collects this order at {shop}" for shop in shops if shop]
    return PersonalDetails(
        buyer_name=text(buyer, "fullName") or text(ship_to, "fullName"),
        buyer_email=text(ship_to, "email") or text(buyer, "email"),
        buyer_company=text(buyer, "companyName"),
        # The name they may change, by which eBay asks to forget them (marketplace account deletion); so may the id be.
        buyer_ids=tuple(name for name in (text(part(body, "buyer"), "username"),) if name),
        shipping=_address(ship_to, reference),
        delivery_notes="; ".join(notes),
        gift_messages={line_id: message for line_id, message in gifts.items() if line_id and message},
        buyer_notes=text(body, "buyerCheckoutNotes"),
    )


def _address(ship_to: Mapping[str, Any], reference: str) -> Address | None:
    """Return where the parcel goes, or None when eBay gave nothing.

    With eBay's own shipping programs that is their hub; the buyer's home (`finalDestinationAddress`) is never used. The
    hub finds the buyer by the reference, which therefore stands in the address.
    """
    if not ship_to:
        return None
    raw = part(ship_to, "contactAddress")
    line1, line2 = text(raw, "addressLine1"), text(raw, "addressLine2")
    if reference and reference not in f"{line1} {line2}":
        line2 = f"{reference}, {line2}" if line2 else reference
    if not line1:
        line1, line2 = line2, ""
    return Address(
        name=text(ship_to, "fullName"),
        company=text(ship_to, "companyName"),
        line1=line1,
        line2=line2,
        city=text(raw, "city"),
        district=text(raw, "county"),
        region=text(raw, "stateOrProvince"),
        postal_code=text(raw, "postalCode"),
        country=text(raw, "countryCode").upper(),
        phone=text(part(ship_to, "primaryPhone"), "phoneNumber"),
    )


def _withheld(
    personal: PersonalDetails, instructions: Sequence[Mapping[str, Any]], *, age: timedelta
) -> tuple[Withheld, ...]:
    """Return what will not come any more: nothing is shipped to a buyer who collects, and e-mail addresses go."""
    found = []
    without_parcel = bool(instructions) and _kinds(instructions) <= {"PREPARE_FOR_PICKUP", "DIGITAL"}
    if personal.shipping is None and without_parcel:
        found.append(Withheld.ADDRESS)
    if not personal.buyer_email and age > timedelta(days=EMAIL_DAYS):
        found.append(Withheld.EMAIL)
    return tuple(found)
