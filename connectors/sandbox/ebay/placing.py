"""Reading an order in the control API's words: lines, buyer, programs. `Refusal` names the field that is wrong."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from connectors.sandbox import order_bodies
from connectors.sandbox.ebay import people
from connectors.sandbox.ebay.sites import RATES, Site
from connectors.sandbox.ebay.state import Doc, EbayState, amount
from connectors.sandbox.platforms import Refusal

FIELDS = (
    "lines", "site", "currency", "status", "fulfilled_by", "buyer", "count", "discount", "shipping", "tax", "gift_wrap",
    "customization", "replacement_of", "mode", "programs", "combined", "note", "order_discount", "adjustment",
    "shipping_discount", "tax_by", "buyer_currency", "immediate_payment",
)  # fmt: skip
STATUSES = ("pending", "paid", "shipped", "canceled")
PROGRAMS = (
    "GLOBAL_SHIPPING", "INTERNATIONAL_SHIPPING", "AUTHENTICITY_GUARANTEE", "SELLER_TO_VAULT", "VAULT_TO_BUYER",
    "EBAY_SHIPPING", "PICKUP", "DIGITAL",
)  # fmt: skip
HUB = ("GLOBAL_SHIPPING", "INTERNATIONAL_SHIPPING", "AUTHENTICITY_GUARANTEE", "SELLER_TO_VAULT")
"""Programs that have the seller ship to eBay's partner."""


def check(body: Doc) -> None:
    """Refuse fields nobody knows, and what eBay does not have."""
    unknown = sorted(set(body) - set(FIELDS))
    if unknown:
        raise Refusal(unknown[0], f"not known; known are {', '.join(FIELDS)}")
    if body.get("replacement_of"):
        raise Refusal("replacement_of", "eBay has no replacement orders")
    order_bodies.count_of(body)
    for name in ("combined", "immediate_payment"):
        if not isinstance(body.get(name, False), bool):
            raise Refusal(name, "true or false is wanted")
    if body.get("buyer_currency") is not None and body["buyer_currency"] not in RATES:
        raise Refusal("buyer_currency", f"one of {', '.join(RATES)} is wanted")


def lines_of(state: EbayState, seller: str, site: Site, body: Doc) -> list[Doc]:
    """Return the order's lines with their part of the amounts given for the whole order."""
    lines = [_line(state, seller, site, line, field) for line, field in order_bodies.lines_of(body)]
    if body.get("combined") and len(lines) == 1 and lines[0]["quantity"] > 1:
        # The buyer bought the same thing several times: one order, one line item for each purchase.
        lines = [{**lines[0], "quantity": 1} for _ in range(lines[0]["quantity"])]
    for name in ("discount", "shipping", "shipping_discount", "tax"):
        order_bodies.share(lines, name, order_bodies.money(body, name), amount)
    return lines


def _line(state: EbayState, seller: str, site: Site, line: Any, field: str) -> Doc:
    if not isinstance(line, dict):
        raise Refusal(field, "an object is wanted")
    named = line.get("sku") or line.get("item_id") or line.get("title")
    if not isinstance(named, str) or not isinstance(line.get("sku") or "", str):
        raise Refusal(f"{field}.sku", "the seller's SKU is wanted, or item_id or title for a listing without one")
    quantity = order_bodies.whole(line, "quantity", 9999, f"{field}.quantity")
    variation = order_bodies.variation_of(line, field)
    listing = state.listing(seller, line) or _by_title(state, seller, line) or {}
    usual = listing.get("prices", {}).get(site.code, "20.00")
    made = {
        "sku": listing.get("sku", "") if not line.get("sku") else line["sku"],
        "item_id": line.get("item_id") or listing.get("item_id") or state.new_item_id(),
        "variation_id": line.get("variation_id") or listing.get("variation_id") or "",
        "title": str(line.get("title") or listing.get("title") or line.get("sku") or "Item"),
        "variation": listing.get("variation") or {} if variation is None else variation,
        "quantity": quantity,
        "shipped": 0,
        "unit_price": amount(order_bodies.money(line, "unit_price", Decimal(usual), f"{field}.unit_price")),
        "promotion": str(line.get("promotion") or "Autumn sale"),
        "customization": str(line["customization"]) if line.get("customization") else "",
    }
    for name in ("discount", "shipping", "shipping_discount", "tax"):
        made[name] = amount(order_bodies.money(line, name, field=f"{field}.{name}"))
    if made["variation"] and not made["variation_id"]:
        made["variation_id"] = state.new_item_id()
    return made


def _by_title(state: EbayState, seller: str, line: Doc) -> Doc | None:
    """Find the listing without a SKU that a title (and a variation) names."""
    if line.get("sku"):
        return None
    for listing in state.listings_of[seller]:
        if (
            listing["title"] == line.get("title")
            and line.get("variation", listing["variation"]) == listing["variation"]
        ):
            return listing
    return None


def programs_of(body: Doc) -> list[str]:
    """Return the eBay programs an order is part of."""
    given = body.get("programs") or []
    if not isinstance(given, list) or any(str(program).upper() not in PROGRAMS for program in given):
        raise Refusal("programs", f"a list of {', '.join(PROGRAMS)} is wanted")
    return [str(program).upper() for program in given]


def note_of(body: Doc, lines: list[Doc]) -> str:
    """Return what the buyer writes at checkout. eBay has no field for personalization or gift wrap: buyers write it."""
    note = body.get("note")
    if note is not None and not isinstance(note, str):
        raise Refusal("note", "a text is wanted")
    said = [note] if note else []
    given = body.get("customization")
    if given:
        said.append(given if isinstance(given, str) else "Please personalize it: Ada")
    said += [line["customization"] for line in lines if line["customization"]]
    wrap = body.get("gift_wrap")
    if wrap:
        message = wrap.get("message") if isinstance(wrap, dict) else ""
        said.append(f"It is a gift, please wrap it. {message or ''}".strip())
    return "\n".join(said)


_ADDRESS_NAMES = {
    "address1": "addressLine1",
    "address2": "addressLine2",
    "city": "city",
    "county": "county",
    "state": "stateOrProvince",
    "province": "stateOrProvince",
    "postal_code": "postalCode",
    "zip": "postalCode",
    "country": "countryCode",
}


def buyer_of(chance: random.Random, site: Site, body: Doc, programs: list[str]) -> Doc:
    """Return the buyer: made up, with what the body says."""
    given = body.get("buyer") or {}
    if not isinstance(given, dict):
        raise Refusal("buyer", "an object is wanted")
    abroad = "US" if site.country != "US" else "CA"
    country = abroad if {"GLOBAL_SHIPPING", "INTERNATIONAL_SHIPPING"} & set(programs) else site.country
    buyer = people.buyer(chance, country)
    for name in ("username", "user_id", "name", "email", "phone", "company"):
        if given.get(name):
            buyer[name] = str(given[name])
    if isinstance(given.get("tax_id"), dict):
        buyer["tax_id"] = {str(key): str(value) for key, value in given["tax_id"].items()}
    if "address" in given:
        buyer["address"] = _address(given["address"], buyer, site)
    return buyer


def _address(given: Any, buyer: Doc, site: Site) -> Doc | None:
    """Read an address in the control API's words or in eBay's own; name, company and phone go to the buyer."""
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Refusal("buyer.address", "an object or null is wanted")
    address: Doc = {"countryCode": site.country}
    for key, value in given.items():
        field = _ADDRESS_NAMES.get(str(key), str(key))
        if field in ("name", "company", "phone"):
            buyer[field] = value
        elif field in _ADDRESS_NAMES.values():
            address[field] = value
        else:
            raise Refusal(f"buyer.address.{key}", f"not known; known are {', '.join(sorted(_ADDRESS_NAMES))}")
    return {key: value for key, value in address.items() if value not in (None, "")}
