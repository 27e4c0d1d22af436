"""What the pretend shop refuses in an ``orderCreate``, with the words Shopify uses where they are known.

Each check adds user errors (``code, field, message``); an order with any is not created.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from connectors.sandbox.shopify import places
from connectors.sandbox.shopify.state import Doc, State

MAX_LINES = 500
MAX_TAGS, MAX_TAG = 250, 40
MAX_NOTE = 5000


def error(message: str, *path: str | int, code: str = "INVALID") -> Doc:
    """Return a user error; ``path`` is below ``order``."""
    return {"code": code, "field": ["order", *(str(step) for step in path)], "message": message}


def check(state: State, shop: str, order: Doc, currencies: tuple[str, str]) -> list[Doc]:
    """Return everything wrong with an OrderCreateOrderInput, nothing changed."""
    return [
        *_lines(state, shop, order),
        *_taxes(order),
        *_people(state, shop, order),
        *_address(order, "shippingAddress"),
        *_address(order, "billingAddress"),
        *_labels(order),
        *_moneys(order, currencies),
        *_fulfillment(state, shop, order),
    ]


def _lines(state: State, shop: str, order: Doc) -> Iterator[Doc]:
    lines = order.get("lineItems") or []
    if not lines:
        yield error("Line items must have at least one line item", "lineItems")
    if len(lines) > MAX_LINES:
        yield error(f"Line items is too many (maximum is {MAX_LINES})", "lineItems")
    for n, line in enumerate(lines):
        if line["quantity"] < 1:
            yield error("Line items quantity must be greater than 0", "lineItems", n, "quantity")
        variant_id = line.get("variantId")
        if variant_id:
            variant = state.variants.get(variant_id)
            if variant is None or variant["shop"] != shop:
                yield error("Line items variant does not exist", "lineItems", n, "variantId")
            continue
        if not (line.get("title") or "").strip():
            yield error("Line items title can't be blank", "lineItems", n, "title")
        if line.get("priceSet") is None:
            yield error("Line items price can't be blank", "lineItems", n, "priceSet")


def _taxes(order: Doc) -> Iterator[Doc]:
    on_lines = any(line.get("taxLines") for line in order.get("lineItems") or [])
    if order.get("taxLines") and on_lines:
        yield error("Tax lines must be associated with either order or line item but not both", "taxLines")


def _people(state: State, shop: str, order: Doc) -> Iterator[Doc]:
    if order.get("customerId") and order.get("customer"):
        yield error("Only one of customerId and customer can be given", "customer", code="REDUNDANT_CUSTOMER_FIELDS")
    if order.get("email") and not places.valid_email(order["email"]):
        yield error("Email is invalid", "email")
    if order.get("phone") and not places.valid_phone(order["phone"]):
        yield error("Phone is invalid", "phone")
    customer = order.get("customer") or {}
    upsert, associate = customer.get("toUpsert"), customer.get("toAssociate")
    if upsert:
        if upsert.get("email") and not places.valid_email(upsert["email"]):
            yield error("Customer Email is invalid", "customer", "toUpsert", "email")
        phone = upsert.get("phone")
        if phone and not places.valid_phone(phone):
            yield error("Customer Phone is invalid", "customer", "toUpsert", "phone")
        elif phone and _phone_taken(state, shop, upsert):
            yield error("Customer Phone has already been taken", "customer", "toUpsert", "phone")
    known = order.get("customerId") or (associate or {}).get("id")
    if known and (state.customers.get(known) or {}).get("shop") != shop:
        yield error("Customer does not exist", "customer", "toAssociate", "id")


def _phone_taken(state: State, shop: str, upsert: Doc) -> bool:
    digits = "".join(c for c in upsert["phone"] if c.isdigit())
    other = state.customer_by_phone.get((shop, digits))
    email = (upsert.get("email") or "").casefold()
    return other is not None and (other.get("email") or "").casefold() != email


def _address(order: Doc, name: str) -> Iterator[Doc]:
    given = order.get(name)
    if not given:
        return
    country, _ = places.country(given.get("countryCode"), given.get("country"))
    if given.get("country") and country is None:
        yield error("Country is not supported", name, "country")
    _, _, fits = places.region(country, given.get("provinceCode"), given.get("province"))
    if not fits:
        yield error("Province is not valid", name, "provinceCode" if given.get("provinceCode") else "province")
    phone = given.get("phone")
    if phone and not places.valid_phone(phone):
        yield error("Phone is invalid", name, "phone")
    for part in ("address1", "address2", "city", "company", "firstName", "lastName", "zip", "phone"):
        if len(given.get(part) or "") > 255:
            yield error(f"{part} is too long (maximum is 255 characters)", name, part)


def _labels(order: Doc) -> Iterator[Doc]:
    tags = order.get("tags") or []
    if len(tags) > MAX_TAGS:
        yield error(f"Tags is too many (maximum is {MAX_TAGS})", "tags")
    if any(len(tag) > MAX_TAG for tag in tags):
        yield error(f"Tags is too long (maximum is {MAX_TAG} characters)", "tags")
    if len(order.get("note") or "") > MAX_NOTE:
        yield error(f"Note is too long (maximum is {MAX_NOTE} characters)", "note")
    processed = order.get("processedAt")
    if processed is not None and moment(processed) is None:
        yield error("Processed at is invalid", "processedAt", code="PROCESSED_AT_INVALID")


def _moneys(order: Doc, currencies: tuple[str, str]) -> Iterator[Doc]:
    """Every amount must be in the order's currency, and in the buyer's too when that is another one."""
    for bag, path in _bags(order):
        if bag["shopMoney"]["currencyCode"] != currencies[0]:
            yield error(f"Shop money currency must be {currencies[0]}", *path)
        paid = bag.get("presentmentMoney")
        if paid is None and currencies[0] != currencies[1]:
            yield error("Presentment money must be given for every amount", *path)
        if paid is not None and paid["currencyCode"] != currencies[1]:
            yield error(f"Presentment money currency must be {currencies[1]}", *path)


def _bags(order: Doc) -> Iterator[tuple[Doc, list[str | int]]]:
    for group, price in (
        ("lineItems", "priceSet"),
        ("shippingLines", "priceSet"),
        ("transactions", "amountSet"),
        ("taxLines", "priceSet"),
    ):
        for n, entry in enumerate(order.get(group) or []):
            if entry.get(price):
                yield entry[price], [group, n, price]
            for m, tax in enumerate(entry.get("taxLines") or []):
                if tax.get("priceSet"):
                    yield tax["priceSet"], [group, n, "taxLines", m, "priceSet"]
    fixed = (order.get("discountCode") or {}).get("itemFixedDiscountCode")
    if fixed and fixed.get("amountSet"):
        yield fixed["amountSet"], ["discountCode", "itemFixedDiscountCode", "amountSet"]


def _fulfillment(state: State, shop: str, order: Doc) -> Iterator[Doc]:
    given = order.get("fulfillment")
    if given and (state.locations.get(given["locationId"]) or {}).get("shop") != shop:
        yield error(
            "Fulfillment location does not exist", "fulfillment", "locationId", code="FULFILLMENT_SERVICE_INVALID"
        )


def moment(text: Any) -> datetime | None:
    """Read an ISO 8601 time; without an offset it is UTC. None when it cannot be read."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
