"""Erasing the buyers of one store's orders, when a merchant with several stores has removed the app from one."""

from __future__ import annotations

from orders import personal
from orders.models import Buyer

BATCH = 500


def on_store_erase(*, store_id: int) -> None:
    """Erase every buyer of this store's orders; they keep country and totals. Needs an open scope."""
    while True:
        found = Buyer.objects.filter(order__store_id=store_id).values_list("order_id", flat=True)[:BATCH]
        if not personal.erase(list(found), why="app removed from the store"):
            return
