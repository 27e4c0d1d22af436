"""What eBay's programs ask of whoever packs an order, in words for its page."""

from __future__ import annotations

_HUB = "Ship it to the address under Buyer, which is eBay's own, not the buyer's; eBay sends it on."
PROGRAMS = {
    "GLOBAL_SHIPPING": f"Global Shipping Program. {_HUB}",
    "EBAY_INTERNATIONAL_SHIPPING": f"eBay International Shipping. {_HUB}",
    "AUTHENTICITY_GUARANTEE": "Authenticity Guarantee. Ship it to eBay's authenticator, the address under Buyer; eBay checks it "
    "and sends it on.",
    "FULFILLED_BY_EBAY": "eBay's warehouse ships this order. Your stock is not touched.",
    "EBAY_LABEL": "eBay provides the shipping label: print it on the order's page at eBay.",
    "PICKUP": "The buyer collects this order. Nothing is shipped.",
    "DIGITAL": "Delivered without a parcel.",
}
"""Program → what it asks, where it asks anything; the names are those `mapping.py` gives."""
