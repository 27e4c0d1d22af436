"""Delivery addresses that marketplaces take and stores do not, for trying what becomes of such an order.

An order's `buyer.address` may be one of these by name: in the control API, and on the page *Be the buyer*.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.sandbox.platforms import Doc, Refusal


class OddAddress(NamedTuple):
    """An address by its name: in the page's words, and in the control API's."""

    words: str
    address: Doc


ODD_ADDRESSES = {
    "unknown_country": OddAddress(
        "In a country no store knows (XX)",
        {
            "address1": "12 Orchard Lane", "city": "Bend", "state": "OR", "postal_code": "97702", "country": "XX",
            "phone": "+1 541-555-0142",
        },
    ),
    "unknown_province": OddAddress(
        "In a province no store knows (Cascadia)",
        {
            "address1": "12 Orchard Lane", "city": "Bend", "state": "Cascadia", "postal_code": "97702", "country": "US",
            "phone": "+1 541-555-0142",
        },
    ),
    "phone_extension": OddAddress(
        "With an extension in the phone number",
        {
            "address1": "12 Orchard Lane", "city": "Bend", "state": "OR", "postal_code": "97702", "country": "US",
            "phone": "+1 541-555-0142 ext. 40217",
        },
    ),
}  # fmt: skip
"""By name. What a store makes of each is the store's affair: see its README."""


def spelled_out(body: Doc) -> Doc:
    """Return what buyers order with an address that is given by name written out. Raises Refusal for another name."""
    buyer = body.get("buyer")
    named = buyer.get("address") if isinstance(buyer, dict) else None
    if not isinstance(buyer, dict) or not isinstance(named, str):
        return body
    if named not in ODD_ADDRESSES:
        raise Refusal("buyer.address", f"an object, null or one of {', '.join(ODD_ADDRESSES)} is wanted")
    return {**body, "buyer": {**buyer, "address": dict(ODD_ADDRESSES[named].address)}}
