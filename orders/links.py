"""Where an order lives at the marketplace and in the store: addresses a merchant opens in a new tab."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings

from orders.models import Order

SELLER_CENTRAL = {
    "na": "https://sellercentral.amazon.com",
    "eu": "https://sellercentral-europe.amazon.com",
    "fe": "https://sellercentral-japan.amazon.com",
}
"""Seller Central per region; a seller signed in at one site of a region is led to the right one."""

MARKETPLACE_PAGES = {"amazon": "Seller Central", "ebay": "eBay", "etsy": "Etsy"}


def marketplace_url(order: Order) -> str:
    """Return the order's page at the marketplace, empty where we know none. Needs `order.account`."""
    if order.platform != "amazon":
        return ""
    region = order.account.region or "na"
    base = settings.PLATFORM_URLS["amazon"]["seller_central"].format(region=region) or SELLER_CENTRAL.get(region, "")
    return f"{base}/orders-v3/order/{quote(order.marketplace_order_id)}" if base else ""


def store_url(order: Order) -> str:
    """Return the store order's page in the store's admin, empty while there is none. Needs `order.store`."""
    if not order.store_order_id or order.store.platform != "shopify":
        return ""
    base = settings.PLATFORM_URLS["shopify"]["admin"].format(shop=order.store.key)
    return f"{base}/orders/{order.store_order_id.rsplit('/', 1)[-1]}"
