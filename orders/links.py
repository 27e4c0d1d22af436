"""Where an order lives at the marketplace and in the store: addresses a merchant opens in a new tab."""

from __future__ import annotations

from accounts import connections
from orders.models import Order


def marketplace_url(order: Order) -> str:
    """Return the order's page at the marketplace. Needs `order.account`."""
    return connections.marketplace_order_page(order.account, order.marketplace_order_id, site=order.site)


def store_url(order: Order) -> str:
    """Return the store order's page in the store's admin, empty while there is none. Needs `order.store`."""
    return connections.store_order_page(order.store, order.store_order_id) if order.store_order_id else ""
